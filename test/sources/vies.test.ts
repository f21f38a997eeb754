import { afterEach, beforeAll, afterAll, describe, expect, inject, it } from 'vitest';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { vies } from '../../sources/vies/index.js';
import { companiesByVatNumber, vatChecks } from '../../sources/vies/loaders.js';
import { startVies, type ViesOptions } from '../../sources/vies/stand-in/index.js';
import type { CallScope } from '../../src/connectors/connector.js';
import type { SoapClient } from '../../src/connectors/soap/client.js';
import { failure, hostileKeys, open, sourceFailure, type Opened } from '../connectors/contract.js';
import { startServer, type SmallServer } from '../connectors/server.js';
import { fault, sendXml } from '../connectors/soap-service.js';
import { createTestGateway, patientSources, type TestGateway } from '../support/gateway.js';
import { at } from '../support/read.js';
import { directSettings, faultControl } from '../support/stand-ins.js';

const world = createWorld({ customers: inject('customers') });
const settings: Record<string, string> = {
  ...Object.fromEntries(
    Object.entries(directSettings()).filter(([name]) => /^(VIES|ORDER_SYSTEM|CRM_HUBSPOT)_/.test(name)),
  ),
  // The timeouts are long, because the machine may be busy.
  DEADLINE_MS: '20000',
};
const CHECKED = 'vat { isValid name address checkedAt }';
const shortWait = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string;

describe('the VAT check of a company', () => {
  let gateway: TestGateway;
  afterEach(() => gateway.close());

  it.each([
    ['of the order system', 'company@example.nl', 'NL858100009B14', 'BAKKERIJ BLOM GROEP N.V.'],
    ['of the CRM', 'everywhere@example.nl', 'NL801234566B01', undefined],
  ])('uses the number %s', async (_, email, vatNumber, name) => {
    gateway = createTestGateway(settings);
    const { data, errors } = await gateway.query(
      `query($by: CustomerKey!) { customer(by: $by) { company { vatNumber ${CHECKED} } } }`,
      { by: { email } },
    );
    expect(errors).toEqual([]);
    expect(at(data, 'customer', 'company')).toEqual({
      vatNumber,
      vat: {
        isValid: true,
        name: name ?? (expect.any(String) as string),
        address: expect.stringMatching(/^DORPSSTRAAT \d{5}\n1234AB [A-Z ’'-]+$/) as string,
        checkedAt: shortWait,
      },
    });
  });

  it.each([
    ['a company that is not a customer', 'nl 8012.34.566.B01', { isValid: true }],
    [
      'a company in a country that discloses no names',
      'DE987650001',
      { isValid: true, name: null, address: null },
    ],
    [
      'a company in Greece, with the country code of VAT numbers',
      'GR987651008',
      { name: 'ΑΦΟΙ ΠΑΠΑΔΟΠΟΥΛΟΥ ΟΕ' },
    ],
    [
      'a company in Northern Ireland',
      'XI987651013',
      { name: 'O’NEILL & DAUGHTERS LTD', address: '1 HIGH STREET\nBELFAST\nBT1 2AB' },
    ],
  ])('finds %s', async (_, vatNumber, expected) => {
    gateway = createTestGateway({ VIES_URL: settings['VIES_URL'] });
    const { data, errors } = await gateway.query(
      `query($by: CompanyKey!) { company(by: $by) { ${CHECKED} } }`,
      { by: { vatNumber } },
    );
    expect(errors).toEqual([]);
    expect(at(data, 'company', 'vat')).toMatchObject(expected);
  });

  it('reports a number as invalid, and finds no company by an invalid number', async () => {
    gateway = createTestGateway(settings);
    const { data, errors } = await gateway.query(
      `{ nobody: company(by: { vatNumber: "NL987652011B01" }) { ${CHECKED} }
         lapsed: company(by: { vatNumber: "NL807518311B01" }) { name ${CHECKED} } }`,
    );
    expect(errors).toEqual([]);
    expect(data).toEqual({
      nobody: null,
      lapsed: {
        name: expect.any(String) as string,
        vat: { isValid: false, name: null, address: null, checkedAt: shortWait },
      },
    });
  });

  it('needs no call without a number, or with a number in a format that VIES refuses', async () => {
    gateway = createTestGateway(settings);
    const without = world.companies.find(({ vatNumber }, index) => vatNumber === undefined && index !== 4);
    const { data, errors } = await gateway.query(
      `query($kvkNumber: String!) { company(by: { kvkNumber: $kvkNumber }) { name vatNumber ${CHECKED} }
        wrong: company(by: { vatNumber: "NL123456789B01" }) { ${CHECKED} } }`,
      { kvkNumber: without?.kvkNumber },
    );
    expect(data).toEqual({
      company: { name: without?.name, vatNumber: null, vat: null },
      wrong: null,
    });
    expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['wrong'], 'BAD_USER_INPUT'],
    ]);
  });
});

describe('the VAT checks of many companies', () => {
  let standIn: StandIn | undefined;
  let control: FaultControl | undefined;
  let gateway: TestGateway | undefined;

  const query = (text: string, variables?: Record<string, unknown>) => {
    if (gateway === undefined) throw new Error('The gateway was not started.');
    return gateway.query(text, variables);
  };
  const start = async (options: ViesOptions = {}, sources = patientSources()): Promise<void> => {
    standIn = await startVies(world, options);
    control = await faultControl([standIn]);
    gateway = createTestGateway(
      { ...settings, ...standIn.settings(control.sources['vies']?.url ?? '') },
      { sources },
    );
  };
  afterEach(async () => {
    await gateway?.close();
    await control?.close();
    await standIn?.close();
  });
  const calls = () => control?.counters()['vies']?.calls;
  // An invalid number costs two calls.
  const companies = world.companies.filter(
    ({ vatNumber }) => vatNumber !== undefined && vatNumber !== 'NL807518311B01',
  );
  const emailsOf = (count: number): string[] =>
    world.people
      .filter(({ crm }) => companies.some(({ id }) => id === crm?.companyId))
      .map(({ email }) => email)
      .slice(0, count);
  const ofCustomers = (email: string[]) => ({ by: email.map((value) => ({ email: value })) });
  const manyQuery =
    'query($by: [CustomerKey!]!) { customers(by: $by) { company { vatNumber vat { isValid } } } }';

  it('call VIES once a day for each number, for any number of employees', async () => {
    await start({ answerMs: 20 });
    const people = emailsOf(100);
    const { data, errors } = await query(manyQuery, ofCustomers(people));
    expect(errors).toEqual([]);
    const numbers = people.map((_, i) => at(data, 'customers', i, 'company', 'vatNumber'));
    expect(numbers.length).toBeGreaterThan(new Set(numbers).size);
    expect(calls()).toBe(new Set(numbers).size);
    await query(manyQuery, ofCustomers(people));
    expect(calls()).toBe(new Set(numbers).size);
  });

  it('never make more concurrent calls than the limit for VIES', async () => {
    await start({ answerMs: 20, requestsAtOnce: 5 });
    const { errors } = await query(manyQuery, ofCustomers(emailsOf(100)));
    expect(errors).toEqual([]);
  });

  it('fail only their own field for companies of a country that does not answer', async () => {
    await start({
      refuse: (countryCode) => (countryCode === 'DE' ? 'MS_UNAVAILABLE' : undefined),
    });
    const { data, errors } = await query(
      `{ nl: company(by: { vatNumber: "NL801234566B01" }) { kvkNumber vat { isValid } }
         de: company(by: { vatNumber: "DE987650001" }) { vat { isValid } } }`,
    );
    expect(data).toEqual({ nl: { kvkNumber: '00482917', vat: { isValid: true } }, de: null });
    expect(errors.map(({ path, extensions }) => [path, extensions])).toEqual([
      [['de'], { code: 'SOURCE_UNAVAILABLE', source: 'vies', retryable: true }],
    ]);
  });

  it.each([
    ['MS_UNAVAILABLE', 'SOURCE_UNAVAILABLE'],
    ['TIMEOUT', 'SOURCE_UNAVAILABLE'],
    ['MS_MAX_CONCURRENT_REQ', 'SOURCE_RATE_LIMITED'],
  ])('are sent for other countries, even if a country repeatedly answers %s', async (word, code) => {
    await start({ refuse: (countryCode) => (countryCode === 'DE' ? word : undefined) });
    for (let i = 0; i < 25; i += 1) {
      const { errors } = await query('{ company(by: { vatNumber: "DE987650001" }) { vat { isValid } } }');
      expect(errors.map(({ extensions }) => extensions)).toEqual([{ code, source: 'vies', retryable: true }]);
    }
    const { data, errors } = await query(
      '{ company(by: { vatNumber: "NL801234566B01" }) { vat { isValid } } }',
    );
    expect(errors).toEqual([]);
    expect(at(data, 'company', 'vat', 'isValid')).toBe(true);
  });

  it('are not sent for some time after VIES failed repeatedly', async () => {
    await start({ refuse: () => 'SERVICE_UNAVAILABLE' });
    const check = () => query('{ company(by: { vatNumber: "DE987650001" }) { vat { isValid } } }');
    for (let i = 0; i < 12; i += 1) await check();
    const before = calls();
    expect((await check()).errors[0]?.extensions).toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      retryAfter: expect.any(Number) as number,
    });
    expect(calls()).toBe(before);
  });

  it.each([
    ['MS_UNAVAILABLE', 'SOURCE_UNAVAILABLE'],
    ['SERVICE_UNAVAILABLE', 'SOURCE_UNAVAILABLE'],
    ['TIMEOUT', 'SOURCE_UNAVAILABLE'],
    ['GLOBAL_MAX_CONCURRENT_REQ', 'SOURCE_RATE_LIMITED'],
    ['GLOBAL_MAX_CONCURRENT_REQ_TIME', 'SOURCE_RATE_LIMITED'],
    ['MS_MAX_CONCURRENT_REQ', 'SOURCE_RATE_LIMITED'],
    ['MS_MAX_CONCURRENT_REQ_TIME', 'SOURCE_RATE_LIMITED'],
  ])('are repeated if VIES first answers %s', async (word) => {
    let refusals = 0;
    await start({ refuse: () => (++refusals === 1 ? word : undefined) });
    const { data, errors } = await query(
      '{ company(by: { vatNumber: "NL801234566B01" }) { vat { isValid } } }',
    );
    expect(errors).toEqual([]);
    expect(at(data, 'company', 'vat', 'isValid')).toBe(true);
    expect(calls()).toBe(2);
  });

  it('are not repeated if VIES has blocked the gateway', async () => {
    await start({ refuse: () => 'IP_BLOCKED' });
    const { errors } = await query(
      '{ company(by: { vatNumber: "NL801234566B01" }) { name vat { isValid } } }',
    );
    expect(errors.map(({ path, extensions }) => [path?.join('.'), extensions])).toEqual([
      ['company.vat', { code: 'SOURCE_FORBIDDEN', source: 'vies', retryable: false }],
    ]);
    expect(calls()).toBe(1);
  });

  it.each(['hang', 'drip'] as const)('end at their timeout if VIES has the fault "%s"', async (inFault) => {
    await start({}, patientSources({ vies: '250 ms' }));
    await control?.set('vies', { fault: inFault });
    const { errors } = await query(
      '{ customer(by: { email: "company@example.nl" }) { name company { vat { isValid } } } }',
    );
    expect(errors.map(({ path, extensions }) => [path?.join('.'), extensions.code])).toEqual([
      ['customer.company.vat', 'SOURCE_TIMEOUT'],
    ]);
  });
});

describe('the loaders of the VAT check', () => {
  let standIn: StandIn;
  let server: SmallServer | undefined;
  let client: Opened<SoapClient>;
  beforeAll(async () => {
    standIn = await startVies(world);
  });
  afterEach(async () => {
    await client.close();
    await server?.close();
  });
  afterAll(() => standIn.close());
  const connect = (url = standIn.settings(standIn.url)['VIES_URL'] ?? '') => {
    client = open<SoapClient>(vies.connector, { VIES_URL: url }, { source: 'vies' });
  };
  const answering = async (body: string, status = 200): Promise<void> => {
    server = await startServer((_, response) => {
      sendXml(response, body, { status });
    });
    connect(server.url);
  };
  const answerWith = (more: string, vatNumber = '801234566B01', country = 'NL') =>
    `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>
      <checkVatResponse xmlns="urn:ec.europa.eu:taxud:vies:services:checkVat:types"><countryCode>${country}</countryCode>
      <vatNumber>${vatNumber}</vatNumber><requestDate>2026-11-24+01:00</requestDate>${more}</checkVatResponse>
      </soap:Body></soap:Envelope>`;
  const check = async () => {
    const [found] = await vatChecks.load(['NL801234566B01'], client);
    if (found instanceof Error) throw found;
    return [found];
  };

  it.each(Object.entries(hostileKeys))('find no company by %s', async (_, key) => {
    connect();
    for (const loader of [vatChecks, companiesByVatNumber])
      for (const text of [key, `NL${key}`, `${key}801234566B01`]) {
        const outcome = await loader.load([text], client).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'BAD_USER_INPUT' });
        else expect([null, false]).toContain((outcome as { isValid: boolean }[])[0]?.isValid ?? null);
      }
  });

  it.each([
    ['without a name', '<valid>true</valid>'],
    ['with an empty name', '<valid>true</valid><name/><address> \n </address>'],
    [
      'with xsi:nil as the name',
      '<valid>1</valid><name xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>',
    ],
    ['with dashes as the name', '<valid>true</valid><name>---</name><address>---</address>'],
  ])('read an answer %s', async (_, more) => {
    await answering(answerWith(more));
    expect(await check()).toMatchObject([{ isValid: true, name: null, address: null }]);
  });

  it.each([
    ['valid', answerWith('<valid>maybe</valid>')],
    ['valid', answerWith('<name>A</name>')],
    ['not requested', answerWith('<valid>true</valid>', '804376438B01')],
    ['not requested', answerWith('<valid>true</valid>', '801234566B01', 'BE')],
    ['not a SOAP message', '<html/>'],
  ])('refuse an invalid answer (%s) without revealing its values', async (place, body) => {
    await answering(body);
    const { code, message } = await failure(check());
    expect(code).toBe('SOURCE_CONTRACT');
    expect(message).toContain(place);
    expect(message).not.toMatch(/maybe|804376438/);
  });

  it.each([
    ['IP_BLOCKED', 'SOURCE_FORBIDDEN', false],
    ['VAT_BLOCKED', 'SOURCE_CONTRACT', false],
    ['SERVER_BUSY', 'SOURCE_RATE_LIMITED', true],
    ['SOMETHING_NEW', 'SOURCE_UNAVAILABLE', true],
  ])('return %s as %s', async (word, code, retryable) => {
    await answering(fault(word), 500);
    expect((await sourceFailure(check())).extensions).toMatchObject({ code, retryable, source: 'vies' });
  });

  it('close the connection when no client waits', async () => {
    let hasHungUp = false;
    server = await startServer((_, response) => {
      response.once('close', () => {
        hasHungUp = true;
      });
    });
    const stop = new AbortController();
    const run: CallScope['run'] = (call) => call(stop.signal);
    client = open<SoapClient>(vies.connector, { VIES_URL: server.url }, { source: 'vies', scope: { run } });
    const call = failure(check());
    await expect.poll(() => server?.seen.length).toBe(1);
    stop.abort();
    expect((await call).code).toBe('SOURCE_UNAVAILABLE');
    await expect.poll(() => hasHungUp).toBe(true);
  });

  it('return null for a number that VIES refuses', async () => {
    await answering(fault("{ 'INVALID_INPUT' }"));
    expect(await check()).toEqual([null]);
  });
});
