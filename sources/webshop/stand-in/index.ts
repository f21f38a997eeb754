import { randomUUID } from 'node:crypto';
import { headerValue, serveHttp, type HttpAnswer, type HttpCall } from '../../stand-ins/http.js';
import type { StandIn, World } from '../../stand-ins/world.js';
import { createBucket } from './bucket.js';
import { createMutations } from './mutations.js';
import { createOperations, type OperationRequest } from './operations.js';
import { createRootResolvers } from './resolvers.js';
import { createSchema, type FailingField } from './schema.js';
import { createShop } from './shop.js';
import { createEmitter, webhookSecret } from './webhook.js';

export type { FailingField } from './schema.js';

export interface WebshopOptions {
  accessToken?: string;
  /** Points in a full bucket. The vendor's larger plans have this many, and its smallest has 2,000. */
  maximumAvailable?: number;
  /** Points that are restored each second. */
  restoreRate?: number;
  failingFields?: readonly FailingField[];
  /** The time in milliseconds since 1970. It decides the points in the bucket, and `now` in a search. */
  now?: () => number;
}

export interface WebshopStandIn extends StandIn {
  /** The latest operations that reached the vendor's API, oldest first. */
  requests(): readonly ReceivedOperation[];
  forgetRequests(): void;
  /** Makes these fields fail from now on, instead of any former ones. */
  failFields(failing: readonly FailingField[]): void;
}

export type ReceivedOperation = OperationRequest;

const path = '/admin/api/2025-01/graphql.json';
const maxCost = 1_000;
const maxStoredRequests = 200;
const maxBodyBytes = 2_000_000;

/** Shopify's Admin GraphQL API, version 2025-01: the part in schema.graphql. */
export async function startWebshop(
  world: World,
  {
    accessToken = 'shpat_stand_in',
    maximumAvailable = 20_000,
    restoreRate = 1_000,
    failingFields = [],
    now = Date.now,
  }: WebshopOptions = {},
): Promise<WebshopStandIn> {
  const shop = createShop(world);
  const { schema, failFields } = createSchema(createRootResolvers(shop, now), createMutations(shop, now));
  failFields(failingFields);
  const operations = createOperations({
    schema,
    bucket: createBucket({ maximumAvailable, restoreRate, now }),
    maxCost,
  });
  const received: ReceivedOperation[] = [];

  function handle(call: HttpCall): HttpAnswer {
    if (call.path !== path || call.method !== 'POST') return json(404, { errors: 'Not Found' });
    if (headerValue(call.headers, 'x-shopify-access-token') !== accessToken) {
      return json(401, {
        errors: '[API] Invalid API key or access token (unrecognized login or wrong password)',
      });
    }
    const request = readRequest(call);
    if ('status' in request) return request;
    received.push(request);
    if (received.length > maxStoredRequests) received.shift();
    return json(200, operations.answer(request));
  }

  const service = await serveHttp(() => handle, { maxBodyBytes });
  return {
    name: 'webshop',
    url: service.url,
    settings: (url) => ({
      WEBSHOP_URL: `${url}${path}`,
      WEBSHOP_ACCESS_TOKEN: accessToken,
      WEBSHOP_WEBHOOK_SECRETS: webhookSecret,
    }),
    emitter: createEmitter(shop, now),
    requests: () => [...received],
    forgetRequests: () => {
      received.length = 0;
    },
    failFields,
    close: () => service.close(),
  };
}

function readRequest({ headers, body }: HttpCall): OperationRequest | HttpAnswer {
  const contentType = headerValue(headers, 'content-type')?.split(';')[0]?.trim().toLowerCase();
  if (contentType === 'application/graphql') {
    return { query: body, variables: {}, operationName: undefined };
  }
  if (contentType !== 'application/json') return json(415, { errors: 'Unsupported Media Type' });

  let request: unknown;
  try {
    request = JSON.parse(body);
  } catch {
    return json(400, { errors: 'Bad Request' });
  }
  if (!isObject(request) || typeof request['query'] !== 'string' || request['query'] === '') {
    return json(400, { errors: { query: 'Required parameter missing or invalid' } });
  }
  const { query, variables, operationName } = request;
  return {
    query,
    variables: isObject(variables) ? variables : {},
    operationName: typeof operationName === 'string' && operationName !== '' ? operationName : undefined,
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function json(status: number, body: unknown): HttpAnswer {
  return {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'x-request-id': randomUUID(),
      'x-shopify-api-version': '2025-01',
    },
    body: JSON.stringify(body),
  };
}
