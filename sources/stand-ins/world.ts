/**
 * The seed data: one made-up world that every stand-in tells its own part of, so that the systems agree about
 * who bought, called and clicked what. Everything is generated from a fixed seed; the same number of customers
 * gives the same world, byte for byte.
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
  /** The trade register: these companies, and others that nobody else knows. */
  register: SeedRegistration[];
}

/**
 * One human being, with what each system holds about them. A system that does not know them has no entry. Somebody with
 * two records in one system, or known by different addresses, is here once for each.
 */
export interface Person {
  /** The address the person is found by; `customer-7@example.nl` for the seventh ordinary customer. */
  email: string;
  firstName: string;
  /** Dutch surname with its infix in front: "van der Berg". */
  lastName: string;
  /** ISO date. */
  birthDate: string;
  /** E.164, a Dutch mobile number: "+31612345678". Unique per person, except of special people. */
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
  /** Like "K000123"; the number printed on invoices. */
  customerNumber: string;
  /** The shop had the address confirmed by a mailed link. Unlike in the other systems two customers may share one. */
  emailVerified: boolean;
  /** The customer answered a text message: a thing the shop has hardly begun with. */
  phoneVerified: boolean;
  /** When the customer's own row was changed last; ISO date-time with Z. */
  updatedAt: string;
  /** Only of who buys for a company. */
  business?: { companyName: string; kvkNumber: string; vatNumber: string };
  /** That somebody logged in on. */
  devices: { visitorId: string; lastSeenAt: string }[];
  consents: SeedConsent[];
  orders: SeedOrder[];
}

export interface SeedOrder {
  /** Like "ORD-2026-0000123", unique. */
  number: string;
  /** The name of the webshop's order that it was made from, like "#1234", unique; null of one that came another way. */
  shopName: string | null;
  status: 'NEW' | 'PAID' | 'SHIPPED' | 'DELIVERED' | 'CANCELLED';
  /** ISO date-time with Z. Several orders of one person may carry the same moment: paging must cope. */
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
  /** Whose organisation the user is of; points into `World.companies`. */
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
  /** Only of what is done. */
  rating?: SeedRating;
  /** The ids of the users who get a copy of what is said. */
  copiedTo?: readonly number[];
  /** The first comment is the description, by the customer; the others alternate between agent and customer. */
  comments: { id: number; author: 'customer' | 'agent'; body: string; public: boolean; createdAt: string }[];
}

export interface CrmPart {
  /** HubSpot record ids are numbers told as text. */
  contactId: string;
  additionalEmails?: readonly string[];
  /** The order system's number of the customer, as a sync wrote it. */
  customerNumber?: string;
  twitterHandle?: string;
  /** As what links Messenger to the CRM wrote it. */
  facebookUserId?: string;
  /** Points into `World.companies`. */
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
  /** Eight digits, a leading zero is part of it. */
  kvkNumber: string;
  /** As the CRM has it, of a few. */
  vatNumber?: string;
  industry: string;
  numberOfEmployees: number;
  updatedAt: string;
  /** That the CRM holds of it. */
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

/** A system imitated on loopback. */
export interface StandIn {
  /** The name of its source. */
  name: string;
  /** Where it listens itself; the fault control stands in front of it. */
  url: string;
  /** What a gateway must be told (environment variables) to reach it at `url`, or at another address in front of it. */
  settings: (url: string) => Record<string, string>;
  /** What can be made to happen in it that it tells of. Left out by a system that tells of nothing. */
  emitter?: Emitter;
  close(): Promise<void>;
}
