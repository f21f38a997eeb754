import { setTimeout as sleep } from 'node:timers/promises';
import { serveHttp, type HttpAnswer, type HttpCall } from '../../stand-ins/http.js';
import { createVatRegister } from '../../stand-ins/seed-vies.js';
import type { StandIn, World } from '../../stand-ins/world.js';
import { escape, NotXmlError, readXml } from './xml.js';

/**
 * VIES, imitated after its published WSDL (document/literal, SOAP 1.1); checked against it in
 * test/contracts/vies.contract.ts.
 * It imitates these peculiarities of the real system:
 * - a fault comes with the status 200 (as clients of it have seen);
 * - the reason of a fault is in its text; its code is always `env:Server`;
 * - the day of the request has the offset of Brussels and no time;
 * - Germany and Spain return `---` for name and address, as all countries do for a number that is not valid;
 * - an address is one text, on lines, with line breaks around it in the Netherlands;
 * - the limits on concurrent requests are not published; they count the requests of all users, for VIES and for each member state;
 * - the test service has fixed answers for some numbers of any country.
 * Not imitated: `checkVatApprox`, the WSDL at `?wsdl`, different response times of member states, and outages at night.
 */
export interface ViesOptions {
  /** The response time of a member state, in milliseconds. Default 0. */
  answerMs?: number;
  /** The maximum number of concurrent requests of all users. Default: no limit. */
  requestsAtOnce?: number;
  /** The maximum number of concurrent requests for one member state. Default: no limit. */
  requestsAtOnceByState?: number;
  /** Called for each request: returns the fault to refuse it with, or undefined. */
  refuse?: (countryCode: string, vatNumber: string) => string | undefined;
}

const servicesPath = '/taxation_customs/vies/services';
const envelopeNamespace = 'http://schemas.xmlsoap.org/soap/envelope/';
const typesNamespace = 'urn:ec.europa.eu:taxud:vies:services:checkVat:types';

const memberStates = new Set(
  'AT BE BG CY CZ DE DK EE EL ES FI FR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK XI'.split(' '),
);
const secretive = new Set(['DE', 'ES']);

/** The answers of the test service, from the documentation in its WSDL. */
const testFaults: Readonly<Record<string, string>> = {
  201: 'INVALID_INPUT',
  202: 'INVALID_REQUESTER_INFO',
  300: 'SERVICE_UNAVAILABLE',
  301: 'MS_UNAVAILABLE',
  302: 'TIMEOUT',
  400: 'VAT_BLOCKED',
  401: 'IP_BLOCKED',
  500: 'GLOBAL_MAX_CONCURRENT_REQ',
  501: 'GLOBAL_MAX_CONCURRENT_REQ_TIME',
  600: 'MS_MAX_CONCURRENT_REQ',
  601: 'MS_MAX_CONCURRENT_REQ_TIME',
};

interface Question {
  countryCode: string;
  vatNumber: string;
}

export async function startVies(
  world: World,
  {
    answerMs = 0,
    requestsAtOnce = Infinity,
    requestsAtOnceByState = Infinity,
    refuse = () => undefined,
  }: ViesOptions = {},
): Promise<StandIn> {
  const register = createVatRegister(world);
  const underWay = new Map<string, number>();
  const count = (name: string, by: number): number => {
    const now = (underWay.get(name) ?? 0) + by;
    underWay.set(name, now);
    return now;
  };

  const check = async ({ countryCode, vatNumber }: Question): Promise<HttpAnswer> => {
    // The documentation defines this fault. A number that a member state cannot check has the same fault.
    if (!memberStates.has(countryCode) || !/^[0-9A-Za-z+*.]{2,12}$/.test(vatNumber))
      return fault('INVALID_INPUT');
    const refused = refuse(countryCode, vatNumber);
    if (refused !== undefined) return fault(refused);
    const [all, ofState] = [count('', 1), count(countryCode, 1)];
    try {
      if (all > requestsAtOnce) return fault('GLOBAL_MAX_CONCURRENT_REQ');
      if (ofState > requestsAtOnceByState) return fault('MS_MAX_CONCURRENT_REQ');
      if (answerMs > 0) await sleep(answerMs);
    } finally {
      count('', -1);
      count(countryCode, -1);
    }
    const found = register.get(countryCode + vatNumber.toUpperCase());
    const disclosed = secretive.has(countryCode) ? undefined : found;
    const around = countryCode === 'NL' ? '\n' : '';
    return answer({ countryCode, vatNumber }, found !== undefined, {
      name: disclosed?.name ?? '---',
      address: disclosed === undefined ? '---' : `${around}${disclosed.address.join('\n')}${around}`,
    });
  };

  const test = (question: Question): HttpAnswer => {
    const { vatNumber } = question;
    if (vatNumber === '100')
      return answer(question, true, { name: 'John Doe', address: '123 Main St, Anytown, UK' });
    if (vatNumber === '200') return answer(question, false, { name: '---', address: '---' });
    return fault(testFaults[vatNumber] ?? 'SERVICE_UNAVAILABLE');
  };

  const service = await serveHttp(() => async (call) => {
    const services: Record<string, (question: Question) => HttpAnswer | Promise<HttpAnswer>> = {
      [`${servicesPath}/checkVatService`]: check,
      [`${servicesPath}/checkVatTestService`]: test,
    };
    const answerOf = Object.hasOwn(services, call.path) ? services[call.path] : undefined;
    if (answerOf === undefined)
      return { status: 404, headers: { 'content-type': 'text/html' }, body: '<html></html>' };
    if (call.method !== 'POST') return { status: 405, headers: { allow: 'POST' } };
    const question = readQuestion(call);
    return 'status' in question ? question : answerOf(question);
  });

  return {
    name: 'vies',
    url: service.url,
    settings: (url) => ({ VIES_URL: `${url}${servicesPath}` }),
    close: service.close,
  };
}

function readQuestion({ body, headers }: HttpCall): Question | HttpAnswer {
  if (!/^text\/xml\b/.test(headers['content-type'] ?? '')) return { status: 415 };
  try {
    const envelope = readXml(body);
    if (envelope.name !== 'Envelope' || envelope.namespace !== envelopeNamespace)
      return fault('A SOAP 1.1 envelope is expected', 'VersionMismatch');
    const [operation] =
      envelope.children.find(({ name, namespace }) => name === 'Body' && namespace === envelopeNamespace)
        ?.children ?? [];
    if (operation?.name !== 'checkVat' || operation.namespace !== typesNamespace)
      return fault('There is no such operation', 'Client');
    const [countryCode, vatNumber, ...more] = operation.children;
    const isRight =
      more.length === 0 &&
      countryCode?.name === 'countryCode' &&
      vatNumber?.name === 'vatNumber' &&
      operation.children.every(
        ({ namespace, children }) => namespace === typesNamespace && children.length === 0,
      );
    if (!isRight) return fault('The message does not fit the schema', 'Client');
    return { countryCode: countryCode.text, vatNumber: vatNumber.text };
  } catch (error) {
    if (error instanceof NotXmlError) return fault('The message is not well-formed', 'Client');
    throw error;
  }
}

function answer(
  { countryCode, vatNumber }: Question,
  valid: boolean,
  { name, address }: { name: string; address: string },
): HttpAnswer {
  const values = { countryCode, vatNumber, requestDate: today(), valid: String(valid), name, address };
  const elements = Object.entries(values).map(
    ([element, value]) => `<ns2:${element}>${escape(value)}</ns2:${element}>`,
  );
  return message(
    `<ns2:checkVatResponse xmlns:ns2="${typesNamespace}">${elements.join('')}</ns2:checkVatResponse>`,
  );
}

function fault(text: string, code = 'Server'): HttpAnswer {
  return message(
    `<env:Fault><faultcode>env:${code}</faultcode><faultstring>${escape(text)}</faultstring></env:Fault>`,
  );
}

function message(body: string): HttpAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'text/xml;charset=UTF-8' },
    body: `<env:Envelope xmlns:env="${envelopeNamespace}"><env:Header/><env:Body>${body}</env:Body></env:Envelope>`,
  };
}

/** In Brussels, with the offset there: `2026-11-24+01:00`. */
function today(): string {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: 'Europe/Brussels',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    timeZoneName: 'longOffset',
  }).formatToParts(new Date());
  const part = (type: string): string => parts.find((part) => part.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')}${part('timeZoneName').replace('GMT', '')}`;
}
