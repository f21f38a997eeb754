import { createHash, timingSafeEqual } from 'node:crypto';
import type { Plugin } from 'graphql-yoga';
import { z } from 'zod';
import type { Forgettable } from '../cache/invalidation.js';
import { GatewayError } from '../errors.js';

const FORGET = '/admin/forget';
const MAX_BODY_CHARACTERS = 10_000;

/** What is to be forgotten: a customer by one identifier, an object of the schema, or what a source or loader gave. */
export type ForgetRequest = { identifier: { namespace: string; value: string } } | Forgettable;

/** What forgetting came to. */
export interface Forgotten {
  /** Whether every instance has been told. When it is false, tell them again later. */
  everywhere: boolean;
  /** Systems that could not say which records are the customer's: all of their answers were dropped. */
  droppedWhole: readonly string[];
}

const identifier = z.record(z.string(), z.string()).transform((members, context) => {
  const [first, second] = Object.entries(members);
  if (first !== undefined && second === undefined) return { namespace: first[0], value: first[1] };
  context.addIssue('not exactly one');
  return z.NEVER;
});

const body = z.union([
  z.strictObject({ identifier }),
  z.strictObject({ type: z.string(), key: z.string() }),
  z
    .strictObject({ source: z.string(), loader: z.string().optional() })
    .transform(({ source, loader }): ForgetRequest => ({
      source,
      ...(loader === undefined ? {} : { loader }),
    })),
]);

/**
 * `POST /admin/forget`, for whoever has the token: `{"identifier": {"email": "..."}}`, `{"type": "Product", "key":
 * "..."}`, `{"source": "..."}` or `{"source": "...", "loader": "..."}`. Without a token there is no such address.
 */
export function useForgetting(
  token: string | undefined,
  forget: (request: ForgetRequest) => Promise<Forgotten>,
): Plugin {
  return {
    onRequest: async (event) => {
      const { url, request, fetchAPI } = event;
      if (url.pathname !== FORGET || token === undefined) return;
      const answer = (status: number, content: object, headers: Record<string, string> = {}): void => {
        event.endResponse(
          fetchAPI.Response.json(content, { status, headers: { 'cache-control': 'no-store', ...headers } }),
        );
      };
      if (!isBearer(request.headers.get('authorization'), token)) {
        answer(401, { status: 'a token is needed' }, { 'www-authenticate': 'Bearer' });
        return;
      }
      if (request.method !== 'POST') {
        answer(405, { status: 'use POST' }, { allow: 'POST' });
        return;
      }
      const wanted = body.safeParse(parse(await request.text()));
      if (!wanted.success) {
        answer(400, {
          status:
            'send {"identifier": {"<kind>": "..."}}, {"type": "...", "key": "..."} or {"source": "..."}',
        });
        return;
      }
      try {
        const { everywhere, droppedWhole } = await forget(wanted.data);
        answer(everywhere ? 200 : 503, {
          status: everywhere ? 'forgotten' : 'forgotten here only',
          droppedWhole,
        });
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        answer(400, { status: error.message });
      }
    },
  };
}

function parse(text: string): unknown {
  if (text.length > MAX_BODY_CHARACTERS) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** In the same time whatever is wrong: texts of different lengths are compared by their digests. */
function isBearer(header: string | null, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`));
}
