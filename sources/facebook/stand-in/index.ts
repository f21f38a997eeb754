import { createHmac } from 'node:crypto';
import {
  createRateWindow,
  headerValue,
  serveHttp,
  type HttpAnswer,
  type HttpCall,
} from '../../stand-ins/http.js';
import { pageId } from '../../stand-ins/seed-facebook.js';
import type { StandIn, World } from '../../stand-ins/world.js';
import { badParameter, failure, type GraphAnswer } from './answers.js';
import { createGraph, read } from './graph.js';
import { createEmitter } from './webhook.js';

/**
 * Meta's Graph API for one page, after Meta's own list of nodes, edges and fields. test/contracts/facebook.contract.ts compares
 * them.
 * It imitates these peculiarities of the real system:
 * - errors have a code in the body, also for a wrong token (190), mostly with status 400;
 * - the answers of a batch are JSON as text, in order, each with its own code; a batch has at most 50 requests;
 * - a page may be empty although there is a next one;
 * - times have a zone without a colon;
 * - each part of a batch counts for the limits;
 * - without `fields`, an answer has little more than an id.
 *
 * Some parts are not in the contract, but in Meta's pages and clients: messages of a conversation, the texts of errors, and that
 * a batch may be JSON. Not imitated: `depends_on`, headers in a batch, writing, and all other nodes and edges.
 */
export interface FacebookOptions {
  /** Requests per hour. Each part of a batch counts. Default: ten million. */
  requestsPerHour?: number;
  /** The clock, in milliseconds since 1970. Default: the real one. */
  now?: () => number;
}

const pageToken = 'EAAB-facebook-stand-in-page-token';
const appSecret = 'facebook-stand-in-app-secret';
const proof = createHmac('sha256', appSecret).update(pageToken).digest('hex');
const hourMs = 60 * 60_000;
const maxBatch = 50;

export async function startFacebook(
  world: World,
  { requestsPerHour = 10_000_000, now = Date.now }: FacebookOptions = {},
): Promise<StandIn> {
  const graph = createGraph(world);
  const hour = createRateWindow({ limit: requestsPerHour, windowMs: hourMs, now });

  const readNode = (path: string, query: URLSearchParams): GraphAnswer =>
    hour.take().exceeded
      ? failure(32, 400, '(#32) Page request limit reached')
      : read(graph, path.replace(/^\/?v\d+\.\d+(?=\/|$)/, ''), query);

  const service = await serveHttp(() => (call) => {
    const answer =
      refused(call) ?? (call.method === 'POST' ? batch(call, readNode) : readNode(call.path, call.query));
    const { remaining, resetMs } = hour.peek();
    return toHttp(answer, {
      'x-business-use-case-usage': JSON.stringify({
        [pageId]: [
          {
            type: 'pages',
            call_count: Math.round(100 * (1 - remaining / requestsPerHour)),
            total_cputime: 1,
            total_time: 1,
            estimated_time_to_regain_access: remaining === 0 ? Math.ceil(resetMs / 60_000) : 0,
          },
        ],
      }),
    });
  });
  return {
    name: 'facebook',
    url: service.url,
    settings: (url) => ({
      FACEBOOK_URL: `${url}/v23.0`,
      FACEBOOK_PAGE_TOKEN: pageToken,
      FACEBOOK_APP_SECRET: appSecret,
      FACEBOOK_PAGE_ID: pageId,
      FACEBOOK_WEBHOOK_SECRETS: appSecret,
      FACEBOOK_WEBHOOK_VERIFY_TOKEN: 'facebook-stand-in-verify-token',
    }),
    emitter: createEmitter(world, appSecret, now),
    close: service.close,
  };
}

function toHttp({ code, body }: GraphAnswer, headers: Record<string, string>): HttpAnswer {
  return {
    status: code,
    headers: { 'content-type': 'application/json; charset=UTF-8', ...headers },
    body: JSON.stringify(body),
  };
}

function refused({ headers, query }: HttpCall): GraphAnswer | undefined {
  const [, bearer] = /^bearer (.+)$/i.exec(headerValue(headers, 'authorization') ?? '') ?? [];
  if ((bearer ?? query.get('access_token')) !== pageToken)
    return failure(190, 400, 'Invalid OAuth access token - Cannot parse access token');
  if (query.get('appsecret_proof') !== proof)
    return failure(100, 400, 'Invalid appsecret_proof provided in the API argument');
  return undefined;
}

function batch(
  { body, query }: HttpCall,
  readNode: (path: string, query: URLSearchParams) => GraphAnswer,
): GraphAnswer {
  const requests = requestsIn(body, query);
  if (requests === undefined) return badParameter('param batch must be an array.');
  if (requests.length > maxBatch)
    return badParameter(`Too many requests in batch message. Maximum batch size is ${maxBatch}`);
  const answers = requests.map((request) => {
    const { method, relative_url: url } = request as Record<string, unknown>;
    if (method !== 'GET' || typeof url !== 'string') return badParameter('this stand-in only reads');
    const [path = '', parameters = ''] = url.split('?');
    return readNode(path, new URLSearchParams(parameters));
  });
  return { code: 200, body: answers.map(({ code, body: text }) => ({ code, body: JSON.stringify(text) })) };
}

/** The requests in the query or in a JSON body. Undefined if there are none. */
function requestsIn(body: string, query: URLSearchParams): unknown[] | undefined {
  try {
    const inQuery = query.get('batch');
    const requests: unknown =
      inQuery === null ? (JSON.parse(body) as { batch?: unknown } | null)?.batch : JSON.parse(inQuery);
    return Array.isArray(requests) &&
      requests.every((request) => typeof request === 'object' && request !== null)
      ? requests
      : undefined;
  } catch {
    return undefined;
  }
}
