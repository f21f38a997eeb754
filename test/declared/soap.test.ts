import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { SoapClient } from '../../src/connectors/soap/client.js';
import type { Loader } from '../../src/loaders/loader.js';
import type { SourceDefinition } from '../../src/source.js';
import { readXml, type Element } from '../../sources/vies/stand-in/xml.js';
import { hostileKeys, open } from '../connectors/contract.js';
import { startServer, type SeenRequest, type SmallServer } from '../connectors/server.js';
import { fault, sendXml, service, tracked } from '../connectors/soap-service.js';
import { parcelsWith } from './parcels.js';

let server: SmallServer | undefined;
let close: (() => Promise<void>) | undefined;
afterEach(async () => {
  await close?.();
  await server?.close();
});

/** Starts a parcel service, and loads keys by the only loader of the source. */
async function loading(
  answer: (request: SeenRequest) => string,
  source: SourceDefinition = parcelsWith(),
): Promise<(...keys: string[]) => Promise<unknown>> {
  server = await startServer(
    service((request, response) => {
      const body = answer(request);
      sendXml(response, body, { status: body.includes('Fault>') ? 500 : 200 });
    }),
  );
  const settings = { PARCELS_URL: `${server.url}/api`, PARCELS_USER: 'gateway', PARCELS_PASSWORD: 'secret' };
  const client = open(source.connector, settings, { source: 'parcels' });
  close = () => client.close();
  const [loader] = source.loaders as readonly Loader<SoapClient, string, unknown>[];
  return (...keys) => loader?.load(keys, client as unknown as SoapClient) ?? Promise.resolve([]);
}

const messages = () => (server?.seen ?? []).filter(({ method }) => method === 'POST');
const parcel = (code: string, more = '') => `<parcel><code>${code}</code>${more}</parcel>`;

/** Returns the element of the operation in a message. */
function operationIn({ body }: SeenRequest): Element | undefined {
  const envelope = readXml(body);
  return envelope.children.find(({ name }) => name === 'Body')?.children[0];
}

describe('a call of a SOAP service', () => {
  it('sends its declared elements, and reads the list at its path', async () => {
    const load = await loading(() =>
      tracked(
        parcel('A1', '<weight>1.250</weight><sentOn>2026-11-24</sentOn><stop>Ede</stop>') + parcel('A2'),
      ),
    );
    expect(await load('anna@example.nl')).toEqual([
      [
        { code: 'A1', weight: '1.250', sentOn: '2026-11-24', stop: ['Ede'] },
        { code: 'A2', weight: null, sentOn: null, stop: null },
      ],
    ]);
    const operation = operationIn(messages()[0] as SeenRequest);
    expect(operation?.name).toBe('track');
    expect(operation?.children.map(({ name, text }) => [name, text])).toMatchObject([
      ['customer', 'anna@example.nl'],
      ['filter', expect.anything()],
    ]);
    expect(operation?.children[1]?.children.map(({ text }) => text)).toEqual(['SENT', 'RECEIVED']);
    expect(messages()[0]?.body).toContain('>gateway</wsse:Username>');
  });

  it('sends a part of a key', async () => {
    const load = await loading(
      () => tracked(parcel('A1')),
      parcelsWith([
        'parts: { customer: "{key}", filter: { status: [SENT, RECEIVED] } }',
        'parts: { customer: "{key|after 2}", filter: { status: ["{key|first 2}"] } }',
      ]),
    );
    await load('NL0042');
    const operation = operationIn(messages()[0] as SeenRequest);
    expect(operation?.children[0]?.text).toBe('0042');
    expect(operation?.children[1]?.children[0]?.text).toBe('NL');
  });

  it('matches rows by a key of several paths', async () => {
    const load = await loading(
      ({ body }) => tracked(parcel('NL', `<pieces>${body.includes('NL7') ? 7 : 8}</pieces>`)),
      parcelsWith(['rows: parcel', 'rows: parcel, key: [code, pieces]']),
    );
    expect(await load('NL7', 'NL9')).toMatchObject([[{ code: 'NL' }], { code: 'SOURCE_CONTRACT' }]);
  });

  it.each([
    ['an empty answer', tracked(''), 'rows: parcel'],
    ['a fault', fault('NO_SUCH_CUSTOMER'), 'rows: parcel'],
    [
      'a value in the answer',
      tracked(`<note>UNKNOWN</note>${parcel('A1')}`),
      'rows: parcel, notFound: { at: note, is: [UNKNOWN, LOCKED] }',
    ],
  ])('finds nothing if the system answers with %s', async (_, answer, rows) => {
    const load = await loading(() => answer, parcelsWith(['rows: parcel', rows]));
    expect(await load('a')).toEqual([[]]);
  });

  it('reads the records if the answer has a value other than the one for "not found"', async () => {
    const source = parcelsWith(['rows: parcel', 'rows: parcel, notFound: { at: note, is: UNKNOWN }']);
    const load = await loading(() => tracked(`${parcel('A1')}<note>KNOWN</note>`), source);
    expect(await load('a')).toMatchObject([[{ code: 'A1' }]]);
  });

  it.each([
    ['CLOSED_AT_NIGHT', 'SOURCE_UNAVAILABLE'],
    ['TOO_MANY', 'SOURCE_RATE_LIMITED'],
    ['ANOTHER', 'SOURCE_UNAVAILABLE'],
  ])('reports the fault %s as %s', async (word, code) => {
    const load = await loading(() => fault(word));
    expect(await load('a')).toMatchObject([{ code }]);
  });

  it.each([
    ['a text instead of the record', 'rows: note', tracked('<note>Jan</note>'), 'note'],
    ['no code', 'rows: parcel', tracked('<parcel><stop>Jan</stop></parcel>'), 'parcel.code'],
    ['no number', 'rows: parcel', tracked(parcel('A1', '<weight>Jan</weight>')), 'parcel.weight'],
  ])('refuses an answer with %s', async (_, rows, answer, place) => {
    const load = await loading(() => answer, parcelsWith(['rows: parcel', rows]));
    const [error] = (await load('a')) as [Error];
    expect(error).toMatchObject({ code: 'SOURCE_CONTRACT' });
    expect(error.message).toContain(`at: ${place}`);
    expect(error.message).not.toContain('Jan');
  });

  it.each([
    ['a part', '"{key}"'],
    ['a part of a key', '"{key|after 1}"'],
  ])('has the same shape for every key if the key is in %s', async (_, part) => {
    const load = await loading(() => tracked(''), parcelsWith(['customer: "{key}"', `customer: ${part}`]));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.constantFrom(...Object.values(hostileKeys)),
          fc.string({ unit: 'binary' }),
          fc.string({ unit: fc.constantFrom(...Array.from('<>&"\'![]CDATA/?;# \n\r\0a')) }),
        ),
        async (key) => {
          if (server !== undefined) server.seen.length = 0;
          const [result] = (await load(key)) as unknown[];
          if (result instanceof Error) {
            expect(result).toMatchObject({ code: 'BAD_USER_INPUT' });
            expect(messages()).toEqual([]);
            return;
          }
          const operations = messages().map(operationIn);
          expect(
            operations.map((operation) =>
              operation?.children.map(({ name, children }) => [name, children.length]),
            ),
          ).toEqual([
            [
              ['customer', 0],
              ['filter', 2],
            ],
          ]);
        },
      ),
      { numRuns: 100 },
    );
  });
});
