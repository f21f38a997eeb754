import { createSecretKey, hash } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Role } from '../context/caller.js';

/** The callers of the demo. Their keys are easy to type, because the customers are made up. */

const ISSUER = 'https://id.example.nl';
const AUDIENCE = 'stekkerdoos-demo';
const SIGNING_SECRET = 'the demo signs its tokens with this';

/** The customer that the visitor's token names. */
const VISITOR = 'everywhere@example.nl';

/** The roles with a key, and a line about the permissions of each. */
const KEYS: Readonly<Record<Exclude<Role, 'visitor'>, string>> = {
  frontend: 'personalises pages: persisted operations, for PERSONALISATION or SERVICE',
  analyst: 'explores: any operation, for ANALYTICS, sees masked values',
  campaign: 'fetches profiles by the thousands, for MARKETING or SERVICE, with consent',
  operator: 'answers data subject requests: sees everything, for any purpose, and can erase',
};

export interface DemoCaller {
  role: Role;
  /** The value after `Authorization: Bearer`. */
  token: string;
  may: string;
}

export interface DemoCallers {
  callers: readonly DemoCaller[];
  /** The settings of the gateway. */
  settings: Readonly<Record<string, string>>;
}

export async function createDemoCallers(): Promise<DemoCallers> {
  const keys = Object.entries(KEYS).map(([role, may]) => ({
    role: role as keyof typeof KEYS,
    token: `demo-${role}`,
    may,
  }));
  const secret = createSecretKey(SIGNING_SECRET, 'utf8');
  const token = await new SignJWT({ roles: ['visitor'], email: VISITOR })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setExpirationTime('7 days')
    .sign(secret);
  return {
    callers: [
      { role: 'visitor', token, may: `is ${VISITOR}: persisted operations on Query.me, for SERVICE` },
      ...keys,
    ],
    settings: {
      API_KEYS: JSON.stringify(
        keys.map(({ role, token: key }) => ({
          name: `demo-${role}`,
          roles: [role],
          sha256: [hash('sha256', key, 'hex')],
        })),
      ),
      JWT_ISSUER: ISSUER,
      JWT_AUDIENCE: AUDIENCE,
      JWT_ALGORITHMS: 'HS256',
      JWT_KEY: JSON.stringify(secret.export({ format: 'jwk' })),
      JWT_CUSTOMER_CLAIMS: 'email=email',
    },
  };
}
