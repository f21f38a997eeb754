import { GraphQLDeferDirective } from '@graphql-tools/utils';
import {
  buildSchema,
  executeSync,
  GraphQLSchema,
  parse,
  type DocumentNode,
  type GraphQLResolveInfo,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { wantedSources } from '../../src/customer/wanted-sources.js';

const config = buildSchema(`
  type Query { customer: Customer }
  type Customer { a: String b: String both: String every: Other }
  type Other { a: String }
`).toConfig();
const schema = new GraphQLSchema({ ...config, directives: [...config.directives, GraphQLDeferDirective] });

const SOURCES: Readonly<Record<string, readonly string[] | 'all'>> = { both: ['a', 'b'], every: 'all' };

function wanted(document: DocumentNode, variableValues: Record<string, boolean> = {}): string[] {
  let sources: ReadonlySet<string> = new Set();
  const customer = (_args: object, _context: unknown, info: GraphQLResolveInfo) => {
    sources = wantedSources(info, (field) => SOURCES[field] ?? [field], new Set(['a', 'b', 'c']));
    return null;
  };
  executeSync({ schema, document, variableValues, rootValue: { customer } });
  return [...sources].sort();
}

describe('the sources that a selection on a customer needs', () => {
  it.each<[string, string[]]>([
    ['{ customer { a } }', ['a']],
    ['{ customer { __typename } }', []],
    ['{ customer { both } }', ['a', 'b']],
    ['{ customer { every { a } } }', ['a', 'b', 'c']],
    ['{ customer { a } customer { b } }', ['a', 'b']],
    ['{ ...F customer { b } } fragment F on Query { customer { a } }', ['a', 'b']],
    ['{ customer { ...F ... { b } } } fragment F on Customer { a }', ['a', 'b']],
    ['{ customer { a b @skip(if: true) } }', ['a']],
    ['{ customer { a b @include(if: false) } }', ['a']],
    ['{ customer { a @skip(if: false) b @include(if: true) } }', ['a', 'b']],
    ['{ customer { a ... @defer { b } } }', ['a']],
    ['{ customer { a ... @defer(if: false) { b } } }', ['a', 'b']],
    ['{ customer { a ...F @skip(if: true) } } fragment F on Customer { b }', ['a']],
  ])('%s are %j', (query, expected) => {
    expect(wanted(parse(query))).toEqual(expected);
  });

  it('depend on the variables of each request', () => {
    const document = parse(
      'query ($b: Boolean!) { customer { a ...F } } fragment F on Customer { b @include(if: $b) }',
    );
    expect(wanted(document, { b: false })).toEqual(['a']);
    expect(wanted(document, { b: true })).toEqual(['a', 'b']);
  });

  it('depend on the variables even if the same compiled operation is executed again', () => {
    const found: string[][] = [];
    const customer = (_args: object, _context: unknown, info: GraphQLResolveInfo) => {
      for (const b of [false, true]) {
        const again = { ...info, variableValues: { b } };
        found.push([...wantedSources(again, (field) => [field], new Set())]);
      }
      return null;
    };
    const document = parse('query ($b: Boolean!) { customer { a b @include(if: $b) } }');
    executeSync({ schema, document, variableValues: { b: true }, rootValue: { customer } });
    expect(found).toEqual([['a'], ['a', 'b']]);
  });
});
