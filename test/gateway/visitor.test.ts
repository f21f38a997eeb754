import fc from 'fast-check';
import { generateKeyPairSync } from 'node:crypto';
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readPersistedOperations } from '../../src/operation/persisted-operations.js';
import { CALLER_SETTINGS, visitorToken } from '../support/callers.js';
import { createTestGateway, DEMO_OPERATIONS, type TestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';
import { isThorough } from '../support/thorough.js';

/** Tests everything that the user of a browser can try with a token for one person. */

const OWN = 'customer-3@example.nl';
const OTHERS = ['everywhere@example.nl', 'customer-1@example.nl', 'customer-2@example.nl'];

/** The persisted operations except subscriptions, which test/webhooks/subscriptions.test.ts tests. */
const operations = readPersistedOperations(DEMO_OPERATIONS).filter(({ document }) =>
  document.startsWith('query'),
);
let gateway: TestGateway;
let ownVisitorId: string;
/** Texts that occur only in records of other customers. */
let secrets: string[];

const settings = {
  ...directSettings(),
  DEADLINE_MS: '30000',
  CLICKSTREAM_TIMEOUT_MS: '20000',
  IDENTITY_PATIENCE_MS: '20000',
  AUDIT_FILE: '/dev/null',
};

/** The clock advances by this time with each request, because the test needs more points than a minute allows. */
const A_REQUEST_MS = 200;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  ownVisitorId = await visitorToken(OWN);
  const open = createTestGateway(settings);
  const all = await open.query(
    `query ($by: [CustomerKey!]!) { customers(by: $by) {
      id name primaryEmail primaryPhone bornOn emails { value } phones { value } identifiers { value }
      address { street postcode } orders(first: 20) { nodes { number } }
    } }`,
    { by: [OWN, ...OTHERS].map((email) => ({ email })) },
  );
  await open.close();
  const [mine, ...theirs] = (all.data as { customers: unknown[] }).customers;
  const ofMine = new Set(textsIn(mine));
  secrets = theirs.flatMap(textsIn).filter((text) => text.length > 4 && !ofMine.has(text));
  gateway = createTestGateway({ ...settings, ...CALLER_SETTINGS }, { operations: DEMO_OPERATIONS });
});
afterAll(async () => {
  await gateway.close();
  vi.useRealTimers();
});

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

async function post(token: string | undefined, body: unknown, headers: Record<string, string> = {}) {
  vi.setSystemTime(Date.now() + A_REQUEST_MS);
  const response = await gateway.fetch('/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

const someone = fc.constantFrom(...OTHERS);
const key = fc.oneof(
  someone.map((email) => ({ email })),
  fc.constantFrom({ customerNumber: 'K000001' }, { phone: '+31612345678' }, { id: 'AAAA' }),
);
const field = fc.constantFrom(
  'id',
  'name',
  'primaryEmail',
  'identifiers { value }',
  'orders { nodes { number } }',
  'systems { status }',
);

/** Operations of the visitor, persisted operations with random variables, and malformed bodies. */
const body = fc.oneof(
  fc.record({
    documentId: fc.constantFrom(...operations.map(({ documentId }) => documentId)),
    variables: fc.record({ by: key }),
  }),
  fc.record({
    documentId: fc.constantFrom(...operations.map(({ documentId }) => documentId)),
    variables: fc.record({ by: fc.array(key, { maxLength: 3 }) }),
  }),
  fc.tuple(fc.constantFrom('customer', 'me: customer', 'identify'), key, field).map(([root, by, item]) => ({
    query: `query ($by: CustomerKey!) { ${root}(by: $by) { ${item} } }`,
    variables: { by },
  })),
  fc.record({
    query: fc.constantFrom('{ __schema { types { name } } }', '{ me { name } }'),
    documentId: fc.constantFrom(...operations.map(({ documentId }) => documentId)),
  }),
  fc
    .tuple(fc.constantFrom(...operations), key)
    .map(([{ document }, by]) => ({ query: document, variables: { by } })),
);

/** The private key of an attacker, who forges tokens. */
const forger = generateKeyPairSync('ed25519').privateKey;
const claims = someone.map((email) => ({
  roles: ['visitor'],
  email,
  iss: 'https://id.test.example',
  aud: 'stekkerdoos-tests',
}));
const forged = fc.oneof(
  claims.map((all) => () => Promise.resolve(new UnsecuredJWT(all).setExpirationTime('1 hour').encode())),
  claims.map(
    (all) => () =>
      new SignJWT(all).setProtectedHeader({ alg: 'EdDSA' }).setExpirationTime('1 hour').sign(forger),
  ),
  claims.map(
    (all) => () =>
      new SignJWT(all)
        .setProtectedHeader({ alg: 'HS256', kid: 'unknown' })
        .setExpirationTime('1 hour')
        .sign(Buffer.alloc(32, 7)),
  ),
  claims.map(
    ({ email }) =>
      () =>
        visitorToken(email, { exp: 1 }).then((token) => token.slice(0, -2)),
  ),
  claims.map(
    ({ email }) =>
      () =>
        visitorToken(email, { aud: 'another-service' }),
  ),
  claims.map(
    ({ email }) =>
      () =>
        visitorToken(email, { iss: 'https://elsewhere.example' }),
  ),
  // This token has the claims of another person and the signature of the visitor's token.
  claims.map((all) => () => {
    const [head = '', , signature = ''] = ownVisitorId.split('.');
    return Promise.resolve(`${head}.${Buffer.from(JSON.stringify(all)).toString('base64url')}.${signature}`);
  }),
  fc
    .string({ maxLength: 9_000 })
    .map((text) => () => Promise.resolve(Buffer.from(text).toString('base64url'))),
);
const mine = fc.constant(() => Promise.resolve(ownVisitorId));

describe('a visitor', () => {
  test('receives no data of other customers with any operation and token', { timeout: 240_000 }, async () => {
    expect(secrets.length).toBeGreaterThan(30);
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(fc.oneof(mine, forged), body, async (token, request) => {
        const { status, text } = await post(await token(), request);
        expect(text).not.toContain('LIMIT_EXCEEDED');
        if (status === 200) answered += 1;
        const leaked = secrets.filter(
          (secret) => text.includes(secret) && !JSON.stringify(request).includes(secret),
        );
        expect(leaked).toEqual([]);
      }),
      { numRuns: isThorough ? 10_000 : 500 },
    );
    // Some of the answers contain the visitor's data.
    expect(answered).toBeGreaterThan(isThorough ? 100 : 0);
  });

  test('receives the same response for an identifier of another customer as for an unknown identifier', async () => {
    const card = operations.find(({ name }) => name === 'CustomerCard')?.documentId;
    const answers = await Promise.all(
      [...OTHERS, 'nobody@example.nl', 'not an address', ''].map(async (email) => {
        const { status, text } = await post(ownVisitorId, { documentId: card, variables: { by: { email } } });
        return { status, text };
      }),
    );
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers[0]?.text).toContain('FORBIDDEN');
  });

  test('receives their data', async () => {
    const account = operations.find(({ name }) => name === 'MyAccount')?.documentId;
    const { status, text } = await post(ownVisitorId, { documentId: account });
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ data: { me: { primaryEmail: OWN } } });
  });
});
