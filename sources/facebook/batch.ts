import {
  mismatchesOf,
  pagesOfEach,
  pathPart,
  SourceContractError,
  SourceUnavailableError,
  type Connector,
  type SettingClient,
  type PagedList,
  type RestClient,
  type CombinedClient,
} from '../../src/index.js';
import type { z } from 'zod';
import { errorOf, isNotFound } from './errors.js';
import { batchAnswers, graphError, nextCursor, type GraphPage } from './wire.js';

/** The Graph API, and the id of the organisation's page. */
export type FacebookClient = CombinedClient<{ graph: Connector<RestClient>; page: Connector<SettingClient> }>;

/** Meta rejects a larger batch: https://developers.facebook.com/docs/graph-api/batch-requests */
export const MAX_BATCH = 50;

/** One request of a batch: a node or an edge, with its parameters. */
export interface BatchRequest {
  path: readonly string[];
  query: Readonly<Record<string, string | number>>;
}

/** The answer or error of each request, in their order. Null for a node that does not exist. At most 50 requests go into one call. */
export async function readBatch<T>(
  { graph }: FacebookClient,
  schema: z.ZodType<T>,
  requests: readonly BatchRequest[],
): Promise<(T | null | Error)[]> {
  const results: (T | null | Error)[] = [];
  for (let start = 0; start < requests.length; start += MAX_BATCH) {
    const batch = requests.slice(start, start + MAX_BATCH);
    const answers = await graph.post(batchAnswers, '/', {
      batch: batch.map((request) => ({ method: 'GET', relative_url: urlOf(request) })),
      include_headers: false,
    });
    if (answers.length !== batch.length) throw shapeError('the number of answers');
    results.push(...answers.map((answer) => readAnswer(schema, answer)));
  }
  return results;
}

function urlOf({ path, query }: BatchRequest): string {
  const parameters = Object.entries(query).map(([name, value]) => `${name}=${pathPart(value)}`);
  return `${path.map(pathPart).join('/')}?${parameters.join('&')}`;
}

function readAnswer<T>(schema: z.ZodType<T>, answer: z.infer<typeof batchAnswers>[number]): T | null | Error {
  if (answer === null)
    return new SourceUnavailableError('facebook', 'facebook did not finish a part of a batch.', {
      kind: 'server-error',
    });
  let body: unknown;
  try {
    body = JSON.parse(answer.body ?? '');
  } catch {
    return shapeError('a body');
  }
  if (answer.code >= 200 && answer.code < 300) {
    const parsed = schema.safeParse(body);
    if (parsed.success) return parsed.data;
    const [first] = mismatchesOf(parsed.error.issues);
    return shapeError(first?.path ?? '', first?.expected);
  }
  const parsed = graphError.safeParse(body);
  if (!parsed.success) {
    return answer.code >= 500
      ? new SourceUnavailableError('facebook', 'facebook answered with an error.', {
          kind: 'server-error',
          received: { status: answer.code },
        })
      : shapeError('an error');
  }
  const error = errorOf(parsed.data.error, answer.code);
  return error instanceof SourceContractError && isNotFound(parsed.data.error) ? null : error;
}

function shapeError(path: string, expected = 'another value'): SourceContractError {
  return new SourceContractError('facebook', `facebook sent an answer of another shape, at: ${path}.`, {
    received: { mismatches: [{ path, expected }] },
  });
}

/**
 * The lists of several edges, page by page. Each round is one batch. A page may be empty although there is a next one. A list
 * that fails is an error beside the others. A list that does not exist is empty.
 */
export function readLists<T>(
  client: FacebookClient,
  schema: z.ZodType<GraphPage<T>>,
  requests: readonly BatchRequest[],
  maxPages: number,
): Promise<(PagedList<T> | Error)[]> {
  return pagesOfEach(requests, {
    source: 'facebook',
    what: 'items',
    acceptPart: true,
    maxPages,
    read: (open: readonly { key: BatchRequest; at: string | undefined }[]) =>
      readBatch(
        client,
        schema,
        open.map(({ key, at: after }) =>
          after === undefined ? key : { ...key, query: { ...key.query, after } },
        ),
      ),
    items: ({ data }) => data,
    next: nextCursor,
  });
}
