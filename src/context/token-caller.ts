import { createHmac } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { ForbiddenError } from '../errors.js';
import { isPadded, type Identifier } from '../identity/identifiers.js';
import type { Caller } from './caller.js';
import { purposeNamed } from './purpose.js';
import { permissionsOf, type Roles } from './roles.js';

export interface TokenCallerOptions {
  issuer: string;
  rolesClaim: string;
  roles: Roles;
  /** The claims that identify the customer in a visitor's token. The first one present is used. */
  customerClaims: readonly { claim: string; namespace: string }[];
  origins: readonly string[];
  /** Returns the identifier, or the reason why the value does not identify a person. */
  identify: (namespace: string, value: string) => Identifier | { refusal: string };
  /** Key for the digests of a subject, and of a visitor in the budget. */
  secret: string;
}

/** The caller of a verified token. Throws a ForbiddenError if its claims give no role or no purpose. */
export function callerOfToken(claims: JWTPayload, options: TokenCallerOptions): Caller {
  const [role, ...roles] = words(claims, options.rolesClaim).filter((name) => options.roles.has(name));
  if (role === undefined)
    throw new ForbiddenError(`The token has none of the roles ${[...options.roles.keys()].join(', ')}.`);
  const permissions = permissionsOf([role, ...roles], options.roles);
  const purposes = Object.hasOwn(claims, 'purpose')
    ? words(claims, 'purpose')
        .map(purposeNamed)
        .filter((purpose) => purpose !== undefined)
        .filter((purpose) => permissions.purposes.includes(purpose))
    : permissions.purposes;
  const defaultPurpose = Object.hasOwn(claims, 'purpose') ? purposes[0] : permissions.defaultPurpose;
  if (defaultPurpose === undefined)
    throw new ForbiddenError('The token has none of the purposes that its roles allow.', {
      purposes: permissions.purposes,
    });
  const scopes = words(claims, 'scope');
  const client = clientOf(claims);
  const name = `jwt:${client ?? hostOf(options.issuer)}`;
  const claimed: unknown = claims.sub;
  const sub = typeof claimed === 'string' ? claimed : '';
  const digest = (text: string) => createHmac('sha256', options.secret).update(text).digest('base64url');
  const caller: Caller = {
    ...permissions,
    name,
    subject: client === undefined && sub === '' ? '' : digest(`the subject of a token\n${name}\n${sub}`),
    roles: [role, ...roles],
    scopes: Object.hasOwn(claims, 'scope')
      ? new Set([...permissions.scopes].filter((scope) => scopes.includes(scope)))
      : permissions.scopes,
    purposes,
    defaultPurpose,
    origins: options.origins,
  };
  if (!caller.roles.includes('visitor')) return caller;
  const customer = customerOf(claims, options);
  if ('refusal' in customer)
    throw new ForbiddenError(
      `A visitor's token must identify its customer, and this one does not: ${customer.refusal.replace(/\.$/, '')}.`,
    );
  const person = digest(`the budget of a visitor\n${customer.namespace}\n${customer.value}`);
  return { ...caller, customer, budget: `${name}:${person}` };
}

/** The words of a claim: a list of texts, or one text with blanks between words. Empty for any other value. */
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
  // A number beyond the safe range has lost digits and would identify another customer.
  const text = Number.isSafeInteger(value) ? String(value) : value;
  if (found === undefined) return { refusal: 'it has no claim of JWT_CUSTOMER_CLAIMS' };
  if (typeof text !== 'string') return { refusal: 'its claim is neither a text nor a whole number' };
  // For the issuer such a value may be a different person with a separate account.
  if (isPadded(text)) return { refusal: 'blanks or invisible characters surround its claim' };
  return identify(found.namespace, text);
}

/** The client of the token, if its name is a plain word that is safe in logs. */
function clientOf(claims: JWTPayload): string | undefined {
  return ['client_id', 'azp']
    .map((claim) => words(claims, claim))
    .find(([word, ...others]) => others.length === 0 && /^\w[\w.-]{0,63}$/.test(word ?? ''))?.[0];
}

function hostOf(issuer: string): string {
  return URL.canParse(issuer) && new URL(issuer).host !== '' ? new URL(issuer).host : 'issuer';
}
