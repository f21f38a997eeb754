import type { Bulk, BulkRequest } from '../bulk/bulk.js';
import type { Jobs } from '../bulk/jobs.js';
import { streamLines } from '../bulk/stream-lines.js';
import type { Principal } from '../operation/principal.js';
import { httpError } from '../operation/request-error.js';
import { jsonAnswer, type BulkAnswer } from './bulk-answer.js';
import type { RequestHead } from './node-request.js';

export const JOBS_PREFIX = '/bulk/jobs/';
/** A line of a job has 256 bytes on average if it has the most lines of the default. */
const MAX_JOB_BYTES = 256 * 1024 * 1024;

/** Whether the client prefers a job to an answer (RFC 7240). */
export function prefersJob(headers: RequestHead['headers']): boolean {
  return /(^|[,\s])respond-async\s*($|[,;])/i.test(headers.get('prefer') ?? '');
}

/** Submits a job. `chunks` is the body. */
export async function submitJob(
  jobs: Jobs,
  request: BulkRequest,
  {
    chunks,
    format,
    kinds,
    url,
  }: Pick<Bulk, 'kinds'> & {
    chunks: AsyncIterable<Uint8Array>;
    format: 'json' | 'csv';
    url: URL;
  },
): Promise<BulkAnswer> {
  const lines = streamLines(chunks, format, { kinds, maxBytes: MAX_JOB_BYTES });
  const { key, status } = await jobs.submit(request, { lines, format, ...outletIn(url) });
  return jsonAnswer(
    202,
    { ...status, ...(key === undefined ? {} : { key }) },
    {
      location: `${JOBS_PREFIX}${status.id}`,
      'preference-applied': 'respond-async',
    },
  );
}

/** The endpoint that a request names: `?notify=<name>` for the end of the job, `?deliver=<name>` also for its rows. */
function outletIn({ searchParams }: URL): { notify?: string; isDelivered: boolean } {
  const [deliver, notify] = [searchParams.get('deliver'), searchParams.get('notify')];
  if (deliver !== null && notify !== null)
    throw httpError('BAD_REQUEST', 'Use "deliver" or "notify". The endpoint of "deliver" is also notified.');
  const name = deliver ?? notify;
  return { ...(name === null ? {} : { notify: name }), isDelivered: deliver !== null };
}

export interface JobRequest {
  head: RequestHead;
  url: URL;
  principal: Principal;
  requestId: string;
  /** Writes results in the format that the request accepts. */
  write: (results: Awaited<ReturnType<Jobs['results']>>, isFirst: boolean) => Omit<BulkAnswer, 'status'>;
}

/**
 * Answers requests about a job:
 *
 * | request                      | answer                                                          |
 * | ---------------------------- | --------------------------------------------------------------- |
 * | `GET <id>`                   | its state and progress                                          |
 * | `POST <id>/pause`, `/resume` | the same                                                        |
 * | `DELETE <id>`                | 204: it is cancelled and its content is deleted                 |
 * | `GET <id>/results?after=2`   | the results after part 2; `Link` has the address of the next    |
 */
export async function answerJob(jobs: Jobs | undefined, request: JobRequest): Promise<BulkAnswer> {
  const { head, url, principal, requestId } = request;
  if (jobs === undefined)
    throw httpError(
      'NOT_FOUND',
      'There are no jobs: the gateway has neither WEBHOOK_FILE nor WEBHOOK_POSTGRES_URL.',
      404,
    );
  const [id = '', action = '', ...others] = url.pathname.slice(JOBS_PREFIX.length).split('/');
  switch (others.length > 0 ? 'unknown' : `${head.method} ${action}`) {
    case 'GET ':
      return jsonAnswer(200, await jobs.status(id, principal));
    case 'POST pause':
    case 'POST resume':
      await (action === 'pause' ? jobs.pause(id, principal) : jobs.resume(id, principal));
      return jsonAnswer(200, await jobs.status(id, principal));
    case 'DELETE ':
      await jobs.cancel(id, { principal, requestId });
      return { status: 204, headers: { 'cache-control': 'no-store' }, body: [] };
    case 'GET results':
      return answerResults(jobs, id, request);
    default:
      throw httpError(
        'BAD_REQUEST',
        'Use GET or DELETE /bulk/jobs/<id>, POST /bulk/jobs/<id>/pause or /resume, or GET /bulk/jobs/<id>/results.',
        405,
        { allow: 'GET, POST, DELETE' },
      );
  }
}

async function answerResults(
  jobs: Jobs,
  id: string,
  { head, url, principal, requestId, write }: JobRequest,
): Promise<BulkAnswer> {
  const key = head.headers.get('bulk-job-key');
  if (key === null) throw httpError('BAD_REQUEST', 'Send the key of the job in the header "Bulk-Job-Key".');
  const after = numberIn(url, 'after', 0);
  const maxParts = numberIn(url, 'parts', Number.MAX_SAFE_INTEGER);
  const results = await jobs.results(id, {
    ...{ principal, requestId, key, after, maxParts },
    signal: head.signal,
  });
  const next = new URL(url);
  next.searchParams.set('after', String(results.last));
  const { headers, body } = write(results, after === 0);
  return {
    status: 200,
    headers: {
      ...headers,
      ...(results.hasMore ? { link: `<${next.pathname}${next.search}>; rel="next"` } : {}),
    },
    body,
  };
}

function numberIn(url: URL, name: string, fallback: number): number {
  const text = url.searchParams.get(name);
  if (text === null) return fallback;
  if (!/^\d{1,9}$/.test(text))
    throw httpError('BAD_REQUEST', `The parameter "${name}" must be the number of a part.`);
  return Number(text);
}
