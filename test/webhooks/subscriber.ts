import { createHmac, randomUUID } from 'node:crypto';

/** Sends a request to a gateway, directly or through its port. */
export type SendRequest = (path: string, init: RequestInit) => Promise<Response>;

export interface ReportedEvent {
  data?: Record<string, Record<string, unknown> | null> | null;
  errors?: { message: string; path?: (string | number)[]; extensions: { code: string } }[];
}

export interface Subscriber {
  status: number;
  contentType: string;
  /** Resolves to the next event, or to undefined at the end of the stream. */
  next(): Promise<ReportedEvent | undefined>;
  /** Resolves to all events until the stream ends. */
  rest(): Promise<ReportedEvent[]>;
  hangUp(): Promise<void>;
}

/** Subscribes by server-sent events, like a browser. */
export async function subscribe(
  send: SendRequest,
  body: { query?: string; documentId?: string; variables?: Record<string, unknown> },
  headers: Record<string, string> = {},
): Promise<Subscriber> {
  const response = await send('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...headers },
    body: JSON.stringify(body),
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  let isOver = reader === undefined;
  const next = async (): Promise<ReportedEvent | undefined> => {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end >= 0) {
        const message = text.slice(0, end);
        text = text.slice(end + 2);
        if (message.includes('event: complete')) isOver = true;
        const data = /^data: ?(\{.*)$/m.exec(message)?.[1];
        if (data !== undefined) return JSON.parse(data) as ReportedEvent;
        continue;
      }
      if (isOver) return undefined;
      const read = await reader?.read();
      if (read?.done !== false) isOver = true;
      else text += read.value;
    }
  };
  return {
    status: response.status,
    contentType: response.headers.get('content-type') ?? '',
    next,
    rest: async () => {
      const all: ReportedEvent[] = [];
      for (let result = await next(); result !== undefined; result = await next()) all.push(result);
      return all;
    },
    hangUp: async () => {
      await reader?.cancel();
    },
  };
}

/** The data of a webshop event. */
export interface ShopEvent {
  email?: string | undefined;
  phone?: string;
  /** The id of the customer in the webshop. */
  customerId?: number | string | undefined;
  total?: string;
  currency?: string;
  order?: string;
  /** The order's name in the shop, such as #1234. */
  name?: string;
  /** The id of the webhook. A repeated webhook has the same id. */
  id?: string;
  at?: string;
}

/** Sends an event like the webshop, signed with its secret. */
export async function sendWebshopEvent(
  send: SendRequest,
  secret: string,
  topic: string,
  {
    email,
    phone,
    customerId,
    total = '10.00',
    currency = 'EUR',
    order = '1',
    name,
    id = randomUUID(),
    at = new Date().toISOString(),
  }: ShopEvent,
): Promise<void> {
  const body = JSON.stringify({
    id: Number(order),
    name,
    email,
    customer: (customerId ?? phone) === undefined ? null : { id: customerId ?? 1, phone },
    total_price: total,
    currency,
    financial_status: 'paid',
    fulfillment_status: 'fulfilled',
    updated_at: at,
  });
  const { status } = await send('/webhooks/webshop', {
    method: 'POST',
    headers: {
      'x-shopify-topic': topic,
      'x-shopify-webhook-id': id,
      'x-shopify-hmac-sha256': createHmac('sha256', secret).update(body).digest('base64'),
    },
    body,
  });
  if (status !== 204) throw new Error(`The gateway did not accept the event: status ${status}.`);
}
