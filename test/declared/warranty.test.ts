import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Environment } from '../../src/settings.js';
import { hmac } from '../../src/webhooks/signatures.js';
import { startServer, type SmallServer } from '../connectors/server.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { createTestGateway, LONG_TIMEOUT, type TestGateway } from '../support/gateway.js';
import { answerAsWarranty, compiled, REGISTRATIONS, WARRANTY_SETTINGS } from './warranty.js';

describe('a source declared in YAML', () => {
  let system: SmallServer;
  let gateway: TestGateway;
  const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-declared-'));

  const open = (environment: Environment = {}): TestGateway => {
    const { source, sdl } = compiled();
    gateway = createTestGateway(
      { WARRANTY_URL: system.url, ...WARRANTY_SETTINGS, ...environment },
      {
        sources: [{ ...source, limits: { ...source.limits, timeout: LONG_TIMEOUT } }],
        sdl: { warranty: sdl },
      },
    );
    return gateway;
  };
  const calls = () => system.seen.map(({ url }) => decodeURIComponent(url));

  beforeAll(async () => {
    system = await startServer(answerAsWarranty);
  });
  beforeEach(() => {
    system.seen.length = 0;
  });
  afterEach(() => gateway.close());
  afterAll(async () => {
    await system.close();
    rmSync(folder, { recursive: true });
  });

  it('is found by e-mail and by its record key, and the record of that call has the fields', async () => {
    open();
    const fields =
      '{ name warrantyContact warranty { number cover until } emails { value } phones { value } }';
    const expected = {
      name: 'Anna de Vries 2',
      warrantyContact: 'Owner2@Example.nl',
      warranty: { number: 'R00000002', cover: 'PREMIUM', until: '2030-01-31' },
      emails: [{ value: 'owner2@example.nl' }],
      phones: [{ value: '+31612345678' }],
    };
    const byEmail = await gateway.query(`{ customer(by: { email: " owner2@example.nl" }) ${fields} }`);
    expect(byEmail).toMatchObject({ errors: [], data: { customer: expected } });
    expect(calls()).toEqual(['/v1/registrations?owner=owner2@example.nl']);
    system.seen.length = 0;
    const byId = await gateway.query(`{ customer(by: { registrationId: "R00000002" }) ${fields} }`);
    expect(byId).toMatchObject({ errors: [], data: { customer: expected } });
    // An address of several registrations would not identify a customer.
    expect(calls()).toEqual(['/v1/registrations/R00000002', '/v1/registrations?owner=owner2@example.nl']);
  });

  it('is queried in batches, and rows are matched by their key', async () => {
    open();
    const by = REGISTRATIONS.map(({ owner }) => `{ email: "${owner.mail}" }`).join(' ');
    const { data, errors } = await gateway.query(
      `{ customers(by: [${by} { email: "nobody@example.nl" }]) { warranty { number } } }`,
    );
    expect(errors).toEqual([]);
    expect(data).toEqual({
      customers: [...REGISTRATIONS.map(({ number }) => ({ warranty: { number } })), null],
    });
    expect(system.seen).toHaveLength(2);
  });

  it('reads the pages of a list, and shows them as a connection', async () => {
    open();
    const query = `query ($after: String) { customer(by: { registrationId: "R00000001" }) { warranty {
      repairs(first: 3, after: $after) { nodes { code startedAt cost { amount currency } } pageInfo { endCursor hasNextPage } } } } }`;
    const first = await gateway.query(query);
    expect(first.errors).toEqual([]);
    const page = (
      first.data as {
        customer: { warranty: { repairs: { nodes: unknown[]; pageInfo: { endCursor: string } } } };
      }
    ).customer.warranty.repairs;
    expect(page).toMatchObject({
      nodes: [
        {
          code: 'R00000001-4',
          startedAt: '2026-06-15T10:00:00.000Z',
          cost: { amount: '10.09', currency: 'EUR' },
        },
        { code: 'R00000001-3', startedAt: '2026-05-15T10:00:00.000Z' },
        { code: 'R00000001-2', startedAt: '2026-04-15T10:00:00.000Z' },
      ],
      pageInfo: { hasNextPage: true },
    });
    expect(calls().filter((url) => url.includes('repairs'))).toEqual([
      '/v1/registrations/R00000001/repairs',
      '/v1/registrations/R00000001/repairs?after=2',
      '/v1/registrations/R00000001/repairs?after=4',
    ]);
    const second = await gateway.query(query, { after: page.pageInfo.endCursor });
    expect(second).toMatchObject({
      errors: [],
      data: {
        customer: {
          warranty: {
            repairs: {
              nodes: [
                { code: 'R00000001-1', startedAt: '2026-03-15T11:00:00.000Z' },
                { code: 'R00000001-0', startedAt: '2026-02-15T11:00:00.000Z' },
              ],
              pageInfo: { hasNextPage: false },
            },
          },
        },
      },
    });
  });

  it('returns null for a number that the system does not know', async () => {
    open();
    const answer = await gateway.query(
      '{ customer(by: { registrationId: "R99999999" }) { warranty { number } } }',
    );
    expect(answer).toMatchObject({ errors: [], data: { customer: null } });
  });

  it('reports all missing settings together', () => {
    const { source, sdl } = compiled();
    const start = () =>
      createTestGateway({ WARRANTY_TOKEN: 'x' }, { sources: [source], sdl: { warranty: sdl } });
    expect(start).toThrow(/WARRANTY_URL is missing/);
    open();
    expect(gateway.settings).toMatchObject({
      WARRANTY_URL: expect.any(String) as string,
      WARRANTY_TOKEN: '***',
    });
  });

  it('masks the fields that its SDL masks', async () => {
    open({ ...CALLER_SETTINGS, AUDIT_FILE: '/dev/null' });
    const headers = await headersOf('analyst', { purpose: 'ANALYTICS' });
    const query =
      '{ customer(by: { registrationId: "R00000002" }) { warrantyContact warranty { number cover } } }';
    const answer = await gateway.query(query, {}, headers);
    expect(answer).toMatchObject({
      errors: [],
      data: {
        customer: { warrantyContact: 'O***@Example.nl', warranty: { number: '***0002', cover: 'PREMIUM' } },
      },
    });
  });

  it('receives changes by webhook, and refuses a wrong signature', async () => {
    open({ WEBHOOK_FILE: join(folder, 'webhooks.db'), WEBHOOK_SECRET: 'a secret of the tests of webhooks' });
    await gateway.opened;
    const body = JSON.stringify({ id: 'e1', kind: 'registration.updated', data: { id: 'R00000003' } });
    const post = (signature: string) =>
      gateway.fetch('/webhooks/warranty', { method: 'POST', headers: { 'x-signature': signature }, body });
    expect((await post(hmac('hook-secret', [body], 'hex'))).status).toBe(204);
    expect((await post(hmac('another-secret', [body], 'hex'))).status).toBe(401);
  });
});
