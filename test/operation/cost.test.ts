import fc from 'fast-check';
import {
  buildSchema,
  getNamedType,
  getNullableType,
  isAbstractType,
  isLeafType,
  isListType,
  isObjectType,
  Kind,
  parse,
  validate,
  valueFromASTUntyped,
  type ArgumentNode,
  type ConstDirectiveNode,
  type DocumentNode,
  type FieldNode,
  type GraphQLObjectType,
  type SelectionSetNode,
} from 'graphql';
import { afterAll, describe, expect, test } from 'vitest';
import { createBudgets } from '../../src/operation/budgets.js';
import { createCostPlanner, type Cost, type CostPlanner } from '../../src/operation/cost.js';
import { operationIn } from '../../src/selections.js';
import { readCosts } from '../../src/stitching/costs.js';
import { readSdl } from '../../src/stitching/sdl.js';
import { createTestGateway } from '../support/gateway.js';
import { generateOperations } from '../support/operations.js';
import { directSettings } from '../support/stand-ins.js';

const gateway = createTestGateway(directSettings());
afterAll(() => gateway.close());
const { schema } = gateway;
const planner = createCostPlanner(schema, readCosts(readSdl(gateway.sources, {}, [])));

/** Computes the cost of an operation. Its `@skip` and `@include` may use any of its variables. */
function costWith(plan: CostPlanner, document: DocumentNode, variables: Record<string, unknown> = {}): Cost {
  const parts = operationIn(document);
  if (parts === undefined) throw new Error('no operation');
  return plan(parts, Object.keys(variables))(variables);
}

const emails = (count: number) => Array.from({ length: count }, (_, i) => ({ email: `c${i}@example.nl` }));
const operations = generateOperations(schema, {
  maxDepth: 8,
  maxFields: 4,
  pages: [1, 7, 100],
  customers: emails(30),
  customer: { email: 'c@example.nl' },
});

/**
 * A second implementation of the cost, from the descriptions of `@cost` and `@listSize`. It expands an operation
 * completely, and shares no code with the engine.
 */
function expectedCost(document: DocumentNode, variables: Record<string, unknown>): number {
  const query = schema.getQueryType();
  if (query == null) throw new Error('The schema has no queries.');
  const sets = new Map<string, SelectionSetNode>();
  let root: SelectionSetNode | undefined;
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION)
      sets.set(definition.name.value, definition.selectionSet);
    if (definition.kind === Kind.OPERATION_DEFINITION) root = definition.selectionSet;
  }
  const fieldsOf = (type: GraphQLObjectType, set: SelectionSetNode | undefined): FieldNode[] =>
    (set?.selections ?? []).flatMap((selectionNode) => {
      if (selectionNode.kind === Kind.FIELD) return [selectionNode];
      const name = selectionNode.kind === Kind.FRAGMENT_SPREAD ? selectionNode.name.value : undefined;
      const condition =
        selectionNode.kind === Kind.INLINE_FRAGMENT ? selectionNode.typeCondition?.name.value : undefined;
      if (condition !== undefined && condition !== type.name) return [];
      return fieldsOf(
        type,
        name === undefined
          ? (selectionNode as { selectionSet: SelectionSetNode }).selectionSet
          : sets.get(name),
      );
    });
  const ofObject = (
    type: GraphQLObjectType,
    set: SelectionSetNode | undefined,
    sized: ReadonlyMap<string, number>,
  ): number => {
    const fieldsByName = new Map(fieldsOf(type, set).map((node) => [(node.alias ?? node.name).value, node]));
    let total = type === query ? 0 : (weightIn(type.astNode?.directives) ?? 1);
    for (const node of fieldsByName.values()) total += ofField(type, node, sized);
    return total;
  };
  const ofField = (type: GraphQLObjectType, node: FieldNode, sized: ReadonlyMap<string, number>): number => {
    const field = type.getFields()[node.name.value];
    if (field === undefined) return 0;
    const declared = field.astNode?.directives;
    const weight = weightIn(declared) ?? 0;
    const out = getNamedType(field.type);
    if (isLeafType(out)) return weight;
    const listSize = declared?.find(({ name }) => name.value === 'listSize');
    const argumentValue = (name: string): unknown => {
      const value = node.arguments?.find((argument) => argument.name.value === name)?.value;
      return value === undefined
        ? field.args.find((arg) => arg.name === name)?.defaultValue
        : valueFromASTUntyped(value, variables);
    };
    const lengths = textsOf(listSize, 'slicingArguments').flatMap((name) => {
      const value = argumentValue(name);
      return value == null ? [] : Array.isArray(value) ? value.length : Number(value);
    });
    const assumed = Number(argumentOf(listSize, 'assumedSize') ?? 10);
    const size = lengths.length > 0 ? Math.max(...lengths) : assumed;
    const sizedFields = textsOf(listSize, 'sizedFields');
    const inner = new Map(sizedFields.map((name) => [name, size]));
    const times = isListType(getNullableType(field.type)) ? (sized.get(field.name) ?? size) : 1;
    const possible = isObjectType(out) ? [out] : isAbstractType(out) ? schema.getPossibleTypes(out) : [];
    return weight + times * Math.max(...possible.map((type) => ofObject(type, node.selectionSet, inner)));
  };
  return ofObject(query, root, new Map());
}

function argumentOf(directive: ConstDirectiveNode | undefined, name: string): unknown {
  const found: ArgumentNode | undefined = directive?.arguments?.find(
    (argument) => argument.name.value === name,
  );
  return found === undefined ? undefined : valueFromASTUntyped(found.value);
}

function textsOf(directive: ConstDirectiveNode | undefined, name: string): string[] {
  const value = argumentOf(directive, name);
  return (Array.isArray(value) ? value : value === undefined ? [] : [value]).map(String);
}

function weightIn(directives: readonly ConstDirectiveNode[] | undefined): number | undefined {
  const weight = argumentOf(
    directives?.find(({ name }) => name.value === 'cost'),
    'weight',
  );
  return weight === undefined ? undefined : Number(weight);
}

const costOf = (query: string, variables: Record<string, unknown> = {}): number =>
  costWith(planner, parse(query), variables).requested;
const ORDERS = 'query ($n: Int!) { customer(by: {email: "a"}) { orders(first: $n) { nodes { number } } } }';

describe('the maximum cost of an operation', () => {
  test('equals that of a second implementation, for generated operations', () => {
    let long = 0;
    fc.assert(
      fc.property(operations, ({ query, variables }) => {
        const document = parse(query);
        fc.pre(validate(schema, document).length === 0);
        const wanted = expectedCost(document, variables);
        if (wanted > 1_000) long++;
        expect(costWith(planner, document, variables).requested).toBe(wanted);
      }),
      { numRuns: 200 },
    );
    expect(long).toBeGreaterThan(50);
  });

  test('grows with the page and with the list of customers, as literals and as variables', () => {
    const literal = (n: number) =>
      costOf(ORDERS.replace('$n: Int!', '$x: Int').replace('$n', JSON.stringify(n)));
    expect([1, 10, 100].map((n) => costOf(ORDERS, { n }))).toEqual([1, 10, 100].map(literal));
    expect(literal(100) - literal(10)).toBe(90 * (literal(2) - literal(1)));
    const many = 'query ($by: [CustomerKey!]!) { customers(by: $by) { name } }';
    expect(costOf(many, { by: emails(1_000) })).toBe(1_000 * costOf(many, { by: emails(1) }));
  });

  test('is the highest for an invalid page size', () => {
    const most = costOf(ORDERS, { n: 100 });
    for (const n of [0, -1, -1e9, 1e9, 101, 0.5, NaN, '3', null, undefined, {}, []])
      expect(costOf(ORDERS, { n }), JSON.stringify(n)).toBeGreaterThanOrEqual(
        n === null || n === undefined ? 0 : most,
      );
  });

  test('counts merged fields once', () => {
    const once = costOf('{ customer(by: {email: "a"}) { orders(first: 9) { nodes { number placedAt } } } }');
    const twice = `{ customer(by: {email: "a"}) { orders(first: 9) { nodes { number } } ...F } }
      fragment F on Customer { orders(first: 9) { ...G nodes { number } } }
      fragment G on OrderConnection { nodes { placedAt } }`;
    expect(costOf(twice)).toBe(once);
  });

  test('counts only the fields that @skip and @include select', () => {
    const query = `query ($in: Boolean! = false) { customer(by: {email: "a"}) { name
      orders(first: 100) @include(if: $in) { nodes { number } } ... @skip(if: $in) { name } } }`;
    const without = costOf('{ customer(by: {email: "a"}) { name } }');
    expect(costOf(query)).toBe(without);
    expect(costOf(query, { in: false })).toBe(without);
    expect(costOf(query, { in: true })).toBeGreaterThan(without + 100);
    expect(costOf(query)).toBe(without);
  });

  test('exceeds all limits if fragments multiply, and is computed quickly', () => {
    const endless = buildSchema('type Query { a: A } type A { list: [A!]! one: A name: String }');
    const planner = createCostPlanner(endless, new Map());
    for (const field of ['list', 'one']) {
      const doubling = Array.from(
        { length: 60 },
        (_, i) => `fragment F${i} on A { x: ${field} { ...F${i + 1} } y: ${field} { ...F${i + 1} } }`,
      );
      const query = `{ a { ...F0 } } ${doubling.join('\n')} fragment F60 on A { name }`;
      expect(costWith(planner, parse(query)).requested).toBe(Number.MAX_SAFE_INTEGER);
    }
  });

  test('names the field with the highest cost', () => {
    const query = '{ customer(by: {email: "a"}) { name orders(first: 100) { nodes { number } } } }';
    expect(costWith(planner, parse(query)).mostExpensiveField()).toBe('customer.orders.nodes');
  });
});

describe('the actual cost of an answer', () => {
  const cost = costWith(
    planner,
    parse('{ customer(by: {email: "a"}) { orders(first: 100) { nodes { lines { sku } } } } }'),
  );
  const orders = (count: number, lines: number) => ({
    customer: {
      orders: {
        nodes: Array.from({ length: count }, () => ({
          lines: Array.from({ length: lines }, () => ({ sku: 'x' })),
        })),
      },
    },
  });

  test('grows with the data of the answer', () => {
    const [free, single, double] = [0, 1, 2].map((count) => cost.actual(orders(count, 0)));
    expect((double ?? 0) - (single ?? 0)).toBe((single ?? 0) - (free ?? 0));
    expect(cost.actual(orders(1, 7)) - (single ?? 0)).toBe(7);
    expect(cost.actual({ customer: null })).toBeLessThan(free ?? 0);
  });

  test('is never higher than the maximum cost', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(60), (count, lines) => {
        expect(cost.actual(orders(count, lines))).toBeLessThanOrEqual(cost.requested);
      }),
    );
  });

  test('is the maximum cost if there is no data', () => {
    expect(cost.actual(null)).toBe(cost.requested);
    expect(cost.actual(undefined)).toBe(cost.requested);
  });
});

describe('a budget', () => {
  const MINUTE = 60_000;
  const setUp = (start = 5 * MINUTE) => {
    const clock = { at: start, now: () => clock.at };
    return { clock, budgets: createBudgets({ clock }) };
  };

  test('limits the points of a minute, reports when the next minute begins, and then starts again', () => {
    const { clock, budgets } = setUp(5 * MINUTE + 12_300);
    for (const left of [60, 20]) {
      const charge = budgets.charge('a', 40, 100);
      expect('settle' in charge && charge.settle(40)).toBe(left);
    }
    expect(budgets.charge('a', 40, 100)).toEqual({ spent: 80, retryAfter: 48 });
    expect(budgets.charge('b', 40, 100)).toHaveProperty('settle');
    clock.at = 6 * MINUTE - 1;
    expect(budgets.charge('a', 40, 100)).toEqual({ spent: 80, retryAfter: 1 });
    clock.at = 6 * MINUTE;
    expect(budgets.charge('a', 40, 100)).toHaveProperty('settle');
  });

  test('refunds the points that an operation did not need, but only within the same minute', () => {
    const { clock, budgets } = setUp();
    const first = budgets.charge('a', 100, 100);
    expect(budgets.charge('a', 1, 100)).toMatchObject({ spent: 100 });
    expect('settle' in first && first.settle(30)).toBe(70);
    const late = budgets.charge('a', 70, 100);
    clock.at += MINUTE;
    budgets.charge('a', 100, 100);
    if ('settle' in late) late.settle(0);
    expect(budgets.charge('a', 1, 100)).toMatchObject({ spent: 100 });
  });

  test('is never exceeded, for any charges and settlements', () => {
    const step = fc.record({
      caller: fc.constantFrom('a', 'b'),
      points: fc.nat(60),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
      wait: fc.nat(20_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { clock, budgets } = setUp();
        const spent = new Map<string, number>();
        for (const { caller, points, part, wait } of steps) {
          clock.at += wait;
          const key = `${caller} ${Math.floor(clock.at / MINUTE)}`;
          const before = spent.get(key) ?? 0;
          const charge = budgets.charge(caller, points, 100);
          expect('settle' in charge).toBe(before + points <= 100);
          if (!('settle' in charge)) continue;
          const actual = Math.floor(points * part);
          expect(charge.settle(actual)).toBe(100 - before - actual);
          spent.set(key, before + actual);
        }
      }),
    );
  });

  test('is shared by instances, and counted locally without Redis', async () => {
    const clock = { now: () => 5 * MINUTE };
    const totals = new Map<string, number>();
    const shared = {
      isUnavailable: false,
      count: (key: string, _ttlMs: number, amount = 1): Promise<number> => {
        if (shared.isUnavailable) return Promise.reject(new Error('disconnected'));
        totals.set(key, (totals.get(key) ?? 0) + amount);
        return Promise.resolve(totals.get(key) ?? 0);
      },
    };
    const [first, second] = [createBudgets({ clock, shared }), createBudgets({ clock, shared })];
    first.charge('a', 60, 100);
    await Promise.resolve();
    second.charge('a', 10, 100);
    await Promise.resolve();
    expect(second.charge('a', 40, 100)).toMatchObject({ spent: 70 });
    shared.isUnavailable = true;
    expect(second.charge('a', 30, 100)).toHaveProperty('settle');
    await Promise.resolve();
    expect(second.charge('a', 1, 100)).toMatchObject({ spent: 100 });
    expect(first.charge('a', 40, 100)).toHaveProperty('settle');
  });

  test('separates the points of other instances from charges during a count in flight', async () => {
    const totals: ((total: number) => void)[] = [];
    const shared = { count: () => new Promise<number>((resolve) => totals.push(resolve)) };
    const budgets = createBudgets({ clock: { now: () => 5 * MINUTE }, shared });
    budgets.charge('a', 10, 100);
    budgets.charge('a', 20, 100);
    // The first count shows that the other instances have spent 50 points.
    totals[0]?.(60);
    await Promise.resolve();
    expect(budgets.charge('a', 21, 100)).toMatchObject({ spent: 80 });
  });
});
