import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { DEFAULT_BLOCKLISTS } from '../../src/blocklists.js';
import { defineLoader, idNamespace, type CustomerRecord } from '../../src/index.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { localSource } from '../support/local-source.js';

const ADDRESSES = ['eva@staging.test', 'eva@example.nl', 'kontakt@example.nl'];

const SDL =
  'type Customer @foundBy(identifier: "personId") @personalData(category: NONE) { "Whether the system knows the customer." isKnownHere: Boolean }';

const gateways: TestGateway[] = [];
afterEach(async () => {
  await Promise.all(gateways.splice(0).map((gateway) => gateway.close()));
});

/** Creates a gateway with one system that has a customer with each of the addresses. */
function gatewayWith(environment: Record<string, string> = {}) {
  const calls: string[] = [];
  const people = (find: (record: CustomerRecord, key: string) => boolean, name: string) =>
    defineLoader({
      name,
      load: (keys: readonly string[]) => {
        calls.push(...keys);
        return Promise.resolve(keys.map((key) => RECORDS.filter((record) => find(record, key))));
      },
    });
  const { source, environment: sourceEnvironment } = localSource('people', {
    namespaces: [idNamespace('personId', 'An id.', /^p\d$/)],
    identity: {
      recordKey: 'personId',
      yields: { email: 'one' },
      foundBy: {
        personId: { uniqueness: 'enforced', loader: people(({ id }, key) => id === key, 'byId') },
        email: {
          uniqueness: 'enforced',
          loader: people(({ identifiers }, key) => identifiers[0]?.value === key, 'byEmail'),
        },
      },
    },
  });
  const gateway = createTestGateway(
    { DEADLINE_MS: '10000', ...sourceEnvironment, ...environment },
    { sources: [source], sdl: { people: SDL } },
  );
  gateways.push(gateway);
  return { calls, gateway };
}

const RECORDS: CustomerRecord[] = ADDRESSES.map((value, i) => ({
  id: `p${i}`,
  identifiers: [{ namespace: 'email', value }],
}));

const QUERY = 'query ($by: CustomerKey!) { customer(by: $by) { systems { status } } }';
const KNOWN = { customer: { systems: [{ status: 'KNOWN' }] } };

describe('an identifier that is refused', () => {
  test.each([
    ['jan@shop.invalid', 'its domain is blocked (IDENTITY_BLOCKED_DOMAINS)'],
    ['noemail@example.nl', 'its mailbox or domain is a placeholder (IDENTITY_BLOCKED_VALUES)'],
    ['unknown', 'it is a placeholder (IDENTITY_BLOCKED_VALUES)'],
    ['0000', 'it has no letter, and no digit but zeros'],
    ['victim@example.nl/x', 'it does not have the expected form: E-mail address. Case'],
    ['vic\u200btim@example.nl', 'it contains an invisible character or a control character'],
    ['x'.repeat(1_001), 'it has more than 1000 characters'],
  ])('has an error that names the rule and does not repeat the value: %#', async (email, reason) => {
    const { gateway, calls } = gatewayWith();
    const { data, errors } = await gateway.query(QUERY, { by: { email } });
    expect(data).toEqual({ customer: null });
    expect(errors).toMatchObject([{ path: ['customer'], extensions: { code: 'BAD_USER_INPUT' } }]);
    expect(errors[0]?.message).toContain(`This email cannot identify a customer: ${reason}`);
    expect(errors[0]?.message).not.toContain(email);
    expect(calls).toEqual([]);
  });

  test('includes addresses under .test only if the settings block that domain', async () => {
    const by = { email: 'eva@staging.test' };
    expect((await gatewayWith().gateway.query(QUERY, { by })).data).toEqual(KNOWN);
    const { gateway } = gatewayWith({ IDENTITY_BLOCKED_DOMAINS: 'default,test' });
    const { errors } = await gateway.query(QUERY, { by });
    expect(errors[0]?.message).toContain('its domain is blocked (IDENTITY_BLOCKED_DOMAINS)');
    expect((await gateway.query(QUERY, { by: { email: 'eva@example.nl' } })).data).toEqual(KNOWN);
  });

  test('includes values of any namespace that are configured as placeholders', async () => {
    const by = { personId: 'p1' };
    expect((await gatewayWith().gateway.query(QUERY, { by })).data).toEqual(KNOWN);
    const { gateway } = gatewayWith({ IDENTITY_BLOCKED_VALUES: 'P1' });
    const { errors } = await gateway.query(QUERY, { by });
    expect(errors[0]?.message).toContain('it is a placeholder (IDENTITY_BLOCKED_VALUES)');
  });
});

test('src/identity/README.md has the lists of blocked values', () => {
  const page = readFileSync(new URL('../../src/identity/README.md', import.meta.url), 'utf8');
  const { values, domains, roleMailboxes } = DEFAULT_BLOCKLISTS;
  for (const [variable, list] of Object.entries({
    IDENTITY_BLOCKED_VALUES: values,
    IDENTITY_BLOCKED_DOMAINS: domains,
    IDENTITY_ROLE_MAILBOXES: roleMailboxes,
  })) {
    const [, block = ''] = new RegExp(`\n- \`${variable}\`[^]*?\n\n((?: {6}.*\n)+)`).exec(page) ?? [];
    expect(
      block
        .split(/[,\n]/)
        .map((value) => value.trim())
        .filter((value) => value !== ''),
      variable,
    ).toEqual([...list]);
  }
});
