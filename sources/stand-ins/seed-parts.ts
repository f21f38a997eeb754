import { createRandom, type Random } from './random.js';
import { createMarketingPart } from './seed-hubspot.js';
import {
  customerNumber,
  hubspotContactId,
  hubspotDealId,
  orderNumber,
  shopifyId,
  zendeskCommentId,
  zendeskTicketId,
  zendeskUserId,
} from './seed-ids.js';
import { createOnlineOrders } from './seed-online-orders.js';
import { after, dayMs, minuteMs, worldNow } from './seed-time.js';
import {
  agentNotes,
  agentReplies,
  customerReplies,
  dealNames,
  jobTitles,
  ticketTopics,
} from './seed-words.js';
import type {
  ContactCentrePart,
  CrmPart,
  OrderSystemPart,
  SeedCompany,
  SeedOrder,
  SeedProduct,
  SeedTicket,
  WebshopPart,
} from './world.js';

/** The input of one system's part of a person. The options replace pseudo-random choices. */
interface PartSeed {
  place: number;
  createdAt: string;
}

/** The number of identifiers of each kind per place. */
const perPlace = {
  orders: 8,
  tickets: 8,
  commentsPerTicket: 4,
  deals: 4,
  draftOrders: 4,
  linesPerDraftOrder: 4,
};

export function createOrderSystemPart(
  { place, createdAt }: PartSeed,
  products: readonly SeedProduct[],
  {
    orderCount,
    isInWebshop,
    ...facts
  }: { orderCount?: number | undefined; isInWebshop: boolean } & Pick<
    OrderSystemPart,
    'emailVerified' | 'phoneVerified' | 'business' | 'devices' | 'consents'
  >,
): OrderSystemPart {
  const random = createRandom('orders', place);
  const count = orderCount ?? random.integer(1, 6);
  const lifeMs = Date.parse(worldNow) - Date.parse(createdAt);

  const orders: SeedOrder[] = [];
  for (let index = 0; index < count; index++) {
    const previous = orders[index - 1];
    // Very many orders come from an import job, which books several at the same moment.
    const sameMoment = count > 50 && index % 10 !== 0 && index % 10 < 4;
    const placedAt =
      sameMoment && previous !== undefined ? previous.placedAt : after(createdAt, random.fraction() * lifeMs);
    const number = place * perPlace.orders + index;
    orders.push({
      ...createOrder(random, placedAt, number, products),
      // A person with an account in the webshop orders there.
      shopName: isInWebshop ? `#${1_001 + number}` : null,
    });
  }
  return {
    customerNumber: customerNumber(place),
    ...facts,
    updatedAt: after(createdAt, createRandom('order-system-changes', place).fraction() * lifeMs),
    orders,
  };
}

function createOrder(
  random: Random,
  placedAt: string,
  number: number,
  products: readonly SeedProduct[],
): Omit<SeedOrder, 'shopName'> {
  const status = orderStatus(random, placedAt);
  const lines = pickSome(random, products, random.integer(1, 4)).map((product, index) => ({
    lineNumber: index + 1,
    sku: product.sku,
    description: product.title,
    quantity: random.chance(0.7) ? 1 : random.integer(2, 6),
    // The price at that time may differ from the current price.
    unitPriceCents: random.chance(0.2) ? Math.round(product.priceCents * 0.9) : product.priceCents,
  }));
  const totalCents = lines.reduce((sum, line) => sum + line.quantity * line.unitPriceCents, 0);
  const unpaid = status === 'NEW' || status === 'CANCELLED';
  return {
    number: orderNumber(placedAt.slice(0, 4), number),
    status,
    placedAt,
    lines,
    payments: unpaid ? [] : createPayments(random, placedAt, totalCents),
  };
}

function orderStatus(random: Random, placedAt: string): SeedOrder['status'] {
  const ageDays = (Date.parse(worldNow) - Date.parse(placedAt)) / dayMs;
  if (random.chance(0.06)) return 'CANCELLED';
  if (ageDays < 3) return random.pick(['NEW', 'PAID']);
  if (ageDays < 14) return random.pick(['PAID', 'SHIPPED', 'SHIPPED']);
  return random.chance(0.03) ? 'NEW' : 'DELIVERED';
}

function createPayments(random: Random, placedAt: string, totalCents: number): SeedOrder['payments'] {
  const method = random.pick(['IDEAL', 'IDEAL', 'IDEAL', 'CREDITCARD', 'KLARNA'] as const);
  const paidAt = after(placedAt, random.integer(1, 60) * minuteMs);
  // A few people pay a part by one method and the rest by another.
  if (totalCents < 2_000 || !random.chance(0.08)) return [{ method, amountCents: totalCents, paidAt }];
  return [
    { method: 'CREDITCARD', amountCents: 1_000, paidAt },
    { method, amountCents: totalCents - 1_000, paidAt: after(paidAt, 5 * minuteMs) },
  ];
}

export function createWebshopPart(
  { place, createdAt }: PartSeed,
  products: readonly SeedProduct[],
  {
    orders,
    hasCart,
    ...facts
  }: { orders: readonly SeedOrder[]; hasCart?: boolean | undefined } & Pick<
    WebshopPart,
    'emailConsent' | 'smsConsent'
  >,
): WebshopPart {
  const random = createRandom('webshop', place);
  const lifeMs = Date.parse(worldNow) - Date.parse(createdAt);
  const counted = orders.filter((order) => order.status !== 'CANCELLED');

  const statuses: WebshopPart['draftOrders'][number]['status'][] = [];
  if (hasCart ?? random.chance(0.35)) statuses.push('OPEN');
  if (random.chance(0.1)) statuses.push('OPEN');
  if (random.chance(0.15)) statuses.push(random.pick(['INVOICE_SENT', 'COMPLETED']));

  return {
    customerId: shopifyId('customer', place),
    amountSpentCents: counted.reduce((sum, order) => sum + orderTotalCents(order), 0),
    numberOfOrders: counted.length,
    ...facts,
    orders: createOnlineOrders(place * perPlace.orders, orders),
    draftOrders: statuses.map((status, index) => {
      const number = place * perPlace.draftOrders + index;
      const draftCreatedAt = after(createdAt, random.fraction() * (lifeMs - 6 * dayMs));
      return {
        id: shopifyId('draftOrder', number),
        name: `#D${number}`,
        status,
        createdAt: draftCreatedAt,
        updatedAt: after(draftCreatedAt, random.integer(1, 5 * 24 * 60) * minuteMs),
        lines: pickSome(random, products, random.integer(1, perPlace.linesPerDraftOrder)).map(
          (product, line) => ({
            id: shopifyId('draftOrderLine', number * perPlace.linesPerDraftOrder + line),
            sku: product.sku,
            quantity: random.integer(1, 3),
            unitPriceCents: product.priceCents,
          }),
        ),
      };
    }),
  };
}

function orderTotalCents(order: SeedOrder): number {
  return order.lines.reduce((sum, line) => sum + line.quantity * line.unitPriceCents, 0);
}

export function createContactCentrePart(
  { place, createdAt }: PartSeed,
  { orders, ticketCount }: { orders: readonly SeedOrder[]; ticketCount?: number | undefined },
): ContactCentrePart {
  const random = createRandom('contact-centre', place);
  const count = ticketCount ?? random.integer(0, 5);
  return {
    userId: zendeskUserId(place),
    // A person is verified after a phone call or an answered mail. A form alone does not verify a person.
    verified: ticketCount !== undefined || random.chance(0.85),
    tickets: Array.from({ length: count }, (_, index) =>
      createTicket(random, createdAt, place * perPlace.tickets + index, orders),
    ),
  };
}

function createTicket(
  random: Random,
  knownSince: string,
  number: number,
  orders: readonly SeedOrder[],
): SeedTicket {
  const topics =
    orders.length > 0 ? ticketTopics : ticketTopics.filter(({ subject }) => !subject.includes('{order}'));
  const topic = random.pick(topics);
  const order = orders.length > 0 ? random.pick(orders) : undefined;
  const since = order?.placedAt ?? knownSince;
  const createdAt = after(since, random.fraction() * (Date.parse(worldNow) - Date.parse(since)));

  const comments: SeedTicket['comments'] = [];
  let moment = createdAt;
  const commentCount = random.integer(1, perPlace.commentsPerTicket);
  for (let index = 0; index < commentCount; index++) {
    const byCustomer = index % 2 === 0;
    // An agent's note to colleagues is not public: customers must never see it.
    const note = !byCustomer && random.chance(0.2);
    const body =
      index === 0
        ? topic.description
        : random.pick(byCustomer ? customerReplies : note ? agentNotes : agentReplies);
    comments.push({
      id: zendeskCommentId(number * perPlace.commentsPerTicket + index),
      author: byCustomer ? 'customer' : 'agent',
      body,
      public: !note,
      createdAt: moment,
    });
    moment = after(moment, random.integer(10, 3 * 24 * 60) * minuteMs);
  }

  const last = comments.at(-1);
  return {
    id: zendeskTicketId(number),
    subject: topic.subject.replace('{order}', order?.number ?? ''),
    description: topic.description,
    status: ticketStatus(random, createdAt),
    priority: random.pick(['low', 'normal', 'normal', 'high', 'urgent', null]),
    channel: random.pick(['email', 'email', 'web', 'chat', 'voice']),
    createdAt,
    updatedAt: last?.createdAt ?? createdAt,
    comments,
  };
}

/** Zendesk closes a ticket four weeks after it was solved. */
function ticketStatus(random: Random, createdAt: string): SeedTicket['status'] {
  const ageDays = (Date.parse(worldNow) - Date.parse(createdAt)) / dayMs;
  if (ageDays < 2) return random.pick(['new', 'open']);
  if (ageDays < 28) return random.pick(['open', 'pending', 'hold', 'solved']);
  return random.chance(0.1) ? random.pick(['open', 'pending', 'hold']) : 'closed';
}

export function createCrmPart(
  { place, createdAt }: PartSeed,
  companies: readonly SeedCompany[],
  {
    hasCompany,
    company: knownCompany,
    dealCount,
    isCustomer,
    ...facts
  }: {
    hasCompany?: boolean | undefined;
    company?: SeedCompany | undefined;
    dealCount?: number | undefined;
    isCustomer: boolean;
  } & Pick<CrmPart, 'additionalEmails' | 'customerNumber' | 'twitterHandle' | 'facebookUserId'>,
): CrmPart {
  const random = createRandom('crm', place);
  const lifeMs = Date.parse(worldNow) - Date.parse(createdAt);
  const chance = random.pick(companies);
  const company = knownCompany ?? chance;
  return {
    contactId: hubspotContactId(place),
    ...facts,
    ...((hasCompany ?? random.chance(0.5)) && { companyId: company.id }),
    jobTitle: random.pick(jobTitles),
    lifecycleStage: isCustomer
      ? random.pick(['customer', 'customer', 'evangelist'])
      : random.pick(['subscriber', 'lead']),
    marketing: createMarketingPart({ place, createdAt }, { isRich: dealCount === 3 }),
    updatedAt: after(createdAt, random.fraction() * lifeMs),
    deals: Array.from({ length: dealCount ?? random.integer(0, 3) }, (_, index) => {
      const dealCreatedAt = after(createdAt, random.fraction() * lifeMs);
      return {
        id: hubspotDealId(place * perPlace.deals + index),
        name: random.pick(dealNames),
        amountCents: random.integer(2, 400) * 2_500,
        stage: random.pick(['appointmentscheduled', 'qualifiedtobuy', 'closedwon', 'closedlost']),
        closeDate: after(dealCreatedAt, random.integer(7, 90) * dayMs),
        createdAt: dealCreatedAt,
      };
    }),
  };
}

function pickSome<T>(random: Random, choices: readonly T[], count: number): T[] {
  const picked = new Set<T>();
  while (picked.size < Math.min(count, choices.length)) picked.add(random.pick(choices));
  return [...picked];
}
