import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { OdataClient } from '../../src/connectors/odata/client.js';
import type { Loader } from '../../src/loaders/loader.js';
import { hostileKeys, open } from '../connectors/contract.js';
import { sendJson, startServer, type SeenRequest, type SmallServer } from '../connectors/server.js';
import { INVOICING_SDL, INVOICING_YAML } from './invoicing.js';
import { compiled } from './warranty.js';

let server: SmallServer | undefined;
let close: (() => Promise<void>) | undefined;
afterEach(async () => {
  await close?.();
  await server?.close();
});

type Answer = (request: SeenRequest) => { body: unknown; status?: number };

/** Starts an OData system. Loads keys by the call `bills`, with parts of the declaration replaced. */
async function loading(
  answer: Answer,
  ...replacements: readonly (readonly [from: string, to: string])[]
): Promise<(...keys: string[]) => Promise<unknown>> {
  server = await startServer((request, response) => {
    const { body, ...options } = answer(request);
    sendJson(response, body, options);
  });
  const yaml = replacements.reduce((text, [from, to]) => {
    expect(text).toContain(from);
    return text.replace(from, to);
  }, INVOICING_YAML);
  const { source } = compiled(yaml, INVOICING_SDL);
  const settings = { INVOICING_URL: `${server.url}/odata`, INVOICING_TOKEN: 'secret' };
  const client = open(source.connector, settings, { source: 'invoicing' });
  close = () => client.close();
  const [loader] = source.loaders as readonly Loader<OdataClient, string, unknown>[];
  return (...keys) => loader?.load(keys, client as unknown as OdataClient) ?? Promise.resolve([]);
}

const BILLS = INVOICING_YAML.slice(
  INVOICING_YAML.indexOf('    set: Bills'),
  INVOICING_YAML.indexOf('fields:'),
);
const bill = (number: string, account: string, more: object = {}) => ({
  No: number,
  AccountNo: account,
  Date: '2026-11-24',
  Total: '12.50',
  Lines: [{ Text: 'Bread' }],
  ...more,
});
const requests = () => (server?.seen ?? []).map(({ url }) => decodeURIComponent(url.replaceAll('+', ' ')));

describe('a call over OData', () => {
  it('reads the records of a batch in one call, and requests only the fields that are used', async () => {
    const load = await loading(() => ({ body: { value: [bill('2', 'A2'), bill('1', 'A1')] } }));
    expect(await load('A1', 'A2', 'A3')).toMatchObject([
      [
        {
          number: '1',
          date: '2026-11-24',
          total: { amount: '12.50', currency: 'EUR' },
          lines: [{ text: 'Bread' }],
        },
      ],
      [{ number: '2' }],
      [],
    ]);
    expect(requests()).toEqual([
      "/odata/Bills?$filter=AccountNo in ('A1','A2','A3') and Status in ('Open','Paid') and Draft eq false" +
        '&$select=AccountNo,No,Date,Total&$expand=Lines&$orderby=Date desc,No',
    ]);
    expect(server?.seen[0]?.headers['prefer']).toBe('odata.maxpagesize=100');
  });

  it.each([
    [3, [expect.objectContaining({ length: 3 })]],
    [4, 'error'],
  ])('reads a list of %i pages up to its limit, and fails if the list continues', async (count, expected) => {
    const load = await loading(({ url }) => {
      const page = Number(new URL(url, 'http://a').searchParams.get('page') ?? 1);
      const next = page < count ? { '@odata.nextLink': `Bills?page=${page + 1}` } : {};
      return { body: { value: [bill(String(page), 'A1')], ...next } };
    });
    if (expected === 'error') await expect(load('A1')).rejects.toMatchObject({ code: 'SOURCE_CONTRACT' });
    else expect(await load('A1')).toEqual(expected);
    expect(server?.seen).toHaveLength(3);
  });

  it('reads one record by its key', async () => {
    const load = await loading(
      ({ url }) => (url.includes('A1') ? { body: bill('1', 'A1') } : { status: 404, body: {} }),
      [BILLS, '    entity: Bills\n'],
    );
    expect(await load('A1', "A'2")).toMatchObject([[{ number: '1' }], []]);
    expect(requests().sort()).toEqual(["/odata/Bills('A''2')", "/odata/Bills('A1')"]);
  });

  it.each([
    ['number', '17', 'AccountNo in (17)', '1 or 1 eq 1'],
    [
      'guid',
      'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
      'AccountNo in (f81d4fae-7dec-11d0-a765-00a0c91e6bf6)',
      "'",
    ],
  ])(
    'sends keys of the type %s in its notation, and refuses other values',
    async (type, key, filter, other) => {
      const load = await loading(
        () => ({ body: { value: [bill('1', key)] } }),
        ['by: AccountNo', `by: AccountNo\n    keys: ${type}`],
      );
      expect(await load(other, key)).toMatchObject([{ code: 'BAD_USER_INPUT' }, [{ number: '1' }]]);
      expect(requests()[0]).toContain(`$filter=${filter} and`);
      expect(server?.seen).toHaveLength(1);
    },
  );

  it('does not send a key that is longer than the field', async () => {
    const load = await loading(
      () => ({ body: { value: [] } }),
      ['by: AccountNo', 'by: AccountNo\n    maxKeyLength: 3'],
    );
    expect(await load('A123', 'A12', 'A'.repeat(300))).toEqual([[], [], []]);
    expect(requests()[0]).toContain("AccountNo in ('A12') and");
  });

  it.each([
    ['no list', { value: 'Jan' }, 'value'],
    ['no record', { value: ['Jan'] }, 'value'],
    ['a record of another shape', { value: [bill('1', 'A1', { Date: 'Jan' })] }, 'Date'],
    ['a line of another shape', { value: [bill('1', 'A1', { Lines: ['Jan'] })] }, 'Lines'],
    ['a record of another key', { value: [bill('1', 'Jan')] }, 'not requested'],
  ])('refuses an answer with %s', async (_, body, place) => {
    const load = await loading(() => ({ body }));
    const error = await load('A1').then(
      (results) => (results as [Error])[0],
      (reason: unknown) => reason as Error,
    );
    expect(error).toMatchObject({ code: 'SOURCE_CONTRACT' });
    expect(error.message).toContain(place);
    expect(error.message).not.toContain('Jan');
  });

  it('returns every digit of an amount that is a JSON number', async () => {
    server = await startServer((_, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(
        `{"value":[{"No":"1","AccountNo":"A1","Date":"2026-11-24","Total":12345678901234567.89}]}`,
      );
    });
    const { source } = compiled(INVOICING_YAML, INVOICING_SDL);
    const settings = { INVOICING_URL: server.url, INVOICING_TOKEN: 'secret' };
    const client = open(source.connector, settings, { source: 'invoicing' });
    close = () => client.close();
    const [loader] = source.loaders as readonly Loader<OdataClient, string, unknown>[];
    expect(await loader?.load(['A1'], client as unknown as OdataClient)).toMatchObject([
      [{ total: { amount: '12345678901234567.89' } }],
    ]);
  });

  it.each([
    ['a filter', BILLS, /^\/odata\/Bills\?\$filter=AccountNo in \('((?:[^']|'')*)'\) and Status in/],
    ['an address', '    entity: Bills\n', /^\/odata\/Bills\('((?:[^']|'')*)'\)$/],
  ])('has the same shape for every key if the key is in %s', async (_, call, shape) => {
    const isEntity = call.includes('entity');
    const load = await loading(
      () => (isEntity ? { status: 404, body: {} } : { body: { value: [] } }),
      [BILLS, call],
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.constantFrom(...Object.values(hostileKeys)),
          fc.string({ unit: 'binary' }),
          fc.string({ unit: fc.constantFrom(...Array.from('\'"()/?&=%+#$; \n\r\0a')) }),
        ),
        async (key) => {
          if (server !== undefined) server.seen.length = 0;
          const [result] = (await load(key)) as unknown[];
          const urls = (server?.seen ?? []).map(({ url }) => url);
          if (result instanceof Error) {
            expect(result).toMatchObject({ code: 'BAD_USER_INPUT' });
            expect(urls).toEqual([]);
            return;
          }
          expect(urls).toHaveLength(1);
          const [path = '', query = ''] = (urls[0] ?? '').split('?', 2);
          const names = query.split('&').map((part) => part.split('=')[0]);
          if (!isEntity) expect(names).toHaveLength(4);
          const text = isEntity
            ? decodeURIComponent(path)
            : `${path}?${decodeURIComponent((query.split('&')[0] ?? '').replaceAll('+', ' '))}`;
          expect(shape.exec(text)?.[1]?.replaceAll("''", "'")).toBe(key);
        },
      ),
      { numRuns: 100 },
    );
  });
});
