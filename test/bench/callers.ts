import { createSecretKey, hash } from 'node:crypto';
import { SignJWT } from 'jose';

/** Callers of the bench, for the parts with authentication. */

const OPERATOR = 'the-operator-of-the-bench';
const ISSUER = 'https://id.bench.example';
const AUDIENCE = 'stekkerdoos-bench';
const secret = createSecretKey('a secret by which the bench signs tokens', 'utf8');

/** Settings of a gateway that authenticates its callers. */
export const CALLER_SETTINGS: Readonly<Record<string, string>> = {
  AUTH: 'on',
  API_KEYS: JSON.stringify([
    { name: 'operator', roles: ['operator'], sha256: [hash('sha256', OPERATOR, 'hex')] },
  ]),
  JWT_ISSUER: ISSUER,
  JWT_AUDIENCE: AUDIENCE,
  JWT_ALGORITHMS: 'HS256',
  JWT_KEY: JSON.stringify(secret.export({ format: 'jwk' })),
  JWT_CUSTOMER_CLAIMS: 'email=email',
};

export const asOperator = (purpose: string): Record<string, string> => ({
  authorization: `Bearer ${OPERATOR}`,
  'x-purpose': purpose,
});

export async function asVisitor(email: string): Promise<Record<string, string>> {
  const token = await new SignJWT({ roles: ['visitor'], email })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setExpirationTime('1 day')
    .sign(secret);
  return { authorization: `Bearer ${token}` };
}
