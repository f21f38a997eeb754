import { afterEach, describe, expect, it } from 'vitest';
import { createCallBudget, type CallBudget } from '../../../src/connect/call-budget.js';
import type { Draft, Finding } from '../../../src/connect/draft.js';
import { graphqlReaderKind } from '../../../src/connect/graphql/graphql-kind.js';
import type { Look, ReaderOptions, Target } from '../../../src/connect/reader.js';
import { startServer, type SmallServer } from '../../../src/testing/small-server.js';
import { CLUB_MEMBERS, CLUB_SDL, CLUB_TOKEN, clubSystem, type ClubRules } from './club.js';

let server: SmallServer | undefined;
afterEach(() => server?.close());

interface Connected {
  look: Look;
  draft: Draft;
  findings: readonly Finding[];
  budget: CallBudget;
}

const budgetOf = (maxCalls = 20) => createCallBudget({ maxCalls, intervalMs: 0 });

async function open(
  rules: ClubRules,
  target: Partial<Target> = {},
  options: Partial<ReaderOptions> = {},
): Promise<Awaited<ReturnType<typeof graphqlReaderKind.open>>> {
  const answer = clubSystem(rules);
  server = await startServer((request, response) => void answer(request, response));
  const what = `${server.url}/graphql`;
  return graphqlReaderKind.open({
    source: 'club',
    target: { what, url: new URL(what), ...target },
    environment: { CLUB_TOKEN, CLUB_URL: what },
    budget: budgetOf(),
    questions: { keys: () => Promise.resolve([]) },
    ...options,
  });
}

async function connect(
  rules: ClubRules = {},
  by = 'membersByIds(ids: $keys)',
  maxCalls = 20,
): Promise<Connected> {
  const budget = budgetOf(maxCalls);
  const reader = await open(rules, {}, { budget });
  const look = await reader.look();
  const candidate = look.candidates.find(({ name }) => name === by);
  if (candidate === undefined) throw new Error(`There is no ${by}.`);
  const { draft, findings } = await reader.measure(candidate);
  return { look, draft, findings, budget };
}

const textsOf = (findings: readonly Finding[]) => findings.map(({ text }) => text).join('\n');

describe('connecting a GraphQL system', () => {
  it('finds the fields that find one person, the best first', async () => {
    const reader = await open({});
    const { candidates, findings } = await reader.look();
    expect(candidates.map(({ name }) => name)).toEqual([
      'membersByIds(ids: $keys)',
      'member(id: $key)',
      'memberByEmail(email: $key)',
    ]);
    expect(candidates[0]?.evidence).toContain('a list of Member by a list of keys of the type ID');
    expect(textsOf(findings)).toContain('me returns a person and is not used: it has no argument');
  });

  it('drafts the source from the schema and from what it measured, with 20 calls that only read', async () => {
    const { draft, findings, budget } = await connect();
    expect(budget.used).toBeLessThanOrEqual(20);
    expect(server?.seen).toHaveLength(budget.used);
    for (const { body } of server?.seen ?? [])
      expect((JSON.parse(body) as { query: string }).query).toMatch(/^\s*query\b/);
    expect(draft.connect).toEqual({ graphql: '${CLUB_URL}', auth: { bearer: '${CLUB_TOKEN}' } });
    expect(Object.keys(draft.variables)).toEqual(['CLUB_URL', 'CLUB_TOKEN']);
    expect(Object.fromEntries(Object.entries(draft.calls).map(([name, { call }]) => [name, call]))).toEqual({
      byId: { field: 'membersByIds(ids: $keys)', key: 'id', maxBatch: 40 },
      byEmail: {
        field: 'memberByEmail(email: $key)',
        keys: 'String',
        key: 'email',
        matching: 'lower',
        maxBatch: 15,
      },
      payments: {
        field: 'member(id: $key).payments(first: 50, after: $after)',
        rows: 'edges.node',
        page: { maxItems: 200, maxPages: 5 },
      },
    });
    expect(draft.calls['byId']).toMatchObject({ key: 'id', findsCustomers: true, isUnique: false });
    expect(textsOf(findings)).toContain('membersByIds(ids: $keys) accepts 40 keys in one call.');
    expect(textsOf(findings)).toContain('an unknown key is answered with an empty list');
    expect(textsOf(findings)).toContain('memberByEmail(email: $key) is exact, but case-insensitive');
    expect(textsOf(findings)).toContain(
      'payments continues by its cursor: the next page has 20 other items.',
    );
  });

  it('makes the types of the record, with conversions, and leaves out what cannot be declared', async () => {
    const { draft, findings } = await connect();
    const shape = (type: Draft['customer'] | undefined) =>
      type?.fields.map(({ name, from, type: of, isList, isNullable }) =>
        [name, from, isList ? `[${of}]` : of, isNullable ? '' : '!'].join(' ').trim(),
      );
    expect(draft.customer.name).toBe('ClubMember');
    expect(shape(draft.customer)).toEqual([
      'id id ID !',
      'email email String',
      'phone phone String',
      'nameGiven name.given String',
      'nameFamily name.family String',
      'status status Enum !',
      'joinedAt joinedAt DateTime !',
      'birthDate birthDate Date',
      'points points Int',
      'address address ClubAddress',
      'payments payments [ClubPayment] !',
      'badges badges [ClubBadge] !',
      'clubName club.name String',
    ]);
    expect(draft.customer.fields.find(({ name }) => name === 'email')).toMatchObject({
      description: 'Where letters are sent.',
    });
    expect(draft.customer.fields.find(({ name }) => name === 'status')?.values).toEqual(['ACTIVE', 'ENDED']);
    expect(draft.customer.fields.find(({ name }) => name === 'payments')?.call).toEqual({
      name: 'payments',
      key: 'id',
      order: ['-paidAt', 'number'],
    });
    expect(draft.types['ClubPayment']?.fields.find(({ name }) => name === 'total')).toMatchObject({
      from: 'total.amount',
      type: 'Money',
      conversion: { money: { currency: { from: 'total.currency' } } },
    });
    expect(shape(draft.types['ClubAddress'])).toEqual([
      'id id ID !',
      'street street String',
      'postcode postcode String',
      'city city String',
    ]);
    expect(textsOf(findings)).toContain('the values of the scalar Anything have several types: Member.extra');
    expect(textsOf(findings)).toContain('it needs an argument: Member.picture');
    expect(textsOf(findings)).toContain('the system will remove it: Member.oldNumber');
    expect(textsOf(findings)).toContain('it refers back to its own type: Address.member');
  });

  it('records the rows by key', async () => {
    const { draft } = await connect();
    const [first] = CLUB_MEMBERS;
    const { recorded } = draft.calls['byId'] ?? {};
    expect(Object.keys(recorded?.answers ?? {})).toHaveLength(20);
    expect(recorded?.answers[first?.id ?? '']).toMatchObject([{ id: first?.id, email: first?.email }]);
    expect(draft.calls['payments']?.recorded?.answers[first?.id ?? '']).toHaveLength(70);
    expect(recorded?.latencyMs?.p50).toBeGreaterThan(0);
    expect(draft.system?.description).toContain('type Member');
  });

  it.each([1, 7, 20, 25, 33, 50, 100, 249])(
    'measures that %i keys are the limit of a list',
    async (maxKeys) => {
      const { draft, budget } = await connect({ maxKeys });
      expect(draft.calls['byId']?.call).toMatchObject({ maxBatch: maxKeys });
      expect(budget.used).toBeLessThanOrEqual(20);
    },
  );

  it('finds the limit of a list that is cut off without an error', async () => {
    const { draft } = await connect({ maxKeys: 25, cutsOff: true });
    expect(draft.calls['byId']?.call).toMatchObject({ maxBatch: 25 });
  });

  it('reports a limit that it could not measure exactly', async () => {
    const { draft, findings } = await connect({ maxKeys: 33 }, undefined, 9);
    expect(Number((draft.calls['byId']?.call as { maxBatch?: number }).maxBatch)).toBeLessThanOrEqual(33);
    expect(textsOf(findings)).toContain('It may be more: there were no calls left');
  });

  it('declares the code with which the system reports an unknown key', async () => {
    const { draft } = await connect({ unknownKeyCode: 'NO_SUCH_MEMBER' }, 'member(id: $key)');
    expect(draft.connect).toMatchObject({ errors: { NO_SUCH_MEMBER: 'nothing' } });
    expect(draft.calls['byId']).toMatchObject({ isUnique: true, call: { maxBatch: 15 } });
  });

  it('refuses a field that answers an unknown key with a general error', async () => {
    await expect(connect({ unknownKeyCode: 'INTERNAL_SERVER_ERROR' }, 'member(id: $key)')).rejects.toThrow(
      'a missing record looks like a failure',
    );
  });

  it('refuses a system that returns a record for an unknown key', async () => {
    await expect(connect({ returnsOtherRecord: true }, 'member(id: $key)')).rejects.toThrow(
      'returned a record for an unknown key',
    );
  });

  it('does not use a field that finds a person by a similar key', async () => {
    const { draft, findings } = await connect({ findsSimilar: true });
    expect(Object.keys(draft.calls)).toEqual(['byId', 'payments']);
    expect(textsOf(findings)).toContain('finds a person by a part of the key');
  });

  it('requests pages of the size that the system accepts', async () => {
    const { draft } = await connect({ maxPage: 25 });
    expect(draft.calls['payments']?.call).toMatchObject({
      field: 'member(id: $key).payments(first: 25, after: $after)',
    });
  });

  it('declares the points of a system that counts the cost of calls', async () => {
    const { draft } = await connect({ hasPoints: true });
    expect(draft.connect).toMatchObject({
      points: {
        cost: 'cost.requestedQueryCost',
        available: 'cost.throttleStatus.currentlyAvailable',
        perSecond: 'cost.throttleStatus.restoreRate',
      },
      errors: { THROTTLED: 'rate-limited' },
    });
  });

  it('explains how to pass the schema if introspection is off, and reads it from a file', async () => {
    const reader = await open({ hasIntrospection: false });
    await expect(reader.look()).rejects.toThrow(
      'its introspection is off (INTROSPECTION_DISABLED). Save its schema as SDL',
    );
    await server?.close();
    const fromFile = await open({ hasIntrospection: false }, { path: '/x/club.graphql', text: CLUB_SDL });
    const { candidates } = await fromFile.look();
    expect(server?.seen).toHaveLength(0);
    const [best] = candidates;
    if (best === undefined) throw new Error('There is no candidate.');
    const { draft, values } = await fromFile.measure(best);
    expect(draft.calls['byId']?.call).toMatchObject({ maxBatch: 40 });
    expect(values).toMatchObject({ CLUB_TOKEN });
  });

  it('names the variable of the credentials if they are refused, and never their value', async () => {
    const reader = await open({}, {}, { environment: { CLUB_TOKEN: 'wrong-secret' } });
    const error: unknown = await reader.look().catch((thrown: unknown) => thrown);
    expect(String(error)).toContain('Set CLUB_TOKEN');
    expect(String(error)).not.toContain('wrong-secret');
  });

  it('writes no credential and no key into the findings', async () => {
    const { findings, look } = await connect();
    const text = textsOf([...findings, ...look.findings]);
    for (const { id, email } of CLUB_MEMBERS) {
      expect(text).not.toContain(id);
      expect(text).not.toContain(email);
    }
    expect(text).not.toContain(CLUB_TOKEN);
  });
});
