import type { ConsentChannel, Mask, Purpose } from '../customer/schema.generated.js';
import { ForbiddenError } from '../errors.js';
import type { FieldPolicy, ValuePolicy } from '../stitching/policies.js';

/** A group of callers that may see the same data for the same purpose. */
export interface Audience {
  /** As in `@requiresScopes`. */
  scopes: ReadonlySet<string>;
  sees: 'clear' | 'masked';
  /** The purpose of the request. Undefined (with `AUTH=off`): no field is refused for its purpose. */
  purpose: Purpose | undefined;
}

/** The access of an audience to a field. */
export type Access =
  | { kind: 'forbidden'; error: () => ForbiddenError }
  | {
      kind: 'allowed';
      mask?: Mask;
      /** The field needs the customer's consent for this purpose, and for this channel if there is one. */
      consent?: { purpose: Purpose; channel?: ConsentChannel };
    };

const texts = new WeakMap<Audience, string>();

/** A text that identifies an audience. It contains no personal data. */
export function textOfAudience(audience: Audience): string {
  let text = texts.get(audience);
  if (text === undefined) {
    const { scopes, sees, purpose } = audience;
    texts.set(audience, (text = `${sees} ${purpose ?? '-'} ${[...scopes].sort().join(' ')}`));
  }
  return text;
}

/**
 * The access that the directives of a field give an audience. Consent is checked on the fields of Customer: for a purpose
 * that needs consent, fields below them are reachable in no other way, which readPolicies() checks at start. Subscriptions
 * check consent for a whole event. The customer's consents themselves are shown without consent: a caller must see a
 * refusal to respect it.
 */
export function accessTo(
  path: string,
  { category, mask, purposes, channel, scopes }: FieldPolicy,
  audience: Audience,
  needConsent: ReadonlySet<Purpose>,
): Access {
  const { purpose } = audience;
  const error = forbidden({ scopes, purposes }, audience);
  if (error !== undefined) return { kind: 'forbidden', error };
  const needsConsent =
    purpose !== undefined &&
    needConsent.has(purpose) &&
    path.startsWith('Customer.') &&
    category !== 'NONE' &&
    category !== 'CONSENT';
  return {
    kind: 'allowed',
    ...(mask === undefined || audience.sees === 'clear' ? {} : { mask }),
    ...(needsConsent ? { consent: { purpose, ...(channel === undefined ? {} : { channel }) } } : {}),
  };
}

/** A function that makes the error if scopes or purposes refuse the audience; undefined if they allow it. */
export function forbidden(
  { scopes, purposes }: ValuePolicy,
  audience: Audience,
): (() => ForbiddenError) | undefined {
  const { purpose } = audience;
  if (scopes?.some((all) => all.every((scope) => audience.scopes.has(scope))) === false)
    return () => new ForbiddenError('This caller may not see this field: it lacks the scopes.', { scopes });
  if (purpose !== undefined && purposes?.includes(purpose) === false)
    return () => new ForbiddenError(`This field is not available for the purpose ${purpose}.`, { purposes });
  return undefined;
}
