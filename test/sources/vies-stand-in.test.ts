import { afterEach, describe, expect, it } from 'vitest';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { startVies, type ViesOptions } from '../../sources/vies/stand-in/index.js';
import { readXml, type Element } from '../../sources/vies/stand-in/xml.js';

const world = createWorld({ customers: 5 });
const TYPES = 'urn:ec.europa.eu:taxud:vies:services:checkVat:types';
const SOAP = 'http://schemas.xmlsoap.org/soap/envelope/';

let standIn: StandIn;
afterEach(() => standIn.close());
const start = async (options: ViesOptions = {}): Promise<void> => {
  standIn = await startVies(world, options);
};

async function post(
  body: string,
  { service = 'checkVatService', type = 'text/xml; charset=utf-8' } = {},
): Promise<{ status: number; type: string | null; content: Element | undefined }> {
  const base = standIn.settings(standIn.url)['VIES_URL'] ?? '';
  const response = await fetch(`${base}/${service}`, {
    method: 'POST',
    body,
    headers: { 'content-type': type },
  });
  const text = await response.text();
  const envelope = text.startsWith('<env:') ? readXml(text) : undefined;
  const content = envelope?.children.find(({ name }) => name === 'Body')?.children[0];
  return { status: response.status, type: response.headers.get('content-type'), content };
}

const message = (countryCode: string, vatNumber: string, envelope = SOAP) =>
  `<?xml version="1.0"?><s:Envelope xmlns:s="${envelope}"><s:Header/><s:Body><c:checkVat xmlns:c="${TYPES}">
  <c:countryCode>${countryCode}</c:countryCode><c:vatNumber>${vatNumber}</c:vatNumber></c:checkVat></s:Body></s:Envelope>`;

const values = (content: Element | undefined) =>
  Object.fromEntries(content?.children.map(({ name, text }) => [name, text]) ?? []);

const check = async (countryCode: string, vatNumber: string, service?: string) =>
  values((await post(message(countryCode, vatNumber), service === undefined ? {} : { service })).content);

describe('the stand-in of VIES', () => {
  it('answers in the format of VIES', async () => {
    await start();
    const { status, type, content } = await post(message('NL', '858100009B14'));
    expect([status, type, content?.namespace, content?.name]).toEqual([
      200,
      'text/xml;charset=UTF-8',
      TYPES,
      'checkVatResponse',
    ]);
    expect(values(content)).toEqual({
      countryCode: 'NL',
      vatNumber: '858100009B14',
      requestDate: expect.stringMatching(/^\d{4}-\d\d-\d\d\+0[12]:00$/) as string,
      valid: 'true',
      name: 'BAKKERIJ BLOM GROEP N.V.',
      address: expect.stringMatching(/^\n.+\n1234AB .+\n$/) as string,
    });
  });

  it('returns no name and address if the country does not disclose them or the number is not valid', async () => {
    await start();
    const silent = { name: '---', address: '---' };
    expect(await check('DE', '987650001')).toMatchObject({ valid: 'true', ...silent });
    expect(await check('NL', '987652011B01')).toMatchObject({ valid: 'false', ...silent });
    expect(await check('XI', '987651013')).toMatchObject({ valid: 'true', name: 'O’NEILL & DAUGHTERS LTD' });
  });

  it.each([
    ['US', '123456789'],
    ['nl', '858100009B14'],
    ['NL', ''],
    ['NL', '1234567890123'],
    ['NL', '8581-00009'],
  ])('refuses %s %s', async (countryCode, vatNumber) => {
    await start();
    expect(await check(countryCode, vatNumber)).toEqual({
      faultcode: 'env:Server',
      faultstring: 'INVALID_INPUT',
    });
  });

  it.each([
    [{ requestsAtOnce: 2 }, 'GLOBAL_MAX_CONCURRENT_REQ'],
    [{ requestsAtOnceByState: 2 }, 'MS_MAX_CONCURRENT_REQ'],
  ])('limits concurrent requests to %o', async (options, word) => {
    await start({ answerMs: 100, ...options });
    const answers = await Promise.all([1, 2, 3].map(() => check('NL', '858100009B14')));
    expect(answers.map(({ valid, faultstring }) => valid ?? faultstring).sort()).toEqual([
      word,
      'true',
      'true',
    ]);
    expect(await check('NL', '858100009B14')).toMatchObject({ valid: 'true' });
  });

  it.each([
    ['100', { valid: 'true' }],
    ['200', { valid: 'false' }],
    ['301', { faultstring: 'MS_UNAVAILABLE' }],
    ['500', { faultstring: 'GLOBAL_MAX_CONCURRENT_REQ' }],
    ['17', { faultstring: 'SERVICE_UNAVAILABLE' }],
  ])('answers the test number %s like the test service of VIES', async (number, expected) => {
    await start();
    expect(await check('FR', number, 'checkVatTestService')).toMatchObject(expected);
  });

  it.each([
    ['text that is not XML', 'checkVat'],
    ['a document type', `<!DOCTYPE x>${message('NL', '1')}`],
    ['an undeclared entity', message('NL', '&x;')],
    ['another envelope', message('NL', '1', 'http://www.w3.org/2003/05/soap-envelope')],
    [
      'another operation',
      message('NL', '1').replaceAll('checkVat>', 'checkVatApprox>').replace('checkVat ', 'checkVatApprox '),
    ],
    ['elements of another namespace', message('NL', '1').replaceAll('c:countryCode', 'countryCode')],
    ['an additional element', message('NL', '1</c:vatNumber><c:more>2</c:more><c:vatNumber>')],
  ])('refuses %s', async (_, body) => {
    await start();
    const { content } = await post(body);
    expect(content?.name).toBe('Fault');
    expect(values(content)['faultstring']).not.toBe('INVALID_INPUT');
  });

  it('accepts only XML in a POST to a service', async () => {
    await start();
    expect((await post(message('NL', '1'), { type: 'application/json' })).status).toBe(415);
    expect((await post(message('NL', '1'), { service: 'constructor' })).status).toBe(404);
    expect((await fetch(`${standIn.settings(standIn.url)['VIES_URL'] ?? ''}/checkVatService`)).status).toBe(
      405,
    );
  });
});
