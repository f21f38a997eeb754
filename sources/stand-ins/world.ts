/**
 * The seed data: one made-up world. Each stand-in has its own part of it, so the systems agree about orders, calls and clicks.
 * Everything is generated from a fixed seed: the same number of customers gives the same world, byte for byte.
 */

import type { SeedConsent, ShopConsent } from './seed-consents.js';
import type { SeedRating } from './seed-contact-centre.js';
import type { SeedRegistration } from './seed-kvk.js';
import type { MarketingPart, SeedServiceTicket } from './seed-hubspot.js';
import type { InvoicesPart } from './seed-invoices.js';
import type { ClickstreamPart } from './seed-clickstream.js';
import type { Emitter } from './emit.js';
import type { SalesforcePart } from './seed-salesforce.js';
import type { FacebookPart } from './seed-facebook.js';
import type { SeedOnlineOrder } from './seed-online-orders.js';
import type { XPart } from './seed-x.js';

export interface World {
  people: Person[];
  products: SeedProduct[];
  companies: SeedCompany[];
  /** The trade register: these companies, and others that no other system knows. */
  register: SeedRegistration[];
}

/**
 * One human being, with each system's part. A system that does not know the person has no part. A person with two records in one
 * system, or with different e-mail addresses, is here once for each.
 */
export interface Person {
  /** The e-mail address by which the person is found. The seventh ordinary customer has `customer-7@example.nl`. */
  email: string;
  firstName: string;
  /** Dutch surname with its infix in front: "van der Berg". */
  lastName: string;
  /** ISO date. */
  birthDate: string;
  /** A Dutch mobile number in E.164: "+31612345678". Unique per person, except for special people. */
  phone: string;
  address: { street: string; houseNumber: string; postcode: string; city: string; country: 'NL' };
  /** ISO date-time with Z. */
  createdAt: string;
  orderSystem?: OrderSystemPart;
  webshop?: WebshopPart;
  contactCentre?: ContactCentrePart;
  crm?: CrmPart;
  x?: XPart;
  facebook?: FacebookPart;
  invoices?: InvoicesPart;
  salesforce?: SalesforcePart;
  clickstream?: ClickstreamPart;
}

export interface OrderSystemPart {
  /** Like "K000123": the number on invoices. */
  customerNumber: string;
  /** Whether the customer confirmed the address by a mailed link. Only in this system, two customers may share an address. */
  emailVerified: boolean;
  /** Whether the customer answered a text message. The shop has sent only a few. */
  phoneVerified: boolean;
  /** The last change of the customer's row; ISO date-time with Z. */
  updatedAt: string;
  /** Only if the person buys for a company. */
  business?: { companyName: string; kvkNumber: string; vatNumber: string };
  /** The devices on which the customer logged in. */
  devices: { visitorId: string; lastSeenAt: string }[];
  consents: SeedConsent[];
  orders: SeedOrder[];
}

export interface SeedOrder {
  /** Like "ORD-2026-0000123", unique. */
  number: string;
  /** The unique name of the webshop's order, like "#1234". Null if the order was not placed in the webshop. */
  shopName: string | null;
  status: 'NEW' | 'PAID' | 'SHIPPED' | 'DELIVERED' | 'CANCELLED';
  /** ISO date-time with Z. Several orders of one person may have the same time, and paging must handle that. */
  placedAt: string;
  lines: { lineNumber: number; sku: string; description: string; quantity: number; unitPriceCents: number }[];
  payments: { method: 'IDEAL' | 'CREDITCARD' | 'KLARNA'; amountCents: number; paidAt: string }[];
}

export interface WebshopPart {
  /** The numeric part of the Shopify id, above 2^53, so text: "9007199254741993". */
  customerId: string;
  amountSpentCents: number;
  numberOfOrders: number;
  emailConsent: ShopConsent;
  smsConsent: ShopConsent;
  orders: SeedOnlineOrder[];
  /** Open carts, as Shopify draft orders; the newest by `updatedAt` is the customer's cart. */
  draftOrders: {
    /** Numeric part, above 2^53. */
    id: string;
    name: string;
    status: 'OPEN' | 'INVOICE_SENT' | 'COMPLETED';
    createdAt: string;
    updatedAt: string;
    lines: { id: string; sku: string; quantity: number; unitPriceCents: number }[];
  }[];
}

export interface ContactCentrePart {
  /** Zendesk ids are integers of 13 to 14 digits. */
  userId: number;
  verified: boolean;
  /** The company of the user's organisation: the index in `World.companies`. */
  companyId?: string;
  tickets: SeedTicket[];
}

export interface SeedTicket {
  id: number;
  subject: string;
  description: string;
  status: 'new' | 'open' | 'pending' | 'hold' | 'solved' | 'closed';
  priority: 'low' | 'normal' | 'high' | 'urgent' | null;
  channel: 'email' | 'web' | 'chat' | 'voice';
  createdAt: string;
  updatedAt: string;
  /** Only for solved tickets. */
  rating?: SeedRating;
  /** The ids of the users who get a copy of each comment. */
  copiedTo?: readonly number[];
  /** The first comment is the description, by the customer; the others alternate between agent and customer. */
  comments: { id: number; author: 'customer' | 'agent'; body: string; public: boolean; createdAt: string }[];
}

export interface CrmPart {
  /** HubSpot sends record ids, which are numbers, as text. */
  contactId: string;
  additionalEmails?: readonly string[];
  /** The order system's customer number, as a sync wrote it. */
  customerNumber?: string;
  twitterHandle?: string;
  /** As the integration of Messenger and CRM wrote it. */
  facebookUserId?: string;
  /** The index in `World.companies`. */
  companyId?: string;
  jobTitle: string;
  lifecycleStage: 'subscriber' | 'lead' | 'customer' | 'evangelist';
  marketing: MarketingPart;
  updatedAt: string;
  deals: {
    id: string;
    name: string;
    amountCents: number;
    stage: 'appointmentscheduled' | 'qualifiedtobuy' | 'closedwon' | 'closedlost';
    closeDate: string;
    createdAt: string;
  }[];
}

export interface SeedCompany {
  id: string;
  name: string;
  domain: string;
  city: string;
  /** Eight digits. A leading zero is a part of the number. */
  kvkNumber: string;
  /** The CRM has it for a few companies. */
  vatNumber?: string;
  industry: string;
  numberOfEmployees: number;
  updatedAt: string;
  /** The tickets in the CRM. */
  serviceTickets: SeedServiceTicket[];
}

export interface SeedProduct {
  /** Numeric parts of the Shopify ids of the product and of its one variant, above 2^53. */
  productId: string;
  variantId: string;
  sku: string;
  title: string;
  description: string;
  priceCents: number;
  stock: number;
  imageUrl: string;
}

/** A source system, imitated on loopback. */
export interface StandIn {
  /** The name of its source. */
  name: string;
  /** Its own address. The fault control is in front of it. */
  url: string;
  /** The environment variables of a gateway that reaches it at `url`, or at another address in front of it. */
  settings: (url: string) => Record<string, string>;
  /** The events that can be made to happen in it. Undefined if it reports no events. */
  emitter?: Emitter;
  close(): Promise<void>;
}
