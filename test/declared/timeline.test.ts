import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { declaredSource } from '../../src/index.js';
import { startServer, type SmallServer } from '../connectors/server.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { createTestGateway, LONG_TIMEOUT } from '../support/gateway.js';
import { listAt } from '../support/read.js';
import { SCHOOL_SDL, SCHOOL_YAML } from './driving-school.js';
import { answerAsWarranty, compiled, WARRANTY_SDL, WARRANTY_SETTINGS, WARRANTY_YAML } from './warranty.js';

const LIST =
  '  Customer.repairs: { kind: REPAIR, at: startedAt, id: code, title: "Repair {code}", amount: cost, status: state }\n';
const WARRANTIES =
  '  Customer.warranties: { kind: END_OF_WARRANTY, at: until, id: number, title: "{number}" }\n';
const YAML = `${WARRANTY_YAML.replace(
  'fields:\n',
  `fields:
  Customer.repairs: { call: repairs, order: [-startedAt, code] }
  Customer.warranties: { call: byId }
  Repair.state: { from: code, enum: { R00000001-4: OPEN, R00000001-3: DONE, R00000001-2: DONE, R00000001-1: DONE, R00000001-0: DONE } }
`,
)}timeline:\n${LIST}`;
const RULES =
  '@purpose(any: [SERVICE, CUSTOMER_CARE]) @requiresScopes(scopes: [["orders:read", "tickets:read"]])';
const SDL = `${WARRANTY_SDL.replace(
  'type Customer {',
  `type Customer {
  "Repairs, the newest first."
  repairs("How many, 1 to 100." first: Int! = 10 "The endCursor of the page before." after: String): RepairConnection
    @personalData(category: TRANSACTION) ${RULES}
  "All warranties."
  warranties: [Warranty!] @personalData(category: TRANSACTION) @requiresScopes(scopes: [["orders:read"]])`,
).replace('  code: ID!', '  code: ID!\n  "Its state."\n  state: RepairState')}
"The state of a repair."
enum RepairState {
  "Under way."
  OPEN
  "Done."
  DONE
}

extend enum TimelineKind {
  "A repair began."
  REPAIR ${RULES}
  "A warranty ends."
  END_OF_WARRANTY @requiresScopes(scopes: [["orders:read"]])
}
`;

describe('a timeline of a declared list', () => {
  let system: SmallServer;
  const open = (yaml: string, settings: Record<string, string> = {}) => {
    const { source, sdl } = compiled(yaml, SDL);
    return createTestGateway(
      { WARRANTY_URL: system.url, ...WARRANTY_SETTINGS, ...settings },
      {
        sources: [{ ...source, limits: { ...source.limits, timeout: LONG_TIMEOUT } }],
        sdl: { warranty: sdl },
      },
    );
  };
  beforeAll(async () => {
    system = await startServer(answerAsWarranty);
  });
  afterAll(() => system.close());

  const query = `query ($kinds: [TimelineKind!]) { customer(by: { registrationId: "R00000001" }) {
    timeline(first: 3, kinds: $kinds) {
      nodes { kind happenedAt recordId title status amount { amount currency } } missing { source } } } }`;
  const itemsOf = ({ data }: { data: unknown }) => listAt(data, 'customer', 'timeline', 'nodes');

  it('shows its items, the newest first', async () => {
    const gateway = open(YAML);
    const answer = await gateway.query(query);
    expect(answer.errors).toEqual([]);
    expect(itemsOf(answer)).toEqual([
      {
        kind: 'REPAIR',
        happenedAt: '2026-06-15T10:00:00.000Z',
        recordId: 'R00000001-4',
        title: 'Repair R00000001-4',
        status: 'OPEN',
        amount: { amount: '10.09', currency: 'EUR' },
      },
      expect.objectContaining({ recordId: 'R00000001-3', status: 'DONE' }),
      expect.objectContaining({ recordId: 'R00000001-2' }),
    ]);
    await gateway.close();
  });

  it('names the kind in the ids of a source with several lists, and shows a day as its beginning', async () => {
    // The number is not masked here, because it is the record key of the customer.
    const yaml = `${YAML}${WARRANTIES}`;
    const sdl = SDL.replace(
      'number: ID! @personalData(category: TRANSACTION, mask: LAST_FOUR)',
      'number: ID!',
    );
    const { source, sdl: shown } = compiled(yaml, sdl);
    const gateway = createTestGateway(
      { WARRANTY_URL: system.url, ...WARRANTY_SETTINGS },
      { sources: [source], sdl: { warranty: shown } },
    );
    const answer = await gateway.query(query);
    expect(answer.errors).toEqual([]);
    expect(itemsOf(answer)).toMatchObject([
      {
        kind: 'END_OF_WARRANTY',
        happenedAt: '2030-01-31T00:00:00.000Z',
        recordId: 'END_OF_WARRANTY-R00000001',
        title: 'R00000001',
        amount: null,
      },
      { kind: 'REPAIR', recordId: 'REPAIR-R00000001-4' },
      { kind: 'REPAIR', recordId: 'REPAIR-R00000001-3' },
    ]);
    const repairs = await gateway.query(query, { kinds: ['REPAIR'] });
    expect(itemsOf(repairs)).toMatchObject([{ kind: 'REPAIR' }, { kind: 'REPAIR' }, { kind: 'REPAIR' }]);
    await gateway.close();
  });

  it('omits its items without reading them for a purpose that the list refuses', async () => {
    const gateway = open(YAML, { ...CALLER_SETTINGS, AUDIT_FILE: '/dev/null' });
    const list = '{ customer(by: { registrationId: "R00000001" }) { repairs { nodes { code } } } }';
    const allowed = await headersOf('operator');
    expect(itemsOf(await gateway.query(query, {}, allowed))).toHaveLength(3);
    const headers = await headersOf('operator', { purpose: 'ANALYTICS' });
    system.seen.length = 0;
    expect(await gateway.query(list, {}, headers)).toMatchObject({
      data: { customer: { repairs: null } },
      errors: [{ extensions: { code: 'FORBIDDEN' } }],
    });
    const answer = await gateway.query(query, {}, headers);
    expect(answer.errors).toEqual([]);
    expect(itemsOf(answer)).toEqual([]);
    expect(system.seen.filter(({ url }) => url.includes('repairs'))).toEqual([]);
    const requested = await gateway.query(query, { kinds: ['REPAIR'] }, headers);
    expect(requested.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
    await gateway.close();
  });

  it('lists the source in "missing" if the list fails', async () => {
    const gateway = open(YAML.replace('rows: items', 'rows: meta'));
    const { data } = await gateway.query(query);
    expect(listAt(data, 'customer', 'timeline', 'nodes')).toEqual([]);
    expect(listAt(data, 'customer', 'timeline', 'missing')).toEqual([{ source: 'WARRANTY' }]);
    await gateway.close();
  });
});

function problemsOf(yaml: string, sdl: string) {
  const result = declaredSource({ file: 'a.yaml', yaml, sdlFile: 'a.graphql', sdl });
  return 'problems' in result ? result.problems : [];
}

interface Mistake {
  what: string;
  replace: [from: string | RegExp, to: string];
  /** A replacement in the SDL, instead of the YAML. */
  inSdl?: boolean;
  problem: RegExp;
  remedy: RegExp;
}

const MISTAKES: Mistake[] = [
  {
    what: 'a list that is not declared',
    replace: ['Customer.repairs: { kind', 'Customer.repair: { kind'],
    problem: /"Customer\.repair" is not a list of Customer/,
    remedy: /Did you mean "Customer\.repairs"\?/,
  },
  {
    what: 'a field that is not a list',
    replace: ['Customer.repairs: { kind', 'Customer.warranty: { kind'],
    problem: /"Customer\.warranty" is not a list of Customer/,
    remedy: /Did you mean|Declare the list/,
  },
  {
    what: 'a list of another type',
    replace: ['Customer.repairs: { kind', 'Warranty.repairs: { kind'],
    problem: /"Warranty\.repairs" is not a list of Customer/,
    remedy: /Declare the list/,
  },
  {
    what: 'an unknown member',
    replace: ['title: "Repair', 'titel: "Repair'],
    problem: /"titel" is not known here/,
    remedy: /Did you mean "title"\?/,
  },
  {
    what: 'no moment',
    replace: ['at: startedAt, ', ''],
    problem: /"timeline\.Customer\.repairs\.at" is missing/,
    remedy: /a field of the items/,
  },
  {
    what: 'a time field that the items do not have',
    replace: ['at: startedAt', 'at: startAt'],
    problem: /Repair has no field "startAt"/,
    remedy: /Did you mean "startedAt"\?/,
  },
  {
    what: 'a time field of another type',
    replace: ['at: startedAt', 'at: cost'],
    problem: /"Repair\.cost" cannot be the at of an item/,
    remedy: /DateTime or Date/,
  },
  {
    what: 'an id that may be null',
    replace: ['  code: ID!', '  code: ID'],
    inSdl: true,
    problem: /"Repair\.code" may be null/,
    remedy: /non-null/,
  },
  {
    what: 'an amount that is not money',
    replace: ['amount: cost', 'amount: code'],
    problem: /"Repair\.code" cannot be the amount/,
    remedy: /Money/,
  },
  {
    what: 'a title with an unknown field',
    replace: ['{code}"', '{cod}"'],
    problem: /Repair has no field "cod"/,
    remedy: /Did you mean "code"\?/,
  },
  {
    what: 'a title without braces',
    replace: ['"Repair {code}"', 'code'],
    problem: /title of each item would be the text "code"/,
    remedy: /"\{code\}"/,
  },
  {
    what: 'an unknown kind',
    replace: ['kind: REPAIR', 'kind: REPAIRS'],
    problem: /"REPAIRS" is not a value of TimelineKind/,
    remedy: /Did you mean "REPAIR"\?/,
  },
  {
    what: 'a kind that more callers may see',
    replace: [/(REPAIR @purpose.*\]\)) @requires.*/, '$1 @requiresScopes(scopes: [["orders:read"]])'],
    inSdl: true,
    problem: /More callers may see the kind REPAIR than "Customer\.repairs"/,
    remedy: /@requiresScopes\(scopes: \[\["orders:read","tickets:read"\]\]\)/,
  },
  {
    what: 'a kind without scopes',
    replace: [/(REPAIR @purpose.*\]\)) @requires.*/, '$1'],
    inSdl: true,
    problem: /More callers may see the kind REPAIR/,
    remedy: /@requiresScopes/,
  },
  {
    what: 'a kind for more purposes',
    replace: [/REPAIR @purpose\(any: \[SERVICE/, 'REPAIR @purpose(any: [SERVICE, ANALYTICS'],
    inSdl: true,
    problem: /REPAIR is available for more purposes than "Customer\.repairs"/,
    remedy: /@purpose\(any: \[SERVICE, CUSTOMER_CARE\]\)/,
  },
  {
    what: 'a kind for more purposes than one of its fields',
    replace: ['  cost: Money', '  cost: Money @purpose(any: [SERVICE])'],
    inSdl: true,
    problem: /REPAIR is available for more purposes than "Repair\.cost"/,
    remedy: /@purpose\(any: \[SERVICE\]\)/,
  },
  {
    what: 'the kind of another list, which is for more purposes',
    replace: ['kind: REPAIR', 'kind: TICKET'],
    problem: /TICKET is available for more purposes than "Customer\.repairs"/,
    remedy: /to TICKET/,
  },
  {
    what: 'a masked id',
    replace: ['  code: ID!', '  code: ID! @personalData(category: TRANSACTION, mask: LAST_FOUR)'],
    inSdl: true,
    problem: /"Repair\.code" is masked for some callers, and the id of an item is not/,
    remedy: /another field/,
  },
  {
    what: 'a list that may be truncated',
    replace: ['maxItems: 50', 'maxItems: 50, acceptPart: true'],
    problem: /may be cut off/,
    remedy: /Remove acceptPart/,
  },
];

describe('the timeline of a declared source', () => {
  test('has no problems in the example', () => {
    expect(problemsOf(YAML, SDL)).toEqual([]);
  });

  test.each(MISTAKES)(
    'is refused with its line and a remedy if it has $what',
    ({ replace: [from, to], inSdl = false, problem, remedy }) => {
      const change = (text: string) => {
        const changed = text.replace(from, to);
        expect(changed).not.toBe(text);
        return changed;
      };
      const problems = inSdl ? problemsOf(YAML, change(SDL)) : problemsOf(change(YAML), SDL);
      const found = problems.find(
        (reported) => problem.test(reported.problem) && remedy.test(reported.remedy),
      );
      expect(found, JSON.stringify(problems, null, 1)).toMatchObject({
        file: 'a.yaml',
        line: YAML.slice(0, YAML.indexOf(LIST)).split('\n').length,
      });
    },
  );

  test('is refused if the system finds pages in another order', () => {
    const yaml = SCHOOL_YAML.replace('order: [-startsAt, number]', 'order: [-number, number]');
    expect(problemsOf(yaml, SCHOOL_SDL)).toContainEqual(
      expect.objectContaining({
        problem: 'The pages of "Customer.lessons" are not in the order of the timeline.',
        remedy: 'Write order: [-startsAt, number].',
      }),
    );
  });
});
