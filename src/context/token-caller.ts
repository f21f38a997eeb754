import { createHmac } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { ForbiddenError } from '../errors.js';
import { isPadded, type Identifier } from '../identity/identifiers.js';
import type { Caller } from './caller.js';
import { purposeNamed } from './purpose.js';
import { isRole, permissionsOf, ROLES } from './roles.js';

export interface TokenCallerOptions {
  issuer: string;
  rolesClaim: string;
  /** The claims by which a visitor's token names its customer, in the order in which they count. */
  customerClaims: readonly { claim: string; namespace: string }[];
  origins: readonly string[];
  /** The identifier, or why the value identifies nobody. */
  identify: (namespace: string, value: string) => Identifier | { refusal: string };
  /** What stands for a visitor in the budget is made with it. */
  secret: string;
}

/** Who sent a token that is genuine. Throws a ForbiddenError when its claims let it do nothing. */
export function callerOfToken(claims: JWTPayload, options: TokenCallerOptions): Caller {
  const [role, ...roles] = words(claims, options.rolesClaim).filter(isRole);
  if (role === undefined)
    throw new ForbiddenError(`The token gives none of the roles ${Object.keys(ROLES).join(', ')}.`);
  const rights = permissionsOf([role, ...roles]);
  const purposes = Object.hasOwn(claims, 'purpose')
    ? words(claims, 'purpose')
        .map(purposeNamed)
        .filter((purpose) => purpose !== undefined)
        .filter((purpose) => rights.purposes.includes(purpose))
    : rights.purposes;
  const defaultPurpose = Object.hasOwn(claims, 'purpose') ? purposes[0] : rights.defaultPurpose;
  if (defaultPurpose === undefined)
    throw new ForbiddenError('The token is for none of the purposes that its roles give.', {
      purposes: rights.purposes,
    });
  const scopes = words(claims, 'scope');
  const name = `jwt:${clientOf(claims) ?? hostOf(options.issuer)}`;
  const caller: Caller = {
    ...rights,
    name,
    roles: [role, ...roles],
    scopes: Object.hasOwn(claims, 'scope')
      ? new Set([...rights.scopes].filter((scope) => scopes.includes(scope)))
      : rights.scopes,
    purposes,
    defaultPurpose,
    origins: options.origins,
  };
  if (!caller.roles.includes('visitor')) return caller;
  const customer = customerOf(claims, options);
  if ('refusal' in customer)
    throw new ForbiddenError(
      `A visitor's token must name its customer, and this one does not: ${customer.refusal.replace(/\.$/, '')}.`,
    );
  const person = createHmac('sha256', options.secret)
    .update(`the budget of a visitor\n${customer.namespace}\n${customer.value}`)
    .digest('base64url');
  return { ...caller, customer, budget: `${name}:${person}` };
}

/** The words of a claim, which is a list of them or a text with blanks between them. Of anything else there are none. */
function words(claims: JWTPayload, claim: string): string[] {
  const value = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  if (typeof value === 'string') return value.split(/\s+/).filter((word) => word !== '');
  return Array.isArray(value) ? value.filter((word) => typeof word === 'string') : [];
}

function customerOf(
  claims: JWTPayload,
  { customerClaims, identify }: TokenCallerOptions,
): Identifier | { refusal: string } {
  const found = customerClaims.find(({ claim }) => Object.hasOwn(claims, claim) && claims[claim] !== null);
  const value = found === undefined ? undefined : claims[found.claim];
  // A number that is too large has lost digits: it would name another customer.
  const text = Number.isSafeInteger(value) ? String(value) : value;
  if (found === undefined) return { refusal: 'it has no claim of JWT_CUSTOMER_CLAIMS' };
  if (typeof text !== 'string') return { refusal: 'its claim is no text and no whole number' };
  // To the issuer these may be another person, with an account of their own.
  if (isPadded(text)) return { refusal: 'blanks or invisible characters surround its claim' };
  return identify(found.namespace, text);
}

/** What the token was given to, when that is a plain word: it stands in logs. */
function clientOf(claims: JWTPayload): string | undefined {
  return ['client_id', 'azp']
    .map((claim) => words(claims, claim))
    .find(([word, ...others]) => others.length === 0 && /^\w[\w.-]{0,63}$/.test(word ?? ''))?.[0];
}

function hostOf(issuer: string): string {
  return URL.canParse(issuer) && new URL(issuer).host !== '' ? new URL(issuer).host : 'issuer';
}
