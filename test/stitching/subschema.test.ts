import { parse } from 'graphql';
import { expect, it } from 'vitest';
import { SourceUnavailableError } from '../../src/errors.js';
import type { LoaderRegistry } from '../../src/loaders/registry.js';
import { createSubschema } from '../../src/stitching/subschema.js';

const unavailable = new SourceUnavailableError('shop', 'shop could not answer this field.');

it.each([
  ['without errors', { name: 'Eva', cart: { lines: [{ sku: '1' }, null] } }, true],
  ['without a record', null, true],
  ['with an error', unavailable, false],
  ['with an error in a field', { name: 'Eva', cart: unavailable }, false],
  ['with an error deep in a list', { cart: { lines: [{ sku: '1' }, { sku: unavailable }] } }, false],
])('an answer %s may be cached only if it is complete', (_, value, isComplete) => {
  const added: { isComplete?(value: unknown): boolean }[] = [];
  const registry = { add: (_source: unknown, loader: object) => added.push(loader) };
  createSubschema(
    { name: 'shop' } as never,
    {
      coreSchema: parse('type Query { hello: String }'),
      sources: new Map([['shop', parse('type Customer { name: String }')]]),
      keys: new Map(),
      owners: new Map(),
      descriptions: new Map(),
    },
    { mapping: { entries: {}, types: {} }, entities: { Customer: { entry: '_people' } } },
    registry as unknown as LoaderRegistry,
  );
  expect(added.map((loader) => loader.isComplete?.(value))).toEqual([isComplete]);
});
