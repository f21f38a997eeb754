import { createSecretKey, hash } from 'node:crypto';
import { SignJWT, type JWTPayload } from 'jose';
import type { Role } from '../../src/context/caller.js';
import type { Purpose } from '../../src/customer/schema.generated.js';
import type { Environment } from '../../src/settings.js';

/** A caller of each role: its settings, and the headers of its requests. */

const ISSUER = 'https://id.test.example';
const AUDIENCE = 'stekkerdoos-tests';
const secret = createSecretKey('a secret for the tokens of the tests', 'utf8');

export const KEY_ROLES = ['frontend', 'analyst', 'campaign', 'operator'] as const;

const keyOf = (role: Role): string => `key-of-the-tests-for-${role}`;

/** The settings of a gateway with these callers. */
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

/** A visitor's token, with changed claims if given. */
export function visitorToken(email: string, claims: JWTPayload = {}): Promise<string> {
  return new SignJWT({ roles: ['visitor'], email, iss: ISSUER, aud: AUDIENCE, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1 hour')
    .sign(secret);
}

/** The headers of a caller with the role. A visitor is the customer with the e-mail address. */
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
