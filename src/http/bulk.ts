import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RequestListener } from 'node:http';
import { z } from 'zod';
import type { Bulk, BulkRequest } from '../bulk/bulk.js';
import { checkPlan } from '../bulk/plan.js';
import { countLines, parseObject, readCsvLines, readJsonLines, type InputLine } from '../bulk/read-lines.js';
import type { JobResults, Jobs } from '../bulk/jobs.js';
import type { Row } from '../bulk/run-bulk.js';
import { csvRows, jsonRows, type RowWriter } from '../bulk/write-rows.js';
import { toClientErrors, type ErrorLog } from '../operation/errors.js';
import type { Principal } from '../operation/principal.js';
import { httpError } from '../operation/request-error.js';
import { requestIdOf } from './exchange.js';
import type { Authenticate } from './authenticate.js';
import { jsonAnswer, type BulkAnswer } from './bulk-answer.js';
import { answerJob, JOBS_PREFIX, prefersJob, submitJob } from './bulk-jobs.js';
import { NodeRequest, type RequestHead } from './node-request.js';
import { readBody, readNodeBody } from './read-request.js';
import { incomingOf } from './webhooks.js';

const PREFIX = '/bulk/';
/** Enough for 200,000 e-mail addresses. The body is held in memory; the answer is not. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;

export interface BulkEndpointOptions {
  bulk: Bulk;
  authenticate: Authenticate;
  errorLog: ErrorLog;
  /** Undefined if there is no store for jobs. */
  jobs: Jobs | undefined;
}

/** The body of a request, whole or in chunks. */
interface BulkBody {
  all: () => Promise<Uint8Array>;
  chunks: () => AsyncIterable<Uint8Array>;
}

/** Answers a bulk request. Undefined if the request is not for this endpoint. */
export type AnswerBulk = (head: RequestHead, body: BulkBody) => Promise<BulkAnswer> | undefined;

const FORMATS = new Map<string, 'json' | 'csv'>([
  ['application/x-ndjson', 'json'],
  ['application/jsonl', 'json'],
  ['text/csv', 'csv'],
]);

/**
 * Answers `POST /bulk/<operation>`: a persisted operation of one customer, for each line of the body. The body is NDJSON or CSV,
 * and so is the answer, by `Accept`. `?variables=` has the other variables of the operation, as JSON. With `?plan`, the answer is
 * the plan of the request, and no system is called. With `Prefer: respond-async`, the request becomes a job.
 */
export function createBulkEndpoint(options: BulkEndpointOptions): AnswerBulk {
  const { bulk, authenticate, errorLog, jobs } = options;
  const { kinds, schema } = bulk;

  const answerLines = async (
    head: RequestHead,
    url: URL,
    principal: Principal,
    body: BulkBody,
  ): Promise<BulkAnswer> => {
    if (head.method !== 'POST')
      throw httpError('BAD_REQUEST', 'Send the identifiers by POST.', 405, { allow: 'POST' });
    const requestId = requestIdOf(head.headers);
    const runnable = bulk.find(decodeURIComponent(url.pathname.slice(PREFIX.length)));
    const request = { runnable, principal, requestId, variables: variablesIn(url) };
    const audience = url.searchParams.get('audience');
    if (audience !== null) return answerAudience(audience, request, { head, url });
    const format = formatOf(head.headers);
    const isPlan = url.searchParams.has('plan');
    if (jobs !== undefined && !isPlan && prefersJob(head.headers))
      return submitJob(jobs, request, { chunks: body.chunks(), format, kinds, url });
    if (url.searchParams.has('deliver') || url.searchParams.has('notify'))
      throw httpError(
        'BAD_REQUEST',
        'Only a job can be sent to an endpoint. Send "Prefer: respond-async"; the gateway needs WEBHOOK_FILE or WEBHOOK_POSTGRES_URL.',
      );
    const text = decode(await body.all());
    const lines = (format === 'json' ? readJsonLines : readCsvLines)(text, kinds);
    // The header of a CSV is checked before the answer begins.
    const first = lines.next();
    const plan = bulk.plan(request, countLines(text, format));
    if (isPlan) return jsonAnswer(200, plan);
    checkPlan(plan);
    const inputs = format === 'csv' && first.done !== true ? Object.keys(first.value.input ?? {}) : undefined;
    const rows = bulk.run(startingWith(first, lines), request, { signal: head.signal });
    return { status: 200, ...rowsAnswer({ runnable, inputs, rows }, isCsvAccepted(head.headers), true) };
  };

  /** The lines are the members of a named audience. Their number is not known before, so there is no plan and no job. */
  const answerAudience = async (
    audience: string,
    request: BulkRequest,
    { head, url }: { head: RequestHead; url: URL },
  ): Promise<BulkAnswer> => {
    if (url.searchParams.has('plan'))
      throw httpError('BAD_REQUEST', 'An audience has no plan in bulk. Query "audiencePlan" instead.');
    if (url.searchParams.has('deliver') || url.searchParams.has('notify'))
      throw httpError(
        'BAD_REQUEST',
        'The rows of an audience cannot be sent to an endpoint. Submit a job with the lines instead.',
      );
    const rows = bulk.runAudience(audience, request, { signal: head.signal });
    // The first page is read before the answer begins, so that a refusal has its status.
    const first = await rows.next();
    const all = (async function* () {
      if (first.done === true) return;
      yield first.value;
      yield* rows;
    })();
    return {
      status: 200,
      ...rowsAnswer(
        { runnable: request.runnable, inputs: ['id'], rows: all },
        isCsvAccepted(head.headers),
        true,
      ),
    };
  };

  const rowsAnswer = (
    { runnable, inputs, rows }: Pick<JobResults, 'runnable' | 'inputs' | 'rows'>,
    isCsv: boolean,
    hasHead: boolean,
  ) => {
    const writer = isCsv ? csvRows(runnable.operation.single, inputs, schema) : jsonRows;
    return {
      headers: { 'content-type': `${writer.mediaType}; charset=utf-8`, 'cache-control': 'no-store' },
      body: textsOf(hasHead ? writer : { ...writer, head: '' }, rows),
    };
  };

  const answer = async (head: RequestHead, url: URL, body: BulkBody): Promise<BulkAnswer> => {
    const requestId = requestIdOf(head.headers);
    const withId = ({ headers, ...rest }: BulkAnswer): BulkAnswer => ({
      ...rest,
      headers: { ...headers, 'request-id': requestId },
    });
    try {
      const principal = await authenticate(head);
      if (!url.pathname.startsWith(JOBS_PREFIX)) return withId(await answerLines(head, url, principal, body));
      const isCsv = wantsCsv(head, url);
      return withId(
        await answerJob(jobs, {
          ...{ head, url, principal, requestId },
          write: (results, isFirst) => rowsAnswer(results, isCsv, isFirst),
        }),
      );
    } catch (error) {
      return withId(refusal(error, requestId, errorLog));
    }
  };
  return (head, body) => {
    const url = new URL(head.url);
    return url.pathname.startsWith(PREFIX) ? answer(head, url, body) : undefined;
  };
}

function formatOf(headers: RequestHead['headers']): 'json' | 'csv' {
  const [type = ''] = (headers.get('content-type') ?? '').toLowerCase().split(';');
  const format = FORMATS.get(type.trim());
  if (format === undefined || (headers.get('content-encoding') ?? 'identity') !== 'identity')
    throw httpError(
      'BAD_REQUEST',
      `Send the lines as content-type ${[...FORMATS.keys()].join(' or ')}, in UTF-8.`,
      415,
    );
  return format;
}

function isCsvAccepted(headers: RequestHead['headers']): boolean {
  return /(^|[,\s])text\/csv\b/i.test(headers.get('accept') ?? '');
}

/** The format of results: by the parameter `format`, else by `Accept`. */
function wantsCsv({ headers }: RequestHead, url: URL): boolean {
  const format = url.searchParams.get('format');
  if (format === null) return isCsvAccepted(headers);
  if (format !== 'csv' && format !== 'ndjson')
    throw httpError('BAD_REQUEST', 'The parameter "format" must be "ndjson" or "csv".');
  return format === 'csv';
}

function variablesIn(url: URL): Readonly<Record<string, unknown>> {
  const variables = parseObject(url.searchParams.get('variables') ?? '{}');
  if (variables === undefined)
    throw httpError('BAD_REQUEST', 'The parameter "variables" must be a JSON object.');
  return variables;
}

/** What an error says about the response, as in `request-error.ts`. */
const httpOf = z.object({
  status: z.int().optional(),
  headers: z.record(z.string(), z.string()).optional(),
});
const utf8 = new TextDecoder('utf-8', { fatal: true });

function decode(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch {
    throw httpError('BAD_REQUEST', 'The body is not text in UTF-8.');
  }
}

function* startingWith(
  first: IteratorResult<InputLine, unknown>,
  others: Iterable<InputLine>,
): Generator<InputLine> {
  if (first.done === true) return;
  yield first.value;
  yield* others;
}

async function* textsOf(writer: RowWriter, rows: AsyncIterable<Row>): AsyncGenerator<string> {
  if (writer.head !== '') yield writer.head;
  for await (const row of rows) yield writer.write(row);
}

/** The answer to a request that is refused before its first line. */
function refusal(thrown: unknown, requestId: string, errorLog: ErrorLog): BulkAnswer {
  const [error] = toClientErrors([thrown], requestId, errorLog);
  const { http, ...extensions } = error?.extensions ?? {};
  const { status = 400, headers = {} } = httpOf.catch({}).parse(http);
  return jsonAnswer(status, { errors: [{ message: error?.message, extensions }] }, headers);
}

/** Answers bulk requests on a port. Other requests go to `otherwise`. */
export function listenToBulk(answerBulk: AnswerBulk, otherwise: RequestListener): RequestListener {
  return (request, response) => {
    if (request.url?.startsWith(PREFIX) !== true) {
      otherwise(request, response);
      return;
    }
    const head = new NodeRequest(request, response);
    const body = {
      all: () => readNodeBody(request, MAX_BODY_BYTES),
      // After an early answer, the server reads and drops the rest.
      chunks: () => request.iterator({ destroyOnReturn: false }),
    };
    void answerBulk(head, body)?.then(({ status, headers, body }) => {
      response.writeHead(status, headers);
      // If the client disconnects, the rest is not answered.
      return pipeline(Readable.from(body, { highWaterMark: 1 }), response).catch(() => undefined);
    });
  };
}

/** Answers bulk requests for a gateway without a port. Other requests go to `otherwise`. */
export function fetchBulk(
  answerBulk: AnswerBulk,
  otherwise: (request: Request) => Response | Promise<Response>,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const answer = await answerBulk(request, {
      all: () => readBody(request, MAX_BODY_BYTES),
      chunks: () => incomingOf(request).body ?? Readable.from([]),
    });
    if (answer === undefined) return otherwise(request);
    const { status, headers, body } = answer;
    const stream = Readable.toWeb(
      Readable.from(body, { highWaterMark: 1 }).map((text) => Buffer.from(String(text))),
    );
    return new Response(status === 204 ? null : (stream as ReadableStream), { status, headers });
  };
}
