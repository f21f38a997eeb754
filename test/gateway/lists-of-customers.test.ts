import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { Client } from '../../src/connectors/connector.js';
import { SourceUnavailableError } from '../../src/errors.js';
import {
  defineLoader,
  idNamespace,
  type Context,
  type Customer,
  type CustomerRecord,
} from '../../src/index.js';
import type { Environment } from '../../src/settings.js';
import { createTestGateway, type Answer } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { localSource } from '../support/local-source.js';

/**
 * The kinds of customers in the lists. A kind is the first part of the address. Both systems find customers by e-mail
 * address. `letters` also finds them by the card number in a record of `people`.
 */
const KINDS = [
  ...['plain', 'card', 'latecard', 'shared', 'broken', 'late', 'latebroken'],
  ...['nobody', 'stranger', 'invalid'],
];
const COUNT = 100;
const NONE = { maxAge: '0 s', staleWhileRevalidate: '0 s', staleIfError: '0 s' } as const;

const kindOf = (email: string) => email.split('-')[0] ?? '';
const numberOf = (email: string) => email.replace(/\D/g, '');
const unavailable = (source: string) => new SourceUnavailableError(source, `${source} is unavailable.`);

/** Returns the card number. Numbers that begin with `l` are answered late. */
function cardOf(email: string): string | undefined {
  const first = { card: 'c', latecard: 'l' }[kindOf(email)];
  return first === undefined ? undefined : `${first}${numberOf(email)}`;
}

async function yieldSeveralTimes(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await new Promise(setImmediate);
}

function peopleOf(email: string): CustomerRecord[] | Error {
  if (kindOf(email) === 'broken') return unavailable('people');
  if (['nobody', 'stranger'].includes(kindOf(email))) return [];
  const value = cardOf(email);
  const card = value === undefined ? [] : [{ namespace: 'cardNumber', value }];
  return [
    {
      id: `p${kindOf(email)}${numberOf(email)}`,
      identifiers: [{ namespace: 'email', value: email, verified: true }, ...card],
      profile: { name: `Person ${numberOf(email)}` },
    },
  ];
}

function lettersOf(email: string): CustomerRecord[] {
  const record = (id: string): CustomerRecord => ({
    id,
    identifiers: [
      { namespace: 'email', value: email },
      { namespace: 'phone', value: `+3161${numberOf(email).padStart(7, '2')}` },
    ],
    profile: { name: `Writer ${id}` },
  });
  const id = `l${kindOf(email)}${numberOf(email)}`;
  if (kindOf(email) === 'nobody' || cardOf(email) !== undefined) return [];
  return kindOf(email) === 'shared' ? [record(id), record(`${id}b`)] : [record(id)];
}

type Loading = (value: string) => Promise<readonly CustomerRecord[]>;

const byEmail = defineLoader<Client, string, readonly CustomerRecord[]>({
  name: 'byEmail',
  freshness: NONE,
  load: (emails) => Promise.resolve(emails.map(peopleOf)),
});
/** Answers each key separately. The walk continues without the late answers. */
const lettersBy = (name: string, load: Loading) =>
  defineLoader<Client, string, readonly CustomerRecord[]>({
    name,
    freshness: NONE,
    loadEach: (values) => values.map(load),
  });
const byAddress = lettersBy('byAddress', async (email) => {
  if (kindOf(email).startsWith('late')) await yieldSeveralTimes();
  if (kindOf(email) === 'latebroken') throw unavailable('letters');
  return lettersOf(email);
});
const byCard = lettersBy('byCard', async (card) => {
  if (card.startsWith('l')) await yieldSeveralTimes();
  return [{ id: `l${card}`, identifiers: [], profile: { name: `Writer ${card}` } }];
});
/** Loads the parcels of people by id. Some ids fail, and some are answered late. */
const parcels = defineLoader<Client, string, readonly string[]>({
  name: 'parcels',
  freshness: NONE,
  loadEach: (ids) =>
    ids.map(async (id) => {
      if (Number(numberOf(id)) % 3 === 0) await yieldSeveralTimes();
      if (Number(numberOf(id)) % 7 === 0) throw unavailable('people');
      return [`first of ${id}`, `second of ${id}`];
    }),
});
/** Loads the stamps of people by id, all in one answer. Some ids fail. */
const stamps = defineLoader<Client, string, number>({
  name: 'stamps',
  freshness: NONE,
  load: (ids) => Promise.resolve(ids.map((id) => (id.endsWith('5') ? unavailable('people') : id.length))),
});
/** Whether the parcels and the stamps of a member can be loaded. */
const isAnswered = (email: string) => Number(numberOf(email)) % 7 > 0 && !numberOf(email).endsWith('5');
async function loadOf<V>(customer: Customer, loader: Parameters<Context['load']>[0], { load }: Context) {
  const [id] = await customer.identifiers('personId');
  return id === undefined ? null : ((await load(loader, id as never)) as V);
}

const nothing = defineLoader<Client, string, readonly CustomerRecord[]>({
  name: 'byId',
  load: (ids) => Promise.resolve(ids.map(() => [])),
});

const people = localSource('people', {
  loaders: [parcels, stamps],
  resolvers: {
    Customer: {
      parcels: (customer: Customer, _: unknown, context: Context) => loadOf(customer, parcels, context),
      stamps: (customer: Customer, _: unknown, context: Context) => loadOf(customer, stamps, context),
    },
  },
  namespaces: [
    idNamespace('personId', 'An id.', /^p\w+$/),
    idNamespace('cardNumber', 'A number on a card.', /^[cl]\d+$/),
  ],
  identity: {
    recordKey: 'personId',
    foundBy: {
      personId: { uniqueness: 'enforced', loader: nothing },
      email: { uniqueness: 'enforced', loader: byEmail },
      cardNumber: { uniqueness: 'enforced', loader: nothing },
    },
    yields: { email: 'one', cardNumber: 'one' },
  },
});
const letters = localSource('letters', {
  namespaces: [idNamespace('writerId', 'An id.', /^l\w+$/)],
  identity: {
    recordKey: 'writerId',
    foundBy: {
      writerId: { uniqueness: 'enforced', loader: { ...nothing } },
      email: { uniqueness: 'usual', loader: byAddress },
      cardNumber: { uniqueness: 'enforced', loader: byCard },
    },
    yields: { email: 'one', phone: 'shown' },
  },
});

const sdlOf = (key: string, fields = '') =>
  `type Customer @foundBy(identifier: "${key}") @personalData(category: NONE) ${fields}`;

const FIELDS = `name primaryEmail parcels stamps phones { value source } systems { source status }
  identifiers { namespace value sources isVerified }`;
const WITH_FRAGMENTS = `name ...Rest ... on Customer { parcels phones { value source } }`;
const FRAGMENTS = `fragment Rest on Customer { primaryEmail stamps ...Systems identifiers { namespace value sources isVerified } }
  fragment Systems on Customer { systems { source status } }`;

/** The value of one customer in a list, and its errors with their paths below the customer. */
interface Member {
  value: unknown;
  errors: string[];
}

function memberOf(value: unknown, errors: Answer['errors'], start: readonly unknown[]): Member {
  const errorsOfMember = errors.filter(({ path = [] }) => start.every((step, i) => path[i] === step));
  return {
    value,
    errors: errorsOfMember
      .map(({ path = [], message, extensions }) =>
        JSON.stringify([path.slice(start.length), message, extensions.code, extensions.source]),
      )
      .sort(),
  };
}

/** Settings with which all loaders use their cached answers for an hour. */
const CACHED = Object.fromEntries(
  Object.entries({
    PEOPLE: ['byEmail', 'parcels', 'stamps'],
    LETTERS: ['byAddress', 'byCard'],
  }).map(([source, loaders]) => [
    `${source}_FRESHNESS`,
    JSON.stringify({ loaders: Object.fromEntries(loaders.map((name) => [name, { maxAge: '1 hour' }])) }),
  ]),
);

const WAYS: Record<string, Environment> = {
  planned: {},
  interpreted: { EXECUTION: 'interpreted' },
  'planned, from the cache': CACHED,
  'interpreted, from the cache without cached responses': {
    ...CACHED,
    ...{ EXECUTION: 'interpreted', ANSWERS_MAX_MB: '0' },
  },
};

describe.each(Object.keys(WAYS))('a list of a hundred customers (%s)', (way) => {
  const gateway = createTestGateway(
    {
      ...people.environment,
      ...letters.environment,
      ...WAYS[way],
      IDENTITY_PATIENCE_MS: '0',
    },
    {
      sources: [people.source, letters.source],
      sdl: {
        people: sdlOf(
          'personId',
          '{ parcels: [String!] @personalData(category: NONE) stamps: Int @personalData(category: NONE) }',
        ),
        letters: sdlOf('writerId'),
      },
    },
  );
  afterAll(() => gateway.close());

  const singles = new Map<string, Promise<Member>>();
  const single = (email: string): Promise<Member> => {
    let member = singles.get(email);
    if (member === undefined) {
      const query = `query ($by: CustomerKey!) { customer(by: $by) { ${FIELDS} } }`;
      member = gateway
        .query(query, { by: { email } })
        .then(({ data, errors }) => memberOf(data?.['customer'] ?? null, errors, ['customer']));
      singles.set(email, member);
    }
    return member;
  };
  const list = async (emails: readonly string[], fields = FIELDS, fragments = ''): Promise<Member[]> => {
    const query = `query ($by: [CustomerKey!]!) { customers(by: $by) { ${fields} } } ${fragments}`;
    const { data, errors } = await gateway.query(query, { by: emails.map((email) => ({ email })) });
    return listAt(data, 'customers').map((value, i) => memberOf(value, errors, ['customers', i]));
  };

  const email = fc
    .tuple(fc.constantFrom(...KINDS), fc.integer({ min: 100, max: 160 }))
    .map(([kind, number]) => (kind === 'invalid' ? `invalid-${number}` : `${kind}-${number}@example.nl`));
  const emails = fc.array(email, { minLength: COUNT, maxLength: COUNT });
  const runs = { numRuns: 2 };

  test('equals single queries, with duplicates and with ambiguous, failing, late and unknown customers', async () => {
    await fc.assert(
      fc.asyncProperty(emails, async (all) => {
        const seen = await list(all);
        for (const [i, address] of all.entries())
          expect([address, seen[i]]).toEqual([address, await single(address)]);
      }),
      runs,
    );
    const kinds = new Map<string, Member>();
    for (const [address, member] of singles)
      if (isAnswered(address)) kinds.set(kindOf(address), await member);
    expect(kinds.size).toBe(KINDS.length);
    // Each kind of customer has the expected result.
    const codesOf = (kind: string) =>
      kinds.get(kind)?.errors.map((error) => (JSON.parse(error) as unknown[])[2]);
    const statusesOf = (kind: string) =>
      listAt(kinds.get(kind)?.value, 'systems').map((system) => at(system, 'status'));
    for (const kind of ['plain', 'card', 'latecard', 'late']) {
      expect(codesOf(kind)).toEqual([]);
      expect(statusesOf(kind)).toEqual(['KNOWN', 'KNOWN']);
    }
    for (const kind of ['broken', 'latebroken']) expect(statusesOf(kind)).toContain('UNAVAILABLE');
    expect(statusesOf('stranger')).toEqual(['UNKNOWN', 'KNOWN']);
    expect(kinds.get('shared')?.value).toBeNull();
    expect(codesOf('shared')).toEqual(['AMBIGUOUS_IDENTITY']);
    expect(kinds.get('nobody')).toEqual({ value: null, errors: [] });
    expect(codesOf('invalid')).toEqual(['BAD_USER_INPUT']);
  });

  test('has the same customers in another order', async () => {
    await fc.assert(
      fc.asyncProperty(
        emails,
        fc.array(fc.nat(), { minLength: COUNT, maxLength: COUNT }),
        async (all, places) => {
          const order = all.map((_, i) => i).sort((a, b) => (places[a] ?? 0) - (places[b] ?? 0) || a - b);
          const seen = await list(all);
          const moved = await list(order.map((i) => all[i] ?? ''));
          expect(moved).toEqual(order.map((i) => seen[i]));
        },
      ),
      runs,
    );
  });

  test('is the same in a second request, with and without customers that fail', async () => {
    const hasAnswer = (address: string) =>
      !['broken', 'latebroken', 'shared', 'invalid'].includes(kindOf(address));
    await fc.assert(
      fc.asyncProperty(emails, async (all) => {
        const answered = all.filter((address) => hasAnswer(address) && isAnswered(address));
        for (const some of [all, answered]) expect(await list(some)).toEqual(await list(some));
        expect((await list(answered)).flatMap(({ errors }) => errors)).toEqual([]);
      }),
      runs,
    );
  });

  test('is the same without fragments', async () => {
    await fc.assert(
      fc.asyncProperty(emails, async (all) => {
        expect(await list(all, WITH_FRAGMENTS, FRAGMENTS)).toEqual(await list(all));
      }),
      runs,
    );
  });
});
