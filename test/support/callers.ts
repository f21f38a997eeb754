import { createSecretKey, hash } from 'node:crypto';
import { SignJWT, type JWTPayload } from 'jose';
import type { Role } from '../../src/context/caller.js';
import type { Purpose } from '../../src/customer/schema.generated.js';
import type { Environment } from '../../src/settings.js';

/** Callers of each role, as they would be set and would send their requests. */

const ISSUER = 'https://id.test.example';
const AUDIENCE = 'stekkerdoos-tests';
const secret = createSecretKey('a secret by which the tests sign tokens', 'utf8');

export const KEY_ROLES = ['frontend', 'analyst', 'campaign', 'operator'] as const;

const keyOf = (role: Role): string => `key-of-the-tests-for-${role}`;

/** For a gateway that knows them. */
export const CALLER_SETTINGS: Environment = {
  AUTH: 'on',
  API_KEYS: JSON.stringify(
    KEY_ROLES.map((role) => ({ name: role, roles: [role], sha256: [hash('sha256', keyOf(role), 'hex')] })),
  ),
  JWT_ISSUER: ISSUER,
  JWT_AUDIENCE: AUDIENCE,
  JWT_ALGORITHMS: 'HS256',
  JWT_KEY: JSON.stringify(secret.export({ format: 'jwk' })),
  JWT_CUSTOMER_CLAIMS: 'email=email',
};

/** A visitor's token, with other claims where they are given. */
export function visitorToken(email: string, claims: JWTPayload = {}): Promise<string> {
  return new SignJWT({ roles: ['visitor'], email, iss: ISSUER, aud: AUDIENCE, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1 hour')
    .sign(secret);
}

/** The headers by which somebody of the role asks; a visitor is the customer of the e-mail address. */
export async function headersOf(
  role: Role,
  { purpose, email = 'everywhere@example.nl' }: { purpose?: Purpose; email?: string } = {},
): Promise<Record<string, string>> {
  const token = role === 'visitor' ? await visitorToken(email) : keyOf(role);
  return {
    authorization: `Bearer ${token}`,
    ...(purpose === undefined ? {} : { 'x-purpose': purpose }),
  };
}
