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
  context.addIssue('an identifier has exactly one member');
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
 * Answers `POST /admin/forget`. Its body is `{"identifier": {"email": "..."}}`, `{"type": "Product", "key":
 * "..."}`, `{"source": "..."}` or `{"source": "...", "loader": "..."}`. With `"suppress": true` beside the
 * identifier, the customer is no longer shown to any caller. Requires the scope admin:forget or ADMIN_TOKEN.
 */
export function useForgetting(operators: Operators, forget: Forget): Plugin {
  return {
    onRequest: async (event) => {
      const { url, request, fetchAPI } = event;
      if (url.pathname !== FORGET) return;
      const answer = (status: number, content: object, headers: Record<string, string> = {}): void => {
        event.endResponse(fetchAPI.Response.json(content, { status, headers }));
      };
      if (!(await isOperator(request, operators))) {
        answer(401, { status: 'a token is needed' }, { 'www-authenticate': 'Bearer' });
        return;
      }
      if (request.method !== 'POST') {
        answer(405, { status: 'use POST' }, { allow: 'POST' });
        return;
      }
      const parsed = body.safeParse(parse(await request.text()));
      if (!parsed.success) {
        answer(400, {
          status:
            'send {"identifier": {"<kind>": "..."}}, {"type": "...", "key": "..."} or {"source": "..."}',
        });
        return;
      }
      try {
        const { isEverywhere, unavailableSources } = await forget(parsed.data);
        answer(isEverywhere ? 200 : 503, {
          status: isEverywhere ? 'forgotten' : 'forgotten here only',
          unavailableSources,
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

/** How an operator is recognised: by ADMIN_TOKEN, or by the scope admin:forget. */
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

/** Compares digests, so that the time does not depend on the texts or their lengths. */
function isBearer(header: string | null, token: string | undefined): boolean {
  if (token === undefined) return false;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`));
}
