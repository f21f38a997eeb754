import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { startCrmHubspot } from '../../sources/crm-hubspot/stand-in/index.js';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { faultControl } from '../support/stand-ins.js';

const world = createWorld({ customers: inject('customers') });

/** The numbers of a business customer. The order system has both, the CRM only the first. */
const bakery = { kvkNumber: '07322969', vatNumber: 'NL858100009B14' };
const ofBakery = world.companies.find(({ kvkNumber }) => kvkNumber === bakery.kvkNumber);
const registered = world.register.find(({ kvkNumber }) => kvkNumber === bakery.kvkNumber);
/** A customer whose employer has both numbers in the CRM. */
const everywhere = world.people.find(({ email }) => email === 'everywhere@example.nl');
const employer = world.companies.find(({ id }) => id === everywhere?.crm?.companyId);
if (ofBakery === undefined || registered === undefined || employer?.vatNumber === undefined)
  throw new Error('The seed data has no such companies.');

let control: FaultControl;
let gateway: TestGateway;
beforeAll(async () => {
  control = await faultControl();
});
afterEach(async () => {
  await gateway.close();
  await control.heal();
});
afterAll(() => control.close());

const settingsOf = (...prefixes: string[]) =>
  Object.fromEntries(
    Object.entries(control.settings).filter(([name]) => prefixes.some((prefix) => name.startsWith(prefix))),
  );
/** Creates a gateway with the systems that know companies. */
const open = (more: Record<string, string> = {}) =>
  (gateway = createTestGateway({
    ...settingsOf('ORDER_SYSTEM', 'CRM_HUBSPOT', 'KVK'),
    DEADLINE_MS: '10000',
    ...more,
  }));
const calls = () =>
  Object.fromEntries(
    ['order-system', 'crm-hubspot', 'kvk'].map((name) => [name, control.counters()[name]?.calls ?? 0]),
  );
const companyBy = (key: string, fields: string) => gateway.query(`{ company(by: { ${key} }) { ${fields} } }`);
const companyOf = (email: string, fields: string) =>
  gateway.query(`{ customer(by: { email: "${email}" }) { company { ${fields} } } }`);

describe('a company', () => {
  test('from the CRM is found in the trade register by its number', async () => {
    open();
    const { data, errors } = await companyOf(
      'everywhere@example.nl',
      'name kvkNumber vatNumber registeredName',
    );
    expect(errors).toEqual([]);
    expect(at(data, 'customer', 'company')).toEqual({
      name: employer.name,
      kvkNumber: employer.kvkNumber,
      vatNumber: employer.vatNumber,
      registeredName: employer.name,
    });
  });

  test('that the trade register knows is known to the CRM by its number, and to the order system', async () => {
    open();
    const { data, errors } = await companyBy(
      `kvkNumber: "0732 2969"`,
      'kvkNumber registeredName domain employeeCount vatNumber',
    );
    expect(errors).toEqual([]);
    expect(at(data, 'company')).toEqual({
      kvkNumber: bakery.kvkNumber,
      registeredName: registered.name,
      domain: ofBakery.domain,
      employeeCount: ofBakery.numberOfEmployees,
      // The CRM has no VAT number. The order system has it, for the customer who orders for the company.
      vatNumber: bakery.vatNumber,
    });
  });

  test.each([
    ['the order system', bakery.vatNumber, registered.name],
    ['the CRM', employer.vatNumber, employer.name],
  ])(
    'is found by the VAT number that %s holds, with the data that is found by its KvK number',
    async (_, vatNumber, name) => {
      open();
      const { data, errors } = await companyBy(`vatNumber: "${vatNumber}"`, 'name registeredName vatNumber');
      expect(errors).toEqual([]);
      expect(at(data, 'company')).toEqual({ name, registeredName: name, vatNumber });
    },
  );

  test('is found by name and place', async () => {
    open();
    const { data, errors } = await companyBy(
      `nameAndPlace: { name: "${registered.name}", place: "${ofBakery.city}" }`,
      'kvkNumber name',
    );
    expect(errors).toEqual([]);
    expect(at(data, 'company')).toEqual({ kvkNumber: bakery.kvkNumber, name: ofBakery.name });
  });

  test('needs no call to systems without a selected field, if another system knows it', async () => {
    open();
    await companyBy(`kvkNumber: "${bakery.kvkNumber}"`, 'registeredName legalForm');
    expect(calls()).toEqual({ 'order-system': 0, 'crm-hubspot': 0, kvk: 1 });
    await control.heal();
    open();
    await companyBy(`kvkNumber: "${bakery.kvkNumber}"`, 'name city');
    expect(calls()).toEqual({ 'order-system': 0, 'crm-hubspot': 1, kvk: 0 });
  });

  test('that no system knows is null', async () => {
    open();
    for (const key of ['kvkNumber: "99999998"', 'vatNumber: "NL123456782B90"']) {
      const { data, errors } = await companyBy(key, 'registeredName name');
      if (errors.length > 0)
        expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
      expect(data).toEqual({ company: null });
    }
  });

  test('is shown by the available systems, and is an error if all systems fail', async () => {
    open();
    await control.set('kvk', { fault: 'down' });
    const known = await companyBy(`kvkNumber: "${bakery.kvkNumber}"`, 'name registeredName');
    expect(known.data).toEqual({ company: { name: ofBakery.name, registeredName: null } });
    expect(known.errors).toMatchObject([
      { path: ['company', 'registeredName'], extensions: { code: 'SOURCE_UNAVAILABLE', source: 'kvk' } },
    ]);
    const unknown = await companyBy('kvkNumber: "99999998"', 'name');
    expect(unknown.data).toEqual({ company: null });
    expect(unknown.errors).toMatchObject([{ path: ['company'], extensions: { source: 'kvk' } }]);
  });

  test.each([
    ['two keys', `kvkNumber: "${bakery.kvkNumber}", vatNumber: "${bakery.vatNumber}"`],
    ['null', 'kvkNumber: null'],
    ['no key', ''],
    ['too short a number', 'kvkNumber: "7322969"'],
    ['a placeholder number', 'kvkNumber: "00000000"'],
    ['no VAT number', 'vatNumber: "07322969"'],
    ['a blank name', 'nameAndPlace: { name: " ", place: "Utrecht" }'],
  ])('cannot be requested by %s', async (_, key) => {
    open();
    expect((await companyBy(key, 'registeredName')).data ?? { company: null }).toEqual({ company: null });
    expect(calls()).toEqual({ 'order-system': 0, 'crm-hubspot': 0, kvk: 0 });
  });

  test('has its VAT number checked, for any system that holds it', async () => {
    gateway = createTestGateway({
      ...settingsOf('ORDER_SYSTEM', 'CRM_HUBSPOT', 'KVK', 'VIES'),
      DEADLINE_MS: '10000',
    });
    const { data, errors } = await gateway.query(`{
      registered: company(by: { kvkNumber: "${bakery.kvkNumber}" }) { registeredName vatNumber vat { isValid } }
      customer(by: { email: "everywhere@example.nl" }) { company { name vatNumber vat { isValid } } }
    }`);
    expect(errors).toEqual([]);
    expect(data).toEqual({
      registered: { registeredName: registered.name, vatNumber: bakery.vatNumber, vat: { isValid: true } },
      customer: { company: { name: employer.name, vatNumber: employer.vatNumber, vat: { isValid: true } } },
    });
  });

  test('is refused if no plugged-in system finds companies by this key', async () => {
    gateway = createTestGateway(settingsOf('CRM_HUBSPOT'));
    const { data, errors } = await companyBy('nameAndPlace: { name: "A", place: "B" }', 'name');
    expect(data).toEqual({ company: null });
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
  });

  test('cannot be requested by a variable with two keys or an incomplete key', async () => {
    open();
    const query = 'query($by: CompanyKey!) { company(by: $by) { registeredName } }';
    const half = 'query($a: String) { company(by: { kvkNumber: $a }) { registeredName } }';
    for (const answer of [
      await gateway.query(query, { by: bakery }),
      await gateway.query(query, { by: { kvkNumber: null } }),
      await gateway.query(half, {}),
    ]) {
      expect(answer.data ?? { company: null }).toEqual({ company: null });
      expect(answer.errors.length).toBeGreaterThan(0);
    }
    expect(calls()).toEqual({ 'order-system': 0, 'crm-hubspot': 0, kvk: 0 });
  });
});

describe('the company of a customer', () => {
  test('is a business customer itself, with the numbers of the order system, without a CRM', async () => {
    gateway = createTestGateway(settingsOf('ORDER_SYSTEM', 'KVK'));
    const { data, errors } = await companyOf('company@example.nl', 'kvkNumber vatNumber registeredName');
    expect(errors).toEqual([]);
    expect(at(data, 'customer', 'company')).toEqual({ ...bakery, registeredName: registered.name });
  });

  test('is a business customer itself if the CRM does not know the company', async () => {
    const crm = await startCrmHubspot({ ...world, people: [], companies: world.companies.slice(20) });
    open(crm.settings(crm.url));
    const { data, errors } = await companyOf('company@example.nl', 'kvkNumber vatNumber name registeredName');
    await crm.close();
    expect(errors).toEqual([]);
    expect(at(data, 'customer', 'company')).toEqual({
      ...bakery,
      name: null,
      registeredName: registered.name,
    });
  });

  test('is shown without data of the CRM while the CRM is unavailable', async () => {
    open();
    await control.set('crm-hubspot', { fault: 'down' });
    const { data, errors } = await companyOf('company@example.nl', 'kvkNumber name registeredName');
    expect(at(data, 'customer', 'company')).toEqual({
      kvkNumber: bakery.kvkNumber,
      name: null,
      registeredName: registered.name,
    });
    expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['customer', 'company', 'name'], 'SOURCE_UNAVAILABLE'],
    ]);
  });

  test('is null with an error while the CRM is unavailable and no other system knows it', async () => {
    open();
    await control.set('crm-hubspot', { fault: 'down' });
    const { data, errors } = await companyOf('everywhere@example.nl', 'kvkNumber');
    expect(data).toEqual({ customer: { company: null } });
    expect(errors).toMatchObject([{ path: ['customer', 'company'], extensions: { source: 'crm-hubspot' } }]);
  });

  test('is null for a person without a company', async () => {
    open();
    const { data, errors } = await companyOf('orders-only@example.nl', 'kvkNumber');
    expect(errors).toEqual([]);
    expect(data).toEqual({ customer: { company: null } });
  });

  test('needs one call per system for fifty customers, and one call to the register per company', async () => {
    open();
    const people = world.people
      .filter(({ email, crm }) => email.startsWith('customer-') && crm !== undefined)
      .slice(0, 50);
    const { data, errors } = await gateway.query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { company { name kvkNumber registeredName } } }',
      { by: people.map(({ email }) => ({ email })) },
    );
    expect(errors).toEqual([]);
    const companies = people.map(({ crm }) => world.companies.find(({ id }) => id === crm?.companyId));
    expect(listAt(data, 'customers')).toEqual(
      companies.map((company) => ({
        company:
          company === undefined
            ? null
            : { name: company.name, kvkNumber: company.kvkNumber, registeredName: company.name },
      })),
    );
    const different = new Set(companies.flatMap((company) => (company === undefined ? [] : [company.id])))
      .size;
    // One call identifies the customers, one loads their associations, and one loads the companies.
    expect(calls()).toEqual({ 'order-system': 1, 'crm-hubspot': 3, kvk: different });
  });
});
