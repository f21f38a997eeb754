import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDigests } from '../../src/privacy/suppression.js';
import { listen } from '../../src/http/http.js';
import { fakeClock } from '../support/clock.js';
import { createTestGateway, patientSources, type TestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { faultControl, patientSettings } from '../support/stand-ins.js';
import { stekkerdoos, stekkerdoosHere } from './cli-process.js';

const EMAIL = 'everywhere@example.nl';
const ADMIN_TOKEN = 'a token of the tests';
const QUERY = 'query ($by: CustomerKey!) { customer(by: $by) { name } }';
const control = await faultControl();
let folder: string;
let list: string;
let receipt: string;
const opened: (() => Promise<void>)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-forget-'));
  [list, receipt] = [join(folder, 'suppressed'), join(folder, 'receipt.json')];
  writeFileSync(list, '');
});
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
  await control.heal();
  rmSync(folder, { recursive: true });
});
afterAll(() => control.close());

/** A gateway on a port that caches records for an hour. */
async function runGateway(): Promise<{
  gateway: TestGateway;
  url: string;
  clock: { advance(ms: number): void };
}> {
  const clock = fakeClock();
  const gateway = createTestGateway(
    { ...control.settings, SUPPRESSION_FILE: list, ADMIN_TOKEN, PORT: '0' },
    {
      clock,
      sources: patientSources().map((source) => ({
        ...source,
        freshness: { maxAge: '1 hour', notFoundMaxAge: '1 hour' },
      })),
    },
  );
  const server = await listen(gateway.handler, { ...gateway.config, origins: new Set<string>() });
  opened.push(async () => {
    await server.stop();
    await gateway.close();
  });
  return { gateway, url: server.url, clock };
}

const settings = () => ({ ...control.settings, ...patientSettings(), SUPPRESSION_FILE: list });
const forget = (words: string[], environment = {}) =>
  stekkerdoosHere(['forget', ...words], { ...settings(), ...environment });

const callsTo = (name: string): number => control.counters()[name]?.calls ?? 0;

describe('stekkerdoos forget', { timeout: 120_000 }, () => {
  test('makes a running gateway forget the customer, and never show the customer again', async () => {
    const { gateway, url, clock } = await runGateway();
    const shown = await gateway.query(QUERY, { by: { email: EMAIL } });
    expect(at(shown.data, 'customer', 'name')).toEqual(expect.any(String));
    const { code, out } = await stekkerdoos(
      ['forget', '--by', `email=${EMAIL}`, '--suppress', '--receipt', receipt, '--url', url],
      { ...settings(), GATEWAY_TOKEN: ADMIN_TOKEN },
    );
    expect(code).toBe(0);
    expect(out).toContain('The gateway at --url was notified');
    expect(out).toContain('Suppressed: only the operator');
    clock.advance(1_000);
    const { data, errors } = await gateway.query(QUERY, { by: { email: EMAIL } });
    expect(data).toEqual({ customer: null });
    expect(errors[0]?.extensions.code).toBe('ERASED');
  });

  test('drops the cached records of the running gateway, so that the systems are called again', async () => {
    const { gateway, url } = await runGateway();
    await gateway.query(QUERY, { by: { email: EMAIL } });
    const calls = callsTo('order-system');
    await gateway.query(QUERY, { by: { email: EMAIL } });
    expect(callsTo('order-system')).toBe(calls);
    const { code } = await forget(['--by', `email=${EMAIL}`, '--url', url], { GATEWAY_TOKEN: ADMIN_TOKEN });
    expect(code).toBe(0);
    const before = callsTo('order-system');
    const { data } = await gateway.query(QUERY, { by: { email: EMAIL } });
    expect(at(data, 'customer', 'name')).toEqual(expect.any(String));
    expect(callsTo('order-system')).toBeGreaterThan(before);
  });

  test('returns a receipt without personal data, whose verification fails after any change', async () => {
    const { code, out } = await forget(['--by', `email=${EMAIL}`, '--suppress', '--receipt', receipt]);
    // No running gateway was notified.
    expect(code).toBe(2);
    expect(out).toContain('No running gateway was notified');
    expect(statSync(receipt).mode & 0o777).toBe(0o600);
    const text = readFileSync(receipt, 'utf8');
    const content = JSON.parse(text) as unknown;
    expect(content).toMatchObject({ suppressed: true, everyInstance: false, unavailableSources: [] });
    const { of } = createDigests('a secret of the tests');
    expect(listAt(content, 'identifiers')[0]).toBe(of({ namespace: 'email', value: EMAIL }));
    // The ids that must be erased in the systems are written to standard output only.
    const records = [...out.matchAll(/^ {2}([\w-]+) (\S+)$/gm)].map(([, source = '', id = '']) => ({
      source,
      id,
    }));
    expect(records.map(({ source }) => source)).toEqual(
      expect.arrayContaining(['order-system', 'webshop', 'contact-centre', 'crm-hubspot', 'invoices']),
    );
    expect(listAt(content, 'records')).toHaveLength(records.length);
    expect(text).not.toContain('example.nl');
    for (const { id } of records) expect(text).not.toContain(`"${id}"`);
    expect((await forget(['--verify', receipt])).code).toBe(0);
    writeFileSync(receipt, text.replace('"suppressed": true', '"suppressed": false'));
    expect((await forget(['--verify', receipt])).code).toBe(1);
    writeFileSync(receipt, text);
    expect((await forget(['--verify', receipt], { ID_SECRET: 'another secret of the tests' })).code).toBe(1);
  });

  test('names a system that could not answer, and requests another run of the command', async () => {
    await control.set('contact-centre', { fault: 'down' });
    const { code, out } = await forget(['--by', `email=${EMAIL}`, '--receipt', receipt]);
    expect(code).toBe(2);
    expect(out).toContain('These systems did not answer: contact-centre.');
    expect(JSON.parse(readFileSync(receipt, 'utf8'))).toMatchObject({
      unavailableSources: ['contact-centre'],
    });
  });

  test('reports that the gateway was not notified if it is unreachable or has another token', async () => {
    const { url } = await runGateway();
    for (const [address, token] of [
      [url, 'another token of the tests'],
      ['http://127.0.0.1:1', ADMIN_TOKEN],
    ] as const) {
      const { code, out } = await forget(['--by', `email=${EMAIL}`, '--url', address], {
        GATEWAY_TOKEN: token,
      });
      expect(code).toBe(2);
      expect(out).toContain('was not notified');
    }
  });

  test('does not suppress a customer if the identifier is ambiguous, and names missing arguments', async () => {
    const several = await forget(['--by', 'email=shared@example.nl', '--suppress']);
    expect(several.code).toBe(2);
    expect(several.err).toContain('may belong to 2');
    expect(readFileSync(list, 'utf8')).toBe('');
    expect((await forget([])).err).toContain('--by <kind>=<value>');
    expect((await forget(['--by', 'everywhere@example.nl'])).err).not.toContain('everywhere');
  });
});
