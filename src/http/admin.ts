import { createHash, timingSafeEqual } from 'node:crypto';
import type { Plugin } from 'graphql-yoga';
import { z } from 'zod';
import type { Authentication } from '../context/authenticate.js';
import { GatewayError, SuppressionUnavailableError } from '../errors.js';
import type { Forget, ForgetRequest } from '../privacy/forget.js';

const FORGET = '/admin/forget';
const MAX_BODY_CHARACTERS = 10_000;

const identifier = z.record(z.string(), z.string()).transform((members, context) => {
  const [first, second] = Object.entries(members);
  if (first !== undefined && second === undefined) return { namespace: first[0], value: first[1] };
  context.addIssue('not exactly one');
  return z.NEVER;
});

const body = z.union([
  z.strictObject({ identifier, suppress: z.boolean().optional() }),
  z.strictObject({ type: z.string(), key: z.string() }),
  z
    .strictObject({ source: z.string(), loader: z.string().optional() })
    .transform(({ source, loader }): ForgetRequest => ({
      source,
      ...(loader === undefined ? {} : { loader }),
    })),
]);

/**
 * `POST /admin/forget`: `{"identifier": {"email": "..."}}`, `{"type": "Product", "key": "..."}`, `{"source": "..."}` or
 * `{"source": "...", "loader": "..."}`. With `"suppress": true` beside the identifier the customer is shown to nobody any
 * more. For callers with the scope admin:forget, and whoever has ADMIN_TOKEN.
 */
export function useForgetting(operators: Operators, forget: Forget): Plugin {
  return {
    onRequest: async (event) => {
      const { url, request, fetchAPI } = event;
      if (url.pathname !== FORGET) return;
      const answer = (status: number, content: object, headers: Record<string, string> = {}): void => {
        event.endResponse(
          fetchAPI.Response.json(content, { status, headers: { 'cache-control': 'no-store', ...headers } }),
        );
      };
      if (!(await isOperator(request, operators))) {
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
        const isOurs = error instanceof SuppressionUnavailableError;
        answer(isOurs ? 503 : 400, { status: error.message });
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

/** By what an operator is recognised: ADMIN_TOKEN, or the scope admin:forget. */
export interface Operators {
  token: string | undefined;
  authentication: Pick<Authentication, 'caller'>;
}

/** Whether the request comes from an operator. */
export async function isOperator(
  { headers }: Pick<Request, 'headers'>,
  { token, authentication }: Operators,
): Promise<boolean> {
  const header = headers.get('authorization');
  if (header === null) return false;
  if (isBearer(header, token)) return true;
  try {
    return (await authentication.caller(headers)).scopes.has('admin:forget');
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return false;
  }
}

/** In the same time whatever is wrong: texts of different lengths are compared by their digests. */
function isBearer(header: string | null, token: string | undefined): boolean {
  if (token === undefined) return false;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`));
}
