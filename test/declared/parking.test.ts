import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FileClient } from '../../src/connectors/file/connector.js';
import { filesCall } from '../../src/declared/files-grammar.js';
import { filesKind } from '../../src/declared/files.js';
import { createTestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { createParking, PARKING_SDL, PARKING_YAML, PERMITS, VISITS } from './parking.js';
import { compiled } from './warranty.js';

const { source, sdl } = compiled(PARKING_YAML, PARKING_SDL);
const visitsOf = (permit: string) =>
  VISITS.filter((visit) => visit.permit === permit)
    .map(({ id, enteredAt, paid }) => ({
      number: String(id),
      enteredAt: `${enteredAt.replace(' ', 'T')}.000Z`,
      paid: { amount: paid, currency: 'EUR' },
      note: null,
    }))
    .reverse();

describe('a source declared over files', () => {
  let parking: Awaited<ReturnType<typeof createParking>>;
  let gateway: ReturnType<typeof createTestGateway>;
  beforeAll(async () => {
    parking = await createParking();
    gateway = createTestGateway(
      { PARKING_FOLDER: parking.folder },
      { sources: [{ ...source, limits: { ...source.limits, timeout: '20 s' } }], sdl: { parking: sdl } },
    );
  });
  afterAll(async () => {
    await gateway.close();
    await parking.remove();
  });
  const FIELDS =
    'hasPermit parkingVisits(first: 100) { nodes { number enteredAt paid { amount currency } note } }';

  test('shows the rows of each customer, from CSV and Parquet', async () => {
    const { data, errors } = await gateway.query(
      `query($by: [CustomerKey!]!) { customers(by: $by) { ${FIELDS} } }`,
      { by: PERMITS.map(({ number }) => ({ permitNumber: number })) },
    );
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers')).toEqual(
      PERMITS.map(({ number, active }) => ({
        hasPermit: active === 'yes',
        parkingVisits: { nodes: visitsOf(number) },
      })),
    );
  });

  test('finds a customer by an e-mail address in any case', async () => {
    const { data } = await gateway.query('{ customer(by: {email: "DRIVER7@EXAMPLE.NL"}) { hasPermit } }');
    expect(at(data, 'customer')).toEqual({ hasPermit: true });
  });

  test('reads pages of a list', async () => {
    const page = (after: string | null) =>
      gateway.query(
        `query($after: String) { customer(by: {permitNumber: "P0009"}) {
          parkingVisits(first: 5, after: $after) { nodes { number } pageInfo { hasNextPage endCursor } } } }`,
        { after },
      );
    const first = at((await page(null)).data, 'customer', 'parkingVisits');
    const second = at(
      (await page(String(at(first, 'pageInfo', 'endCursor')))).data,
      'customer',
      'parkingVisits',
    );
    const numbers = [...listAt(first, 'nodes'), ...listAt(second, 'nodes')].map((node) => at(node, 'number'));
    expect(numbers).toEqual(visitsOf('P0009').map(({ number }) => number));
    expect(at(second, 'pageInfo', 'hasNextPage')).toBe(false);
  });

  test('reads files again for each call, and is unavailable without them', async () => {
    const changed = await createParking();
    const permits = join(changed.folder, 'permits.csv');
    const before = await readFile(permits, 'utf8');
    const reader = createTestGateway(
      { PARKING_FOLDER: changed.folder },
      { sources: [{ ...source, limits: { ...source.limits, timeout: '20 s' } }], sdl: { parking: sdl } },
    );
    // A found record is cached, so each query is about another permit.
    const find = async (number: string) => {
      const { data, errors } = await reader.query(
        `{ customer(by: {permitNumber: "${number}"}) { hasPermit } }`,
      );
      return errors[0]?.extensions['code'] ?? at(data, 'customer');
    };
    expect(await find('P0001')).toEqual({ hasPermit: true });
    await rm(permits);
    expect(await find('P0003')).toBe('SOURCE_UNAVAILABLE');
    await writeFile(permits, before.replace('Driver5@example.nl,yes', 'Driver5@example.nl,no'));
    expect(await find('P0005')).toEqual({ hasPermit: false });
    await reader.close();
    await changed.remove();
  });
});

describe('a call to files', () => {
  test('never has a key in its text', async () => {
    const calls = [
      { from: 'permit', by: 'mail', matching: 'lower' },
      { query: 'SELECT mail, number FROM permit() WHERE mail = ANY(:keys)', key: 'mail' },
    ];
    const { connect } = filesKind;
    const connected = connect.parse({
      files: '${PARKING_FOLDER}',
      tables: { permit: { files: 'permits.csv' } },
    });
    const texts = new Set<string>();
    const sent: unknown[] = [];
    const client: FileClient = {
      ping: () => Promise.resolve(),
      rows: (_, text, parameters) => {
        texts.add(text);
        sent.push(parameters);
        return Promise.resolve([]);
      },
    };
    const context = {
      source: 'parking',
      place: [],
      report: (_: unknown, problem: string) => {
        throw new Error(problem);
      },
    };
    const requests = calls.map((call) => {
      const request = filesKind.compileCall(filesCall.parse(call), context, connected);
      request.reads?.(['mail', 'number']);
      return request;
    });
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom("' OR 1=1 --", '"; DROP TABLE permit', '$1', '?', '{}', '\r\n', '\0', '\ud800'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(hostile, { minLength: 1 }), async (keys) => {
        for (const request of requests) {
          const sendable = keys.filter((key) => request.canSend(key));
          sent.length = 0;
          await request.rows(sendable, client);
          expect(sent.flat(2).map((key) => String(key).toLowerCase())).toEqual(
            sendable.map((key) => key.toLowerCase()),
          );
        }
      }),
    );
    expect(texts.size).toBe(2);
  });
});
