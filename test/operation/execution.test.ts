import { makeExecutableSchema } from '@graphql-tools/schema';
import fc from 'fast-check';
import {
  GraphQLScalarType,
  print,
  responsePathAsArray,
  type ExecutionArgs,
  type GraphQLResolveInfo,
} from 'graphql';
import { createYoga } from 'graphql-yoga';
import { describe, expect, test } from 'vitest';
import { SourceUnavailableError } from '../../src/errors.js';
import { formatError } from '../../src/operation/errors.js';
import { executeByInterpreter, executeByPlan } from '../../src/operation/execution.js';
import { coerceVariables } from '../../src/operation/variables.js';
import {
  decorateOperations,
  SPECIAL_NAMES,
  VARIABLES,
  type GeneratedVariable,
} from '../support/decorate-operations.js';
import { generateOperations } from '../support/operations.js';
import { preparerFor } from '../support/preparer.js';
import { runCount } from '../support/thorough.js';

/**
 * Compares plans with Yoga's executor, on a schema whose resolvers fail in all possible ways. A resolver depends only on
 * the path in the answer and on `seed`, so both executions receive the same values.
 */

const typeDefs = /* GraphQL */ `
  scalar Odd
  input CustomerKey @oneOf {
    email: String
    id: ID
  }
  input Filter {
    text: String = "standard"
    number: Int! = 4
    all: [Filter!]
  }
  enum Colour {
    RED
    BLUE
  }
  type Query {
    thing: Thing
    things: [Thing!]
    perhaps: [Thing]!
    nested: [[Thing!]!]
    either: Either
    named: [Named]
    certain: Thing!
    calm: Thing!
    sudden(only: Odd!): [Thing!]
    scattered: [Thing!]
    customer(by: CustomerKey!): Thing
  }
  interface Named {
    name: String
    strict: String!
  }
  union Either = Thing | Other
  type Thing implements Named {
    name: String
    strict: String!
    odd: Odd
    colour: Colour
    numbers: [Int!]
    thing: Thing
    certain: Thing!
    others: [Other!]!
    either: Either
    named: Named
    overwrites(text: String): String
    echo(text: String! = "standard", filter: Filter, numbers: [Int!], colours: [Colour!]): String
  }
  type Other implements Named {
    name: String
    strict: String!
    odd: Odd!
    things(first: Int! = 2): [Thing]
    info: String
  }
`;

const oddScalar = new GraphQLScalarType({
  name: 'Odd',
  serialize: (value) => {
    if (value === 'unlucky') throw new Error('An unlucky value.');
    return value === 'nothing' ? undefined : value;
  },
});

let seed = 0;

function chance(place: string): number {
  let hash = 2_166_136_261 ^ seed;
  for (let i = 0; i < place.length; i += 1) hash = Math.imul(hash ^ place.charCodeAt(i), 16_777_619);
  hash = Math.imul(hash ^ (hash >>> 15), 2_246_822_519);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}

/** Returns the value of a property or resolver. It is usually valid, otherwise a failure of any kind. */
function valueOrFailure(place: string, createValid: () => unknown): unknown {
  const what = Math.floor(chance(place) * 40);
  const failure = () => new SourceUnavailableError('system', `failed at ${place}`);
  switch (what) {
    case 0:
      return null;
    case 1:
      return undefined;
    case 2:
      return failure();
    case 3:
      throw failure();
    case 4:
      return rejected(failure());
    case 5:
      return Promise.resolve(failure());
    case 6:
      return { unexpected: place };
    case 7:
      return thenable(createValid);
    case 8:
    case 9:
    case 10:
      return () => createValid();
    case 11:
      return rejected(new AggregateError([failure(), new Error('and more')]));
    case 12:
    case 13:
    case 14:
    case 15:
    case 16:
      return Promise.resolve(createValid());
    case 17:
      return new Promise((resolve) => setImmediate(resolve)).then(createValid);
    default:
      return createValid();
  }
}

/** A thenable that is not a Promise, such as that of a query builder. */
function thenable(createValid: () => unknown): PromiseLike<unknown> {
  return { then: (onValue, onError) => Promise.resolve().then(createValid).then(onValue, onError) };
}

/** A list that fails at once if a non-null item is null. The other items are not awaited. */
function rejected(error: Error): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(() => undefined);
  return promise;
}

/** Creates a rejected promise only when it is used, so that no rejection is unhandled. */
function objectOf(type: string, place: string, properties: Record<string, () => unknown>): object {
  const object = {
    __typename: ([undefined, 'Query', 'Nothing'] as const)[Math.floor(chance(`${place} type`) * 30)] ?? type,
  };
  for (const [name, createValid] of Object.entries(properties))
    Object.defineProperty(object, name, { get: () => valueOrFailure(`${place}.${name}`, createValid) });
  return object;
}

function thing(place: string): object {
  return objectOf('Thing', place, {
    name: () => `thing ${place}`,
    strict: () => 'strict',
    odd: () => (chance(`${place} odd`) < 0.2 ? 'unlucky' : chance(`${place} odd`) < 0.3 ? 'nothing' : 1),
    colour: () => (chance(`${place} colour`) < 0.2 ? 'GREEN' : 'RED'),
    numbers: () => [1, chance(`${place} number`) < 0.2 ? null : 2, Promise.resolve(3)],
    others: () => strictListOf(`${place}.others`, other),
  });
}

function other(place: string): object {
  return objectOf('Other', place, {
    name: () => `other ${place}`,
    strict: () => 'strict',
    odd: () => 1,
  });
}

function listOf(place: string, createValid: (place: string) => unknown): unknown[] {
  return Array.from({ length: Math.floor(chance(`${place} length`) * 4) }, (_, i) =>
    valueOrFailure(`${place}.${i}`, () => createValid(`${place}.${i}`)),
  );
}

/**
 * A list whose items are all awaited. If an item fails at once, Yoga's executor leaves unhandled rejections of others.
 */
function strictListOf(place: string, createValid: (place: string) => unknown): unknown[] {
  return listOf(place, createValid).map((item) => Promise.resolve(item));
}

const placeOf = ({ path }: GraphQLResolveInfo): string => responsePathAsArray(path).join('.');
const run =
  (createValid: (place: string) => unknown) =>
  (_: unknown, __: unknown, ___: unknown, info: GraphQLResolveInfo) =>
    valueOrFailure(placeOf(info), () => createValid(placeOf(info)));
const many = (createValid: (place: string) => unknown) => run((place) => listOf(place, createValid));
const strictlyMany = (createValid: (place: string) => unknown) =>
  run((place) => strictListOf(place, createValid));
const either = (place: string) => (chance(`${place} which`) < 0.5 ? thing(place) : other(place));

/** The `info` of a resolver as text. */
function described(info: GraphQLResolveInfo): string {
  const { fieldName, fieldNodes, returnType, parentType, path, fragments, operation, variableValues } = info;
  return JSON.stringify({
    ...{ fieldName, path: responsePathAsArray(path), variableValues, rootValue: info.rootValue },
    ...{
      returnType: String(returnType),
      parentType: parentType.name,
      isOfSchema: info.schema.getType('Thing') !== undefined,
    },
    nodes: fieldNodes.map((node) => print(node)),
    fragments: Object.values(fragments).map((fragment) => print(fragment)),
    operation: print(operation),
  });
}

const schema = makeExecutableSchema({
  typeDefs,
  resolvers: {
    Odd: oddScalar,
    Query: {
      thing: run(thing),
      things: strictlyMany(thing),
      perhaps: many(thing),
      nested: strictlyMany((place) => strictListOf(place, thing)),
      either: run(either),
      named: many(either),
      certain: run(thing),
      calm: () => ({ strict: 'strict' }),
      sudden: () => [{ strict: 'strict' }, {}, {}],
      scattered: () => ({ strict: 'strict' }),
      customer: (_: unknown, { by }: { by: object }) => ({ name: JSON.stringify(by), strict: 'strict' }),
    },
    Thing: {
      thing: run(thing),
      certain: run(thing),
      either: run(either),
      named: run(either),
      overwrites: (_: unknown, args: { text: string }) => {
        const { text } = args;
        args.text = 'overwritten';
        return text;
      },
      echo: (_: unknown, args: object) => JSON.stringify(args),
    },
    Other: {
      things: many(thing),
      info: (_: unknown, __: unknown, ___: unknown, info: GraphQLResolveInfo) => described(info),
    },
  },
});

const maskedErrors = { maskError: formatError };
const preparer = preparerFor(schema);
const planned = yogaThatExecutes(
  (prepared, args) => executeByPlan(prepared, args) ?? executeByInterpreter(prepared, args),
);
const interpreted = yogaThatExecutes(executeByInterpreter);

function yogaThatExecutes(execute: typeof executeByInterpreter) {
  return createYoga({
    ...{ schema, maskedErrors, logging: false },
    plugins: [
      {
        onExecute: ({
          setExecuteFn,
        }: {
          setExecuteFn: (execute: (args: ExecutionArgs) => unknown) => void;
        }) => {
          setExecuteFn(({ document, operationName, contextValue, variableValues }: ExecutionArgs) => {
            const prepared = preparer.prepare(document.loc?.source.body ?? '', operationName);
            const variables = variableValues ?? {};
            const { coerced } = coerceVariables(prepared.operation, schema, variables);
            return execute(prepared, { schema, contextValue, variables, coerced });
          });
        },
      },
    ],
  });
}

interface ReportedError {
  path?: (string | number)[];
}

/**
 * Describes errors so that they can be compared. Concurrent errors may have any order. If several errors make the same
 * value null, only one is compared, because timing decides which of them are reported.
 */
function describeErrors(data: unknown, errors: readonly ReportedError[]): string[] {
  const texts = errors.map((error) => {
    const { path = [] } = error;
    let at = data;
    for (const [i, step] of path.entries()) {
      if (at == null) return `below ${path.slice(0, i).join('.')}`;
      at = (at as Record<string | number, unknown>)[step];
    }
    return JSON.stringify(error);
  });
  return [...new Set(texts)].sort();
}

async function answersOf(query: string, variables: Record<string, unknown> = {}) {
  const executeBy = async (yoga: typeof planned) => {
    const response = await yoga.fetch('http://gateway/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors = [] } = (await response.json()) as { data: unknown; errors?: ReportedError[] };
    return { status: response.status, data, errors: describeErrors(data, errors) };
  };
  return { planned: await executeBy(planned), interpreted: await executeBy(interpreted) };
}

async function expectSame(query: string, variables?: Record<string, unknown>): Promise<void> {
  const answers = await answersOf(query, variables);
  expect(answers.planned).toEqual(answers.interpreted);
}

const FILTERS: GeneratedVariable = {
  name: 'filter',
  type: 'Filter',
  values: [{}, { number: 1, all: [{ text: null }, {}] }, { number: null }, { none: 1 }, null, undefined],
};
const LITERALS = {
  String: ['"said"'],
  Int: ['1'],
  Filter: ['{}', '{ text: $text }', '{ number: 1, all: [{ text: "a", all: [] }, { text: $text }] }'],
};

const FRAGMENT_TWICE =
  'query ($on: Boolean!) { certain { ...Name @skip(if: $on) ...Name } } fragment Name on Thing { name }';
const FRAGMENT_ELSEWHERE =
  'query ($on: Boolean!) { certain { ...Name @skip(if: $on) } thing { ...Name } } fragment Name on Thing { name }';

describe('an operation executed by a plan', () => {
  const operations = decorateOperations(
    schema,
    generateOperations(schema, {
      maxDepth: 5,
      maxFields: 3,
      pages: [1, 2],
      customers: [],
      customer: { email: 'a@example.nl' },
    }),
    [...VARIABLES, FILTERS],
    LITERALS,
    // graphql-js interprets this operation. It reports an AggregateError as one error, unlike Yoga's executor.
    SPECIAL_NAMES.filter((name) => name !== 'then'),
  );

  test(
    'has the same result as an interpreted operation, for all resolvers',
    { timeout: 120_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(operations, fc.nat(1_000_000), async ({ query, variables }, number) => {
          seed = number;
          await expectSame(query, variables);
        }),
        { numRuns: runCount(150) },
      );
    },
  );

  test.each([
    [
      'a recursive input type',
      'query ($filter: Filter) { thing { echo(filter: $filter) } }',
      { filter: { all: [{ all: [{}] }] } },
    ],
    [
      'a variable within an object',
      'query ($text: String) { thing { echo(filter: { text: $text }) } }',
      { text: 'said' },
    ],
    [
      'a skipped variable within an object',
      'query ($text: String) { thing { echo(filter: { text: $text }) } }',
      {},
    ],
    [
      'defaults of an input type',
      'query ($filter: Filter) { thing { echo(filter: $filter) } }',
      { filter: {} },
    ],
    ['a fragment that is skipped and selected again', FRAGMENT_TWICE, { on: true }],
    ['a fragment that is skipped in only one place', FRAGMENT_ELSEWHERE, { on: true }],
    [
      'response names that resemble paths of each other',
      '{ x: certain { y: certain { strict } } x_y: certain { strict } y_x: certain { name strict } }',
      {},
    ],
    ['a field with the alias __proto__', '{ certain { __proto__: strict constructor: strict } }', {}],
    ['a field with the alias then', '{ then: calm { then: strict } calm { then: strict } }', {}],
    ['a list with two items that must not be null', '{ sudden(only: 1) { strict } }', {}],
    ['a value that is not a list', '{ scattered { strict } }', {}],
    ['a type without a resolver for it', '{ __typename either { __typename } }', {}],
    ['two operations and a selected name', 'query A { thing { name } } query B { certain { name } }', {}],
    [
      'a condition that is null',
      'query ($on: Boolean = true) { thing { name @include(if: $on) } }',
      { on: null },
    ],
    ['introspection', '{ __schema { queryType { name } } __type(name: "Thing") { name } }', {}],
    [
      'a non-null argument that is null',
      'query ($text: String = "a") { thing { echo(text: $text) } }',
      { text: null },
    ],
  ])('has the same result as an interpreted operation with %s', async (_label, query, variables) => {
    for (seed of [1, 2, 3, 4, 5]) await expectSame(query, variables);
  });

  test('is executed with the variables of each request, also concurrently', async () => {
    const texts = Array.from({ length: 20 }, (_, i) => `text ${i}`);
    const answers = await Promise.all(
      texts.map((text) => answersOf('query ($text: String!) { calm { echo(text: $text) } }', { text })),
    );
    expect(answers.map(({ planned: { data } }) => data)).toEqual(
      texts.map((text) => ({ calm: { echo: JSON.stringify({ text }) } })),
    );
  });

  test('passes a new arguments object to each call of a resolver', async () => {
    const query =
      '{ calm { echo(text: "as sent", numbers: [1]) overwrites(text: "as sent") again: overwrites(text: "as sent") } }';
    for (let i = 0; i < 3; i += 1)
      expect((await answersOf(query)).planned.data).toMatchObject({
        calm: { overwrites: 'as sent', again: 'as sent' },
      });
  });
});
