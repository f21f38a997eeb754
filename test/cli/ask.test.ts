import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { CALLER_SETTINGS } from '../support/callers.js';
import { at, listAt } from '../support/read.js';
import { faultControl, patientSettings } from '../support/stand-ins.js';
import { sendJson, startServer } from '../connectors/server.js';
import { stekkerdoos, stekkerdoosHere } from './cli-process.js';

const EMAIL = 'everywhere@example.nl';
const control = await faultControl();
const settings = { ...control.settings, ...patientSettings() };
afterEach(() => control.heal());
afterAll(() => control.close());

const show = (words: readonly string[], environment: Record<string, string | undefined> = {}) =>
  stekkerdoosHere(['ask', ...words], { ...settings, ...environment });
const cardOf = async (words: readonly string[]): Promise<unknown> =>
  JSON.parse((await show([...words, '--json'])).out);
/** The lines under a heading, without those of the next one. */
const under = (out: string, heading: string) =>
  out.split(/\n\n/).find((part) => part.startsWith(heading)) ?? '';

describe('stekkerdoos ask', { timeout: 60_000 }, () => {
  test('shows the values of each system, with its state', async () => {
    const { code, out, err } = await show([EMAIL]);
    expect(code, err).toBe(0);
    expect(out).toMatch(/^The customer by email, for the role operator and the purpose CUSTOMER_CARE\n/);
    expect(under(out, 'Customer, from all systems')).toMatch(/name +Eva van der Meer/);
    expect(under(out, 'order-system: KNOWN, live, ')).toMatch(/orders .*ORD-2026-0142763.*27\.55 EUR/);
    expect(under(out, 'order-system: ')).toMatch(/lifetimeValue +amounts \d+\.\d\d EUR/);
    expect(under(out, 'webshop: KNOWN')).toMatch(/cart .*total 9\.95 EUR/);
    expect(under(out, 'crm-hubspot: KNOWN')).toMatch(/no value +jobTitle/);
  });

  test('reads an identifier with its kind, as --by does', async () => {
    const { code, out, err } = await show([`email=${EMAIL}`]);
    expect(code, err).toBe(0);
    expect(under(out, 'Customer, from all systems')).toMatch(/name +Eva van der Meer/);
  });

  test('reports an unavailable system with code and remedy, and shows the others', async () => {
    await control.set('contact-centre', { fault: 'down' });
    const { code, out } = await show([EMAIL]);
    expect(code).toBe(0);
    expect(under(out, 'contact-centre: ')).toContain('UNAVAILABLE, failed');
    expect(under(out, 'order-system: ')).toContain('ORD-2026-0142763');
    const errors = under(out, 'Errors');
    expect(errors).toContain('SOURCE_UNAVAILABLE: contact-centre cannot be reached.');
    expect(errors).toMatch(/fields +openTicketCount, copiedTickets/);
    expect(errors).toMatch(/remedy +Check the address in the settings/);
  });

  test('applies the masks of a role, and the purposes of the caller', async () => {
    const { out } = await show([EMAIL, '--role', 'analyst']);
    expect(out).toMatch(/name +E\*\*\*/);
    for (const value of [EMAIL, 'Eva van der Meer']) expect(out).not.toContain(value);

    const marketing = await show([EMAIL, '--purpose', 'marketing']);
    const errors = under(marketing.out, 'Errors');
    expect(errors).toMatch(
      /CONSENT_REQUIRED: .*\n +fields +primaryPhone, phones\n +remedy +Use another --purpose/,
    );
    expect(errors).toMatch(
      /FORBIDDEN: .*MARKETING.*\n +fields .*tickets.*\n +remedy +Use another --purpose: SERVICE/,
    );
    expect(marketing.out).not.toMatch(/primaryPhone +\+/);

    const frontend = await show([EMAIL, '--role', 'frontend', '--purpose', 'service']);
    expect(under(frontend.out, 'Errors')).toMatch(/remedy +Use a --role that has invoices:read/);
  });

  test('with --why, names identifier and rule of each record, and the values that were not chosen', async () => {
    const { out } = await show([EMAIL, '--why']);
    const identity = under(out, 'Why: the records');
    expect(identity).toMatch(new RegExp(`ORDER_SYSTEM +email ${EMAIL} → customerNumber \\S+ \\(VERIFIED`));
    expect(identity).toMatch(/CRM_HUBSPOT +facebookUserId \S+ → hubspotContactId \d+ \(UNIQUE, verified\)/);
    const values = under(out, 'Why: the chosen values');
    expect(values).toMatch(/NAME +Eva van der Meer \(ORDER_SYSTEM \S+, .*\) by SOURCE_PRIORITY/);
    expect(values).toMatch(/not chosen: .+ \(WEBSHOP /);
    expect((await show([EMAIL])).out).not.toContain('Why:');
  });

  test('shows no data of an identifier of two people, and masked hints with --why', async () => {
    const { code, out } = await show(['shared@example.nl', '--why']);
    expect(code).toBe(1);
    expect(out).toMatch(/AMBIGUOUS_IDENTITY: order-system holds 2 different customers/);
    expect(under(out, 'Why: the records')).toMatch(/candidates +2\./);
    expect(out).not.toMatch(/Hendrik|Sietske/);
  });

  test('reports that no system knows the customer, and fails if no system answers', async () => {
    const nobody = await show(['nobody@example.nl']);
    expect(nobody).toMatchObject({ code: 1, err: '' });
    expect(nobody.out).toContain('No system knows this customer.');
    for (const source of Object.keys(control.counters())) await control.set(source, { fault: 'down' });
    const failed = await show([EMAIL]);
    expect(failed.code).toBe(2);
    expect(failed.out).not.toContain('No system knows');
    expect(failed.out).toContain('SOURCE_UNAVAILABLE');
  });

  test.each([
    ['an e-mail address', EMAIL, 'email'],
    ['a phone number with its country', '+31626617458', 'phone'],
    ['a UUID', 'd0d00000-0000-4000-8000-000000000001', 'visitorId'],
    ['a VAT number', 'NL858100009B14', 'vatNumber'],
  ])('recognises %s by its form', async (_, value, kind) => {
    const { out, err } = await show([value]);
    expect(out, err).toMatch(new RegExp(`^The customer by ${kind}, `));
  });

  test('refuses a value of several possible kinds, without the value', async () => {
    const { code, err } = await show(['1042']);
    expect(code).toBe(2);
    expect(err).toMatch(/may be of several kinds: .*customerNumber.*--by/);
    expect(err).not.toContain('1042');
    const number = at(await cardOf([EMAIL, '--why']), 'identity', 'links', 0, 'to', 'value') as string;
    expect((await show(['--by', `customerNumber=${number}`])).out).toContain('Eva van der Meer');
  });

  test.each([
    [['x'.repeat(300)], 'The kind of this identifier was not recognised'],
    [['--by', 'emial=a@example.nl'], 'Did you mean "email"?'],
    [[EMAIL, '--role', 'operatr'], 'Did you mean "operator"?'],
    [[EMAIL, '--purpose', 'curiosity'], 'Its purposes are'],
    [[EMAIL, '--role', 'campaign', '--purpose', 'analytics'], 'Its purposes are MARKETING, SERVICE.'],
    [[], 'Name one identifier'],
    [[EMAIL, '--by', `email=${EMAIL}`], 'Name one identifier'],
    [[EMAIL, '--whyy'], 'Did you mean "--why"?'],
  ])('refuses %j, and prints the remedy', async (words, message) => {
    const { code, out, err } = await show(words);
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(err).not.toContain('@example.nl');
    expect(out).toBe('');
  });

  test('reads the identifier from standard input, writes an audit line, and nothing else of the customer', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-card-'));
    const AUDIT_FILE = join(folder, 'audit.jsonl');
    const environment = { ...settings, ...CALLER_SETTINGS, AUDIT_FILE, LOG_LEVEL: 'debug' };
    const toFile = await stekkerdoos(['ask', '-', '--json'], environment, `${EMAIL}\n`);
    expect(toFile, toFile.err).toMatchObject({ code: 0, err: '' });
    expect(at(JSON.parse(toFile.out), 'customer', 'name')).toBe('Eva van der Meer');
    const line = readFileSync(`${AUDIT_FILE}.command-line`, 'utf8');
    expect(line).toContain('"caller":"command line","purpose":"CUSTOMER_CARE"');
    expect(line).not.toContain(EMAIL);
    rmSync(folder, { recursive: true });

    // Without a file, audit lines go to standard error, so that standard output is valid JSON.
    const toStream = await stekkerdoos(['ask', EMAIL, '--json'], { ...environment, AUDIT_FILE: undefined });
    expect(listAt(JSON.parse(toStream.out), 'sources').length).toBeGreaterThan(5);
    expect(toStream.err).toContain('"caller":"command line"');
  });

  test('prints no character that controls the terminal', async () => {
    const crm = await startServer((_, response) => {
      const properties = { email: 'a@example.nl', firstname: '\u001b[2J\u009bA\u202e', lastname: 'B\nC' };
      const record = {
        id: '7',
        properties,
        createdAt: '2026-01-01T00:00:00Z',
        updatedAt: '2026-01-01T00:00:00Z',
      };
      sendJson(response, { total: 1, results: [{ ...record, archived: false }] });
    });
    const environment = { CRM_HUBSPOT_URL: crm.url, CRM_HUBSPOT_TOKEN: 'a-token' };
    try {
      const { out, err } = await stekkerdoosHere(['ask', 'a@example.nl'], environment);
      expect(out, err).toMatch(/name +\[2J A B C\n/);
      expect(out.replaceAll('\n', '')).not.toMatch(/\p{C}/u);
      const { out: json } = await stekkerdoosHere(['ask', 'a@example.nl', '--json'], environment);
      expect(json.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
      expect(at(JSON.parse(json), 'customer', 'name')).toContain('\u009b');
    } finally {
      await crm.close();
    }
  });
});
