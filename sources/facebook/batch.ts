import {
  misfitsOf,
  pagesOfEach,
  pathPart,
  SourceContractError,
  SourceUnavailableError,
  type Connector,
  type SettingClient,
  type PagedList,
  type RestClient,
  type SeveralClient,
} from '../../src/index.js';
import type { z } from 'zod';
import { errorOf, isNotFound } from './errors.js';
import { batchAnswers, graphError, nextCursor, type GraphPage } from './wire.js';

/** The Graph API, and the id of our page. */
export type FacebookClient = SeveralClient<{ graph: Connector<RestClient>; page: Connector<SettingClient> }>;

/** More than that Meta refuses: https://developers.facebook.com/docs/graph-api/batch-requests */
export const MAX_BATCH = 50;

/** What one request of a batch asks for: a node or edge, and with what. */
export interface Ask {
  path: readonly string[];
  query: Readonly<Record<string, string | number>>;
}

/** One answer or error for each, in their order; null for what is not there. Never more than 50 in a call. */
export async function readBatch<T>(
  { graph }: FacebookClient,
  schema: z.ZodType<T>,
  asks: readonly Ask[],
): Promise<(T | null | Error)[]> {
  const answers: (T | null | Error)[] = [];
  for (let start = 0; start < asks.length; start += MAX_BATCH) {
    const some = asks.slice(start, start + MAX_BATCH);
    const told = await graph.post(batchAnswers, '/', {
      batch: some.map((ask) => ({ method: 'GET', relative_url: urlOf(ask) })),
      include_headers: false,
    });
    if (told.length !== some.length) throw misfit('the number of answers');
    answers.push(...told.map((one) => readOne(schema, one)));
  }
  return answers;
}

function urlOf({ path, query }: Ask): string {
  const parameters = Object.entries(query).map(([name, value]) => `${name}=${pathPart(value)}`);
  return `${path.map(pathPart).join('/')}?${parameters.join('&')}`;
}

function readOne<T>(schema: z.ZodType<T>, answer: z.infer<typeof batchAnswers>[number]): T | null | Error {
  if (answer === null)
    return new SourceUnavailableError('facebook', 'facebook did not finish a part of a batch.', {
      kind: 'server-error',
    });
  let body: unknown;
  try {
    body = JSON.parse(answer.body ?? '');
  } catch {
    return misfit('a body');
  }
  if (answer.code >= 200 && answer.code < 300) {
    const read = schema.safeParse(body);
    if (read.success) return read.data;
    const [first] = misfitsOf(read.error.issues);
    return misfit(first?.path ?? '', first?.expected);
  }
  const told = graphError.safeParse(body);
  if (!told.success) {
    return answer.code >= 500
      ? new SourceUnavailableError('facebook', 'facebook answered with an error.', {
          kind: 'server-error',
          received: { status: answer.code },
        })
      : misfit('an error');
  }
  const error = errorOf(told.data.error, answer.code);
  return error instanceof SourceContractError && isNotFound(told.data.error) ? null : error;
}

function misfit(place: string, expected = 'another value'): SourceContractError {
  return new SourceContractError('facebook', `facebook sent an answer of another shape, at: ${place}.`, {
    received: { misfits: [{ path: place, expected }] },
  });
}

/**
 * The lists of several edges, page by page, each round one batch. A page may be empty and have a next one. What fails
 * costs its own list; what is not there is an empty one.
 */
export function readLists<T>(
  client: FacebookClient,
  schema: z.ZodType<GraphPage<T>>,
  asks: readonly Ask[],
  maxPages: number,
): Promise<(PagedList<T> | Error)[]> {
  return pagesOfEach(asks, {
    source: 'facebook',
    what: 'items',
    acceptPart: true,
    maxPages,
    read: (open: readonly { key: Ask; at: string | undefined }[]) =>
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
