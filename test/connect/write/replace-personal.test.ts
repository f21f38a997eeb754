import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Decisions, Draft, DraftField } from '../../../src/connect/draft.js';
import { writeRecording } from '../../../src/connect/write/recording.js';
import type { RecordedCall, Recording } from '../../../src/recordings/recording.js';
import { SQL } from './table-drafts.js';
import { classified } from './write-project.js';

interface Person {
  given: string;
  family: string;
  email: string;
  phone: string;
  number: number;
  iban: string;
  born: string;
}

const field = (name: string, from = name, type = 'String'): DraftField => ({
  ...{ name, from, type, isList: false, isNullable: true, samples: [] },
});

/** A system whose records repeat the values of each person in other places and notations. */
function draftOf(people: readonly Person[]): Draft {
  const rows = people.map((person) => ({
    ...person,
    id: `cus_${person.number}`,
    title: `Box for ${person.given} ${person.family} in blue`,
    link: `https://shop.example/c/${encodeURIComponent(person.email)}?id=${person.number}#${person.given}`,
    memo: `${person.email.toUpperCase()} called from ${person.phone}, born ${person.born}`,
    nested: { [person.email]: [{ of: person.family.toUpperCase() }, person.iban] },
    secret: `${person.iban}/${person.given}`,
  }));
  const orders = people.map((person) => ({
    ...{ number: person.number * 3 + 1, customer: person.number, to: person.given },
  }));
  const finder = { findsCustomers: true, isUnique: true };
  const recorded = (call: RecordedCall['call'], key: (i: number) => string, of: readonly object[]) => ({
    call,
    envelope: { next: `/c?after=${people[0]?.email ?? ''}`, total: 2 },
    answers: Object.fromEntries(of.map((row, i) => [key(i), [row as RecordedCall['envelope'] & object]])),
  });
  const calls: Draft['calls'] = {
    byId: {
      ...{ call: { get: '/c/{key}' }, key: 'id', ...finder },
      recorded: recorded({ get: '/c/{key}' }, (i) => `cus_${people[i]?.number ?? 0}`, rows),
    },
    byEmail: {
      ...{ call: { get: '/c', query: { mail: '{key}' }, rows: 'data' }, key: 'email', ...finder },
      recorded: recorded(
        { get: '/c', query: { mail: '{key}' }, rows: 'data' },
        (i) => people[i]?.email.toUpperCase() ?? '',
        rows,
      ),
    },
    orders: {
      call: { get: '/o/{key}', rows: 'data' },
      ...{ key: 'number', findsCustomers: false, isUnique: false },
      recorded: recorded({ get: '/o/{key}', rows: 'data' }, (i) => String(people[i]?.number ?? 0), orders),
    },
  };
  const customer = {
    ...{ name: 'ShopCustomer', description: 'A customer.', id: 'id' },
    fields: [
      field('id', 'id', 'ID'),
      field('number', 'number', 'Int'),
      ...['given', 'family', 'email', 'phone', 'iban', 'title', 'link', 'memo', 'secret'].map((name) =>
        field(name),
      ),
      field('born', 'born', 'Date'),
      { ...field('orders', 'orders', 'ShopOrder'), isList: true, call: { name: 'orders', key: 'number' } },
    ],
  };
  const order = {
    ...{ name: 'ShopOrder', description: 'An order.' },
    fields: [field('number', 'number', 'ID'), field('customer', 'customer', 'ID')],
  };
  return {
    ...{ source: 'shop', kind: 'rest', connect: { rest: '${SHOP_URL}', ping: '/' }, variables: {} },
    ...{ calls, customer, types: { ShopOrder: order } },
  };
}

const private_ = classified('CONTACT', 'ALL');
const decisions: Decisions = {
  recordKey: 'shopCustomerId',
  namespaces: { shopCustomerId: { pattern: '^cus_\\d+$', description: 'An id.' } },
  foundBy: {
    shopCustomerId: { call: 'byId', uniqueness: 'enforced' },
    email: { call: 'byEmail', uniqueness: 'enforced' },
  },
  yields: { email: { path: 'email', kind: 'one' } },
  name: ['given', 'family'],
  privacy: {
    ...Object.fromEntries(
      ['id', 'number', 'given', 'family', 'email', 'phone', 'iban', 'memo', 'born'].map((name) => [
        `ShopCustomer.${name}`,
        private_,
      ]),
    ),
    'ShopCustomer.title': classified('NONE'),
    'ShopCustomer.link': classified('NONE'),
    'ShopCustomer.secret': { leftOutBecause: 'it is a secret' },
    'ShopOrder.number': private_,
    'ShopOrder.customer': private_,
  },
};

const recordingOf = (people: readonly Person[], seed = 1): Recording =>
  writeRecording(draftOf(people), decisions, { seed, recordedAt: '2026-12-01T10:00:00Z' });

const word = fc
  .stringMatching(/^[A-ZÉÖ][a-zéüç]{4,9}$/)
  .filter((text) => !['Blue', 'Number', 'Customer'].includes(text));
const phones = ['+31 6 4821 33', '06-482137', '+44 7911 1234', '+1 (212) 684-12', '+33 6 12 34 56 '];
const people = fc
  .uniqueArray(
    fc.record({
      given: word,
      family: fc.oneof(
        word,
        fc.tuple(word, word).map(([a, b]) => `van ${a}-${b}`),
      ),
      local: fc.stringMatching(/^[a-z]{3,6}\.[a-z]{4,8}$/),
      domain: fc.constantFrom('Mail.nl', 'post-bedrijf.be', 'werk.co.uk'),
      phone: fc.constantFrom(...phones),
      phoneEnd: fc.integer({ min: 10, max: 99 }),
      number: fc.integer({ min: 10_000, max: 99_999_999 }),
      iban: fc.constantFrom('NL91ABNA0417164300', 'DE89 3704 0044 0532 0130 00', 'BE68539007547034'),
      born: fc.date({ min: new Date('1930-01-01'), max: new Date('2010-12-31'), noInvalidDate: true }),
    }),
    {
      minLength: 1,
      maxLength: 6,
      selector: ({ number }) => number,
    },
  )
  .map((all) =>
    all.map(({ local, domain, phone, phoneEnd, born, ...rest }, i): Person => ({
      ...rest,
      email: `${local}${i}@${domain}`,
      phone: `${phone}${phoneEnd}`,
      born: born.toISOString().slice(0, 10),
    })),
  );

const plantedIn = (person: Person): string[] =>
  [...Object.values(person).map(String), person.phone.replace(/\D/g, '')].flatMap((value) => [
    value,
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
  ]);

/** The number of random systems: enough to find a mistake within some runs, and few enough to be fast. */
const RUNS = { numRuns: 40 };

describe('replacing personal values', () => {
  it('leaves none of them in a recording, in any case or encoding, also within another text', () => {
    fc.assert(
      fc.property(people, fc.integer(), (some, seed) => {
        const text = JSON.stringify(recordingOf(some, seed)).toLowerCase();
        for (const planted of some.flatMap(plantedIn)) expect(text).not.toContain(planted.toLowerCase());
      }),
      RUNS,
    );
  });

  it('replaces equal values by equal ones and others by different ones, so that joins work', () => {
    fc.assert(
      fc.property(people, (some) => {
        const { byId, byEmail, orders } = recordingOf(some).calls;
        const rowsOf = (call: RecordedCall | undefined) =>
          Object.entries(call?.answers ?? {}).map(
            ([key, [row]]) => [key, row as Record<string, unknown>] as const,
          );
        expect(rowsOf(byId)).toHaveLength(some.length);
        expect(rowsOf(byEmail)).toHaveLength(some.length);
        const numbers = new Set(rowsOf(byId).map(([, row]) => row['number']));
        expect(numbers.size).toBe(some.length);
        for (const [key, row] of rowsOf(byId)) {
          expect(row).toMatchObject({ id: key });
          expect(key).toBe(`cus_${String(row['number'])}`);
          expect(row['link']).toContain(encodeURIComponent(String(row['email'])));
          expect(row['link']).toContain(`id=${String(row['number'])}#${String(row['given'])}`);
          expect(row['title']).toBe(`Box for ${String(row['given'])} ${String(row['family'])} in blue`);
          expect(String(row['memo'])).toContain(String(row['email']).toUpperCase());
          expect(String(row['memo'])).toContain(String(row['phone']));
          expect(String(row['memo'])).toContain(String(row['born']));
          expect(row).not.toHaveProperty('secret');
        }
        for (const [key, row] of rowsOf(byEmail)) expect(key).toBe(String(row['email']).toUpperCase());
        for (const [key, row] of rowsOf(orders)) {
          expect(String(row['customer'])).toBe(key);
          expect(numbers).toContain(row['customer']);
        }
      }),
      RUNS,
    );
  });

  it('is a function of the seed', () => {
    fc.assert(
      fc.property(people, fc.integer(), (some, seed) => {
        expect(recordingOf(some, seed)).toEqual(recordingOf(structuredClone(some), seed));
        expect(recordingOf(some, seed)).not.toEqual(recordingOf(some, seed + 1));
      }),
      { numRuns: 20 },
    );
  });

  it('makes up values that fit their columns', () => {
    const { lesson, ...tables } = SQL.draft.tables ?? {};
    if (lesson === undefined) throw new Error('There is no table of lessons.');
    const small = {
      ...lesson,
      columns: lesson.columns.map((column) =>
        column.name === 'id' ? { ...column, type: 'smallint' } : column,
      ),
      rows: Array.from({ length: 40 }, (_, i) => ({ ...lesson.rows[0], id: 10_248 + i })),
    };
    const draft = { ...SQL.draft, tables: { ...tables, lesson: small } };
    for (const seed of [1, 2, 3, 4, 5]) {
      const recorded = writeRecording(draft, SQL.decisions, { seed, recordedAt: '2026-12-01T10:00:00Z' });
      const ids = (recorded.tables?.['lesson']?.rows ?? []).map((row) => Number(row['id']));
      expect(new Set(ids).size).toBe(40);
      expect(Math.max(...ids)).toBeLessThanOrEqual(32_767);
    }
  });

  it('preserves joins of tables and numbers of other things, and removes fields that are left out', () => {
    const { tables = {} } = writeRecording(SQL.draft, SQL.decisions, {
      ...{ seed: 3, recordedAt: '2026-12-01T10:00:00Z' },
    });
    const { pupil, lesson, vehicle } = tables;
    expect(Object.keys(tables)).toEqual(['pupil', 'lesson', 'vehicle']);
    expect(pupil?.columns.map(({ name }) => name)).not.toContain('password_hint');
    expect(pupil?.indexes).toHaveLength(1);
    for (const row of pupil?.rows ?? []) {
      expect(row).not.toHaveProperty('password_hint');
      expect(row['internal']).toEqual({ rating: row['family_name'] });
    }
    expect(vehicle?.rows).toEqual(SQL.draft.tables?.['vehicle']?.rows);
    const pupils = pupil?.rows.map((row) => row['id']);
    expect(pupils).not.toContain(4471);
    for (const row of lesson?.rows ?? []) {
      expect(pupils).toContain(row['pupil_id']);
      expect(row['vehicle_id']).toBe(12);
    }
  });
});
