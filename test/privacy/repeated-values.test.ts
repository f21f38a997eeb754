import fc from 'fast-check';
import { parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PURPOSES } from '../../src/context/purpose.js';
import { SCOPES } from '../../src/context/roles.js';
import { commonNamespaces } from '../../src/identity/identifiers.js';
import { forbidden } from '../../src/privacy/access.js';
import { policiesOfValues } from '../../src/stitching/policies.js';
import { typeNamed } from '../../src/webhooks/event.js';
import { readInterest } from '../../src/webhooks/interest.js';
import { CALLER_SETTINGS, visitorToken } from '../support/callers.js';
import { createTestGateway, patientSources, type TestGateway } from '../support/gateway.js';
import { eventTypes, publishedSdl, subscriptionRules } from '../support/published-schema.js';
import { at } from '../support/read.js';
import { directSettings } from '../support/stand-ins.js';
import { readDeclared } from './declared.js';

/** Some fields repeat values of other fields. These tests check that the same restrictions apply to them. */

const EMAIL = 'everywhere@example.nl';
const TYPES = [...eventTypes];
const declared = readDeclared();
const ofValues = policiesOfValues(publishedSdl);

/** All fields that show data of a kind. A nested field has the restrictions of the fields above it. */
const OWN_FIELDS: Readonly<Record<string, readonly string[]>> = {
  'TimelineKind.ORDER': ['Customer.orders'],
  'TimelineKind.TICKET': ['Customer.tickets'],
  'TimelineKind.CALL': ['Customer.tickets'],
  'TimelineKind.VISIT': ['Customer.visits'],
  'TimelineKind.INVOICE': ['Customer.invoices'],
  'TimelineKind.MESSAGE': ['Customer.facebookProfile', 'FacebookProfile.conversations'],
  'EventType.ORDER_PLACED': ['Customer.orders'],
  'EventType.ORDER_PAID': ['Customer.orders'],
  'EventType.ORDER_SHIPPED': ['Customer.orders'],
  'EventType.ORDER_CANCELLED': ['Customer.orders'],
  'EventType.CART_ABANDONED': ['Customer.cart'],
  'EventType.CART_CHANGED': ['Customer.cart'],
  'EventType.TICKET_OPENED': ['Customer.tickets'],
  'EventType.TICKET_CHANGED': ['Customer.tickets'],
  'EventType.TICKET_SOLVED': ['Customer.tickets'],
  // These events report that something changed, but not the values.
  'EventType.CONTACT_CHANGED': [],
  'EventType.CONTACT_DELETED': [],
  'EventType.CONSENT_GIVEN': ['Customer.consents'],
  'EventType.CONSENT_WITHDRAWN': ['Customer.consents'],
  'EventType.INVOICE_CHANGED': ['Customer.invoices'],
  'EventType.INVOICE_OVERDUE': ['Customer.invoices'],
  'EventType.LEAD_CREATED': ['Customer.formSubmissions', 'Customer.deals'],
  'EventType.MESSAGE_RECEIVED': ['Customer.facebookProfile', 'FacebookProfile.conversations'],
};

const audiences = fc.record({
  scopes: fc.subarray([...SCOPES]).map((scopes) => new Set<string>(scopes)),
  purpose: fc.constantFrom(...PURPOSES),
  sees: fc.constant('clear' as const),
});

function isRefused(
  path: string,
  { scopes: held, purpose }: { scopes: Set<string>; purpose: string },
): boolean {
  const [type = '', name = ''] = path.split('.');
  const field = declared.types.get(type)?.get(name);
  if (field === undefined) throw new Error(`The schema has no field ${path}.`);
  const { scopes, purposes } = field;
  return (
    scopes?.some((all) => all.every((scope) => held.has(scope))) === false ||
    purposes?.includes(purpose) === false
  );
}

describe('a kind of events', () => {
  const kinds = [...declared.values.keys()].filter((kind) => /^(TimelineKind|EventType)\./.test(kind));

  test('is listed in this test with the fields that it repeats', () => {
    expect(Object.keys(OWN_FIELDS).sort()).toEqual([...kinds].sort());
  });

  test.each(kinds)('is refused if one of the fields that it repeats is refused: %s', (kind) => {
    fc.assert(
      fc.property(audiences, (audience) => {
        const isOwnRefused = (OWN_FIELDS[kind] ?? []).some((path) => isRefused(path, audience));
        if (isOwnRefused) expect(forbidden(ofValues.get(kind) ?? {}, audience)).toBeDefined();
      }),
      { numRuns: 300 },
    );
  });
});

const narrowed = async (purpose: string, ...scopes: string[]) => ({
  authorization: `Bearer ${await visitorToken(EMAIL, { roles: ['operator'], scope: scopes.join(' ') })}`,
  'x-purpose': purpose,
});

let gateway: TestGateway;
beforeAll(() => {
  gateway = createTestGateway({ ...directSettings(), ...CALLER_SETTINGS, DEADLINE_MS: '10000' });
});
afterAll(() => gateway.close());

describe('a subscription', () => {
  const matches = (query: string, maySee: (place: string) => boolean) => {
    const interest = readInterest({
      schema: gateway.schema,
      document: parse(query),
      subscriptionRules,
      readKey: () => ({ namespace: 'email', value: EMAIL }),
      own: { namespace: 'email', value: EMAIL },
      maySee,
    });
    return TYPES.filter((type) =>
      interest.matches({
        about: [{ namespace: 'email', value: EMAIL }],
        event: { source: 'test', id: '1', type, time: '2026-12-01T12:00:00.000Z', identifiers: {}, data: {} },
      }),
    );
  };
  const OPEN = ['customerChanged(by: { email: "x" })', 'meChanged', 'event'];

  test.each(OPEN)('to all types receives only the types that the caller may see: %s', (field) => {
    fc.assert(
      fc.property(fc.subarray([...TYPES]), (allowed) => {
        const names = new Set(allowed.map((type) => `EventType.${typeNamed(type)}`));
        const query = `subscription { ${field} { type } }`;
        expect(matches(query, (place) => names.has(place))).toEqual(
          TYPES.filter((type) => allowed.includes(type)),
        );
      }),
    );
  });

  test.each([
    ['event(types: [ORDER_PAID, INVOICE_OVERDUE])', 'INVOICE_OVERDUE'],
    ['orderPlaced', 'ORDER_PLACED'],
    ['orderPaid', 'ORDER_PAID'],
    ['orderShipped', 'ORDER_SHIPPED'],
    ['ticketOpened', 'TICKET_OPENED'],
    ['ticketSolved', 'TICKET_SOLVED'],
    ['cartAbandoned', 'CART_CHANGED'],
    ['cartAbandoned', 'CART_ABANDONED'],
  ])('to %s is refused if the caller may not see %s', (field, type) => {
    const query = `subscription { ${field} { type } }`;
    expect(() => matches(query, (place) => place !== `EventType.${type}`)).toThrow(type);
    expect(matches(query, () => true)).not.toEqual([]);
  });
});

describe('a caller without permission is refused', () => {
  const codes = async (query: string, headers: Record<string, string>) => {
    const { data, errors } = await gateway.query(query, {}, headers);
    return { data, codes: errors.map(({ extensions }) => extensions.code) };
  };

  test('a kind of the timeline that is not available for its purpose', async () => {
    const query = `{ customer(by: { email: "${EMAIL}" }) { timeline(kinds: [VISIT]) { nodes { title } } } }`;
    const scopes = ['customers:find', 'timeline:read', 'behaviour:read'];
    const serviceAudience = await codes(query, await narrowed('CUSTOMER_CARE', ...scopes));
    expect(serviceAudience).toEqual({ data: { customer: { timeline: null } }, codes: ['FORBIDDEN'] });
    const service = await codes(query, await narrowed('SERVICE', ...scopes));
    expect(service.codes).toEqual([]);
    expect(at(service.data, 'customer', 'timeline', 'nodes')).not.toEqual([]);
  });

  test('the provenance of a field that it may not see', async () => {
    const query = `{ customer(by: { email: "${EMAIL}" }) { provenance(fields: [NAME, PRIMARY_EMAIL]) { field } } }`;
    const scopes = ['customers:find', 'identity:explore', 'profile:read'];
    const without = await codes(query, await narrowed('SERVICE', ...scopes));
    expect(without).toEqual({ data: { customer: { provenance: null } }, codes: ['FORBIDDEN'] });
    const allowed = await codes(query, await narrowed('SERVICE', ...scopes, 'contact:read'));
    expect(allowed.data).toEqual({
      customer: { provenance: [{ field: 'NAME' }, { field: 'PRIMARY_EMAIL' }] },
    });
  });
});

test('every namespace is shown by an existing field of the schema', () => {
  for (const { name, shownBy } of commonNamespaces('NL')) {
    const [type = '', field = ''] = (shownBy ?? '').split('.');
    expect(declared.types.get(type)?.has(field), name).toBe(true);
  }
});

describe('an identifier without a field that shows it', () => {
  const query = `query ($email: String!) { identify(by: { email: $email }) { ... on IdentifiedCustomer {
    identifiers { namespace } links { from { namespace } to { namespace } } conflicts { namespace }
    customer { identifiers { namespace } }
  } } }`;

  test.each([
    ['clickstream', 'visitorId', 'single-device@example.nl'],
    ['facebook', 'facebookUserId', EMAIL],
    ['x', 'xUsername', EMAIL],
  ])('is hidden from all callers if %s is not plugged in: %s', async (source, namespace, email) => {
    const sources = patientSources().filter(({ name }) => name !== source);
    const without = createTestGateway(
      { ...directSettings(), ...CALLER_SETTINGS, AUDIT_FILE: '/dev/null', DEADLINE_MS: '10000' },
      { sources },
    );
    try {
      for (const purpose of ['SERVICE', 'CUSTOMER_CARE']) {
        const headers = await narrowed(purpose, 'customers:find', 'identity:explore');
        const { data, errors } = await without.query(query, { email }, headers);
        expect(errors).toEqual([]);
        expect(at(data, 'identify', 'identifiers')).not.toEqual([]);
        expect(JSON.stringify(data)).not.toContain(namespace);
      }
    } finally {
      await without.close();
    }
  });
});
