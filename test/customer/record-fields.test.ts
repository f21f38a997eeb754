import { afterEach, describe, expect, test } from 'vitest';
import { SourceUnavailableError } from '../../src/errors.js';
import {
  defineLoader,
  idNamespace,
  type Customer,
  type CustomerRecord,
  type IdentityDeclaration,
  type SourceDefinition,
} from '../../src/index.js';
import type { Client } from '../../src/connectors/connector.js';
import { fakeClock } from '../support/clock.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { localSource } from '../support/local-source.js';
import { at } from '../support/read.js';

const opened: TestGateway[] = [];
afterEach(() => Promise.all(opened.splice(0).map((gateway) => gateway.close())));

interface MemberRecord extends CustomerRecord {
  level?: string | null;
}

const member = (id: string, level?: string | null, updatedAt: string | null = null): MemberRecord => ({
  id,
  identifiers: [{ namespace: 'email', value: 'eva@example.nl', verified: true }],
  profile: { name: 'Eva', updatedAt },
  ...(level === undefined ? {} : { level }),
});

const FIELDS = 'level: String levels: [String]';

/** A gateway over a club with these records of Eva. Counts the calls. */
function club(
  records: readonly MemberRecord[],
  parts: Partial<SourceDefinition> = {},
  environment: Record<string, string> = {},
  fields = FIELDS,
) {
  const calls: string[] = [];
  const state = { records, isUnavailable: false };
  const by = (name: string) =>
    defineLoader<Client, string, readonly MemberRecord[]>({
      name,
      load: (keys) => {
        calls.push(name);
        if (state.isUnavailable)
          return Promise.reject(new SourceUnavailableError('club', 'club cannot be reached.'));
        return Promise.resolve(
          keys.map((key) =>
            name === 'byEmail' ? state.records : state.records.filter(({ id }) => id === key),
          ),
        );
      },
    });
  const identity: IdentityDeclaration<Client, MemberRecord> = {
    recordKey: 'memberId',
    foundBy: {
      email: { uniqueness: 'usual', loader: by('byEmail') },
      memberId: { uniqueness: 'enforced', loader: by('byId') },
    },
    yields: { email: 'one' },
    sameCustomer: () => true,
  };
  const clock = fakeClock();
  const { source, environment: sourceEnvironment } = localSource('club', {
    limits: { retries: 0 },
    freshness: { maxAge: '1 minute', staleIfError: '1 hour' },
    namespaces: [idNamespace('memberId', 'The id of the member.', /^m\d$/)],
    identity,
    resolvers: {
      Customer: {
        levels: async (customer: Customer) => (await customer.records(identity)).map(({ level }) => level),
      },
    },
    ...parts,
  });
  const gateway = createTestGateway(
    { ...sourceEnvironment, ...environment },
    {
      clock,
      sources: [source],
      sdl: {
        club: `type Customer @foundBy(identifier: "memberId") @personalData(category: NONE) { ${fields} }`,
      },
    },
  );
  opened.push(gateway);
  const query = (selection: string, headers: Record<string, string> = {}) =>
    gateway.query(`{ customer(by: { email: "eva@example.nl" }) { ${selection} } }`, {}, headers);
  return { gateway, calls, state, clock, query };
}

describe('a field of Customer that has no resolver', () => {
  test('is read from the record that found the customer, without another call', async () => {
    const { query, calls } = club([member('m1', 'GOLD')]);
    const { data, errors } = await query('level');
    expect(errors).toEqual([]);
    expect(data).toEqual({ customer: { level: 'GOLD' } });
    expect(calls).toEqual(['byEmail']);
  });

  test.each([
    ['null in the record', member('m1', null)],
    ['not in the record', member('m1')],
  ])('is null when it is %s', async (_, record) => {
    const { data, errors } = await club([record]).query('level');
    expect(errors).toEqual([]);
    expect(data).toEqual({ customer: { level: null } });
  });

  test('is the value of the record that changed last, if a customer has several records', async () => {
    const { query, calls } = club([
      member('m1', 'SILVER', '2026-01-01T00:00:00Z'),
      member('m2', 'GOLD', '2026-03-01T00:00:00Z'),
      member('m3', 'BRONZE'),
    ]);
    const { data, errors } = await query('level levels');
    expect(errors).toEqual([]);
    expect(data).toEqual({ customer: { level: 'GOLD', levels: ['GOLD', 'SILVER', 'BRONZE'] } });
    expect(calls).toEqual(['byEmail']);
  });

  test('is the value of the record with the first id if no record has a time of change', async () => {
    const { data } = await club([member('m2', 'GOLD'), member('m1', 'SILVER')]).query('level');
    expect(data).toEqual({ customer: { level: 'SILVER' } });
  });

  test('is null with the error of its system if that system cannot identify the customer', async () => {
    const { query, state } = club([member('m1', 'GOLD')]);
    state.isUnavailable = true;
    const { data, errors } = await query('level');
    expect(data).toEqual({ customer: null });
    expect(errors.map(({ extensions: { code } }) => code)).toEqual(['SOURCE_UNAVAILABLE']);
  });
});

describe('the age of a value from a record', () => {
  const sourceIn = (extensions: Record<string, unknown> | undefined) => at(extensions, 'sources', 'club');
  const details = { 'x-sources': '1' };

  test('is the age of the answer that found the customer', async () => {
    const { query, clock, calls, state } = club([member('m1', 'GOLD')]);
    expect(sourceIn((await query('level', details)).extensions)).toMatchObject({ status: 'live', age: 0 });
    state.records = [member('m1', 'SILVER')];
    clock.advance(59_000);
    const { data, extensions } = await query('level', details);
    expect(data).toEqual({ customer: { level: 'GOLD' } });
    expect(sourceIn(extensions)).toMatchObject({ status: 'cached', age: 59 });
    expect(calls).toEqual(['byEmail']);
    clock.advance(2_000);
    expect((await query('level')).data).toEqual({ customer: { level: 'SILVER' } });
  });

  test.each([{ 'cache-control': 'no-cache' }, { 'cache-control': 'max-age=5' }])(
    'does not exceed the maximum age of the caller: %j',
    async (headers) => {
      const { query, clock, calls, state } = club([member('m1', 'GOLD')]);
      await query('level');
      state.records = [member('m1', 'SILVER')];
      clock.advance(10_000);
      const { data, extensions } = await query('level', { ...headers, ...details });
      expect(data).toEqual({ customer: { level: 'SILVER' } });
      expect(sourceIn(extensions)).toMatchObject({ status: 'live', age: 0 });
      expect(calls).toEqual(['byEmail', 'byEmail']);
    },
  );

  test('does not exceed the maxAge that a setting gives the loader that finds customers', async () => {
    const { query, clock, state } = club(
      [member('m1', 'GOLD')],
      {},
      {
        CLUB_FRESHNESS: '{"loaders":{"byEmail":{"maxAge":"5 s"}}}',
      },
    );
    await query('level');
    state.records = [member('m1', 'SILVER')];
    clock.advance(6_000);
    expect((await query('level')).data).toEqual({ customer: { level: 'SILVER' } });
  });

  test('is stale while the system is unavailable, and is reported as stale', async () => {
    const { query, clock, state } = club([member('m1', 'GOLD')]);
    await query('level');
    clock.advance(120_000);
    state.isUnavailable = true;
    const { data, errors, extensions } = await query('level', details);
    expect(errors).toEqual([]);
    expect(data).toEqual({ customer: { level: 'GOLD' } });
    expect(sourceIn(extensions)).toMatchObject({ status: 'stale', age: 120 });
  });

  test('starts again after the customer is forgotten by any of its identifiers', async () => {
    const { query, gateway, state } = club([member('m1', 'GOLD')]);
    await query('level');
    state.records = [member('m1', 'SILVER')];
    await gateway.forget({ identifier: { namespace: 'memberId', value: 'm1' } });
    expect((await query('level')).data).toEqual({ customer: { level: 'SILVER' } });
  });
});

describe('a field of Customer that cannot be resolved', () => {
  test('is refused at start if its source has no customers', () => {
    const resolvers = { Customer: { levels: () => null } };
    expect(() => club([], { identity: undefined as never, namespaces: [], resolvers })).toThrow(
      'club declares Customer.level, which has no resolver. Add one, or declare identity',
    );
  });

  test('is refused at start if it has arguments', () => {
    expect(() => club([], {}, {}, `level(of: Int): String levels: [String]`)).toThrow(
      'club declares Customer.level with arguments, so it cannot be read from a record. Add a resolver.',
    );
  });
});

test('a field of Company without a resolver is refused at start if its source has no companies', () => {
  const sdl = `levels: [String] } type Company @foundBy(field: "kvkNumber") @personalData(category: COMPANY) { kvkNumber: String @personalData(category: COMPANY, mask: LAST_FOUR) rating: String`;
  expect(() => club([], {}, {}, sdl)).toThrow(
    "club declares Company.rating, which has no resolver. Add one, or declare companies if the field is in the source's record of the company.",
  );
});

test('records of an undeclared identity are a programming error, not an empty list', async () => {
  const stranger: IdentityDeclaration<Client> = { recordKey: 'memberId', foundBy: {}, yields: {} };
  const resolvers = {
    Customer: { levels: async (customer: Customer) => [(await customer.record(stranger))?.id ?? null] },
  };
  const { data, errors } = await club([member('m1', 'GOLD')], { resolvers }).query('levels');
  expect(data).toEqual({ customer: { levels: null } });
  expect(errors.map(({ extensions: { code } }) => code)).toEqual(['INTERNAL_SERVER_ERROR']);
});
