import { readFileSync } from 'node:fs';
import { createClientAsync, WSDL, type Client } from 'soap';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { vies } from '../../sources/vies/index.js';
import { vatChecks } from '../../sources/vies/loaders.js';
import { startVies } from '../../sources/vies/stand-in/index.js';
import type { SoapClient } from '../../src/connectors/soap/client.js';
import { SourceError } from '../../src/errors.js';
import { open } from '../connectors/contract.js';
import { asObject, contractFile, type Json } from './openapi.js';

const file = contractFile('soap', 'vies', 'checkVatService.wsdl');
const published = readFileSync(file, 'utf8');
const url = new URL('../../sources/vies/wsdl/check-vat.wsdl', import.meta.url);
const world = createWorld({ customers: 5 });
const endpointOf = (standIn: StandIn): string =>
  `${standIn.settings(standIn.url)['VIES_URL'] ?? ''}/checkVatService`;

function read(text: string): Promise<WSDL> {
  return new Promise((resolve, reject) => {
    const wsdl = new WSDL(text, '', {});
    wsdl.onReady((error: unknown) => {
      if (error instanceof Error) reject(error);
      else resolve(wsdl);
    });
  });
}

describe("the gateway's copy of the WSDL", () => {
  const checkVatOf = (wsdl: WSDL): unknown =>
    asObject(asObject(asObject((wsdl.describeServices() as Json)['checkVatService'])['checkVatPort']))[
      'checkVat'
    ];

  test('describes the operation as VIES does', async () => {
    const [theirs, ours] = await Promise.all([read(published), read(readFileSync(url, 'utf8'))]);
    expect(checkVatOf(ours)).toEqual(checkVatOf(theirs));
    expect(asObject(checkVatOf(ours))['input']).toBeDefined();
    expect(ours.definitions.$targetNamespace).toBe(theirs.definitions.$targetNamespace);
  });

  test('produces the same message', async () => {
    const messages: string[] = [];
    for (const text of [file, url.pathname]) {
      const client = await createClientAsync(text, {
        httpClient: {
          request: (_address, message: string) => {
            messages.push(
              message.replace(/ xmlns:(?!soap)\w+="[^"]*"/g, '').replace(/(<\/?)(?!soap)\w+:/g, '$1'),
            );
            return undefined as never;
          },
        },
      });
      (client['checkVat'] as (input: object, callback: () => void) => void)(
        { countryCode: 'NL', vatNumber: '858100009B14' },
        () => undefined,
      );
    }
    expect(messages).toHaveLength(2);
    expect(messages[0]).toBe(messages[1]);
  });
});

describe('the stand-in, called by the WSDL that VIES publishes', () => {
  let standIn: StandIn;
  let client: Client;
  beforeAll(async () => {
    standIn = await startVies(world);
    client = await createClientAsync(file, {}, endpointOf(standIn));
  });
  afterAll(() => standIn.close());

  test.each([
    ['NL', '858100009B14', true],
    ['DE', '987650001', true],
    ['NL', '987652011B01', false],
  ])(
    'answers about %s %s according to the schema, with every element in its place',
    async (countryCode, vatNumber, valid) => {
      const check = client['checkVatAsync'] as (input: object) => Promise<[Json, string]>;
      const [answer, raw] = await check({ countryCode, vatNumber });
      expect(answer).toEqual({
        countryCode,
        vatNumber,
        requestDate: expect.any(Date) as Date,
        valid,
        name: expect.any(String) as string,
        address: expect.any(String) as string,
      });
      // The type is a sequence, so the order of elements matters.
      const order = [...raw.matchAll(/<ns2:(\w+)>/g)].map(([, name]) => name);
      expect(order).toEqual(['countryCode', 'vatNumber', 'requestDate', 'valid', 'name', 'address']);
      expect(raw).toMatch(/<ns2:requestDate>\d{4}-\d\d-\d\d[+-]\d\d:\d\d</);
    },
  );
});

const words = [...published.matchAll(/-\s+([A-Z_]{5,}): /g)].map(([, word = '']) => word);

test('VIES documents all faults that the gateway handles', () => {
  expect(words).toEqual(['INVALID_INPUT', 'SERVICE_UNAVAILABLE', 'MS_UNAVAILABLE', 'TIMEOUT', 'SERVER_BUSY']);
});

test.each(words)('the gateway handles the documented fault %s', async (word) => {
  const standIn = await startVies(world, { refuse: () => word });
  const ours = open<SoapClient>(vies.connector, standIn.settings(standIn.url));
  const [outcome] = await vatChecks.load(['NL858100009B14'], ours);
  await ours.close();
  await standIn.close();
  if (word === 'INVALID_INPUT') expect(outcome).toBeNull();
  else expect(outcome instanceof SourceError && outcome.message).toContain(word);
});
