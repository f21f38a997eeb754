import type { ConsentChannel, Mask, Purpose } from '../customer/schema.generated.js';
import { ForbiddenError } from '../errors.js';
import type { FieldPolicy, ValuePolicy } from '../stitching/policies.js';

/** Whom an answer is for, as far as what may be in it goes: callers of one audience may see the same. */
export interface Audience {
  /** As in `@requiresScopes`. */
  scopes: ReadonlySet<string>;
  sees: 'clear' | 'masked';
  /** What the request is for. Undefined (with `AUTH=off`): for nothing in particular, so no purpose forbids a field. */
  purpose: Purpose | undefined;
}

/** What an audience gets of a field. */
export type Access =
  | { kind: 'forbidden'; error: () => ForbiddenError }
  | {
      kind: 'allowed';
      mask?: Mask;
      /** Only with the customer's consent; for the channel, if one is named. */
      consent?: { purpose: Purpose; channel?: ConsentChannel };
    };

const texts = new WeakMap<Audience, string>();

/** One audience has one text, which holds nothing of a person. */
export function textOfAudience(audience: Audience): string {
  let text = texts.get(audience);
  if (text === undefined) {
    const { scopes, sees, purpose } = audience;
    texts.set(audience, (text = `${sees} ${purpose ?? '-'} ${[...scopes].sort().join(' ')}`));
  }
  return text;
}

/**
 * What the directives of a field come to for an audience. The customer's consent is asked for on the fields of Customer:
 * what lies within them is reached by no other way for a purpose that needs it, which readPolicies() checks at start. Of
 * events, subscriptions ask it as a whole. What a customer allows and forbids is shown without consent: a caller that has to
 * respect a refusal must see it.
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

/** Makes the error with which the scopes or purposes of a policy refuse an audience. Undefined: they do not. */
export function forbidden(
  { scopes, purposes }: ValuePolicy,
  audience: Audience,
): (() => ForbiddenError) | undefined {
  const { purpose } = audience;
  if (scopes?.some((all) => all.every((scope) => audience.scopes.has(scope))) === false)
    return () => new ForbiddenError('This caller may not see this.', { scopes });
  if (purpose !== undefined && purposes?.includes(purpose) === false)
    return () => new ForbiddenError(`This is not to be seen for ${purpose}.`, { purposes });
  return undefined;
}
