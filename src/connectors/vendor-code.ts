import { z } from 'zod';
import { safeCode } from '../diagnosis.js';

const code = z.union([z.string(), z.number()]);
const coded = z.object({ code: code.optional(), errorCode: code.optional() });

/** The places where vendors put error codes, the most specific first. */
const PLACES: readonly z.ZodType[] = [
  // A list of errors.
  z.tuple([coded], z.unknown()).transform(([{ errorCode, code: vendorCode }]) => errorCode ?? vendorCode),
  // OData.
  z.object({ error: coded }).transform(({ error }) => error.code),
  // Dutch field names.
  z
    .object({ fout: z.tuple([coded], z.unknown()) })
    .transform(({ fout: [{ code: vendorCode }] }) => vendorCode),
  // GraphQL, and JSON:API.
  z
    .object({ errors: z.tuple([z.object({ extensions: coded })], z.unknown()) })
    .transform(({ errors: [{ extensions }] }) => extensions.code),
  z
    .object({ errors: z.tuple([coded], z.unknown()) })
    .transform(({ errors: [{ code: vendorCode }] }) => vendorCode),
  // OAuth 2 (RFC 6749, 5.2).
  z.object({ error: z.string() }).transform(({ error }) => error),
  z.object({ category: z.string() }).transform(({ category }) => category),
  z.object({ errorCode: code }).transform(({ errorCode }) => errorCode),
  z.object({ code }).transform((body) => body.code),
  // Problem details (RFC 9457): the type is an address.
  z.object({ type: z.string() }).transform(({ type }) => type.split('/').at(-1)?.replaceAll('-', '_')),
];

/** The vendor's error code in a body, if there is one that is safe to log. */
export function vendorCodeIn(body: unknown, request: string): string | undefined {
  for (const place of PLACES) {
    const found = safeCode(place.safeParse(body).data, request);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The reason why no connection could be opened, as Node and its libraries report it. */
export function networkFailure(error: unknown): {
  kind: 'unreachable' | 'certificate';
  received: { networkCode?: string };
} {
  const networkCode = codeOf(error);
  return {
    kind: /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ALTNAME/.test(networkCode ?? '')
      ? 'certificate'
      : 'unreachable',
    received: networkCode === undefined ? {} : { networkCode },
  };
}

function codeOf(error: unknown, depth = 0): string | undefined {
  if (!(error instanceof Error) || depth > 3) return undefined;
  if ('code' in error && typeof error.code === 'string' && /^[A-Z][A-Z\d_]{1,60}$/.test(error.code))
    return error.code;
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  return codeOf(inner, depth + 1);
}
