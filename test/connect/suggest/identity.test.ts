import { describe, expect, it } from 'vitest';
import { suggestIdentity } from '../../../src/connect/suggest/identity.js';
import { draftOf, type RightSystem } from './right-answers.js';
import { SYSTEMS } from './systems/all.js';

type Yield = readonly [namespace: string, path: string, kind: string];

async function yieldsOf(system: RightSystem): Promise<Yield[]> {
  const { identity } = await suggestIdentity(draftOf(system));
  return Object.entries(identity.yields).map(([namespace, { path, kind }]): Yield => [
    identity.namespaces[namespace] === undefined ? namespace : 'own',
    path,
    kind,
  ]);
}

const sorted = (yields: readonly Yield[]) => yields.map((parts) => parts.join(' ')).toSorted();

describe('the suggested identity of nine systems', () => {
  it.each(SYSTEMS)('has the right fields of $source', async (system) => {
    const { identity } = await suggestIdentity(draftOf(system));
    const { id, yields, name } = system.identity;
    expect(sorted(await yieldsOf(system))).toEqual(sorted(yields));
    expect(identity.name).toEqual(name);
    const { call } = identity.foundBy[identity.recordKey] ?? {};
    expect(draftOf(system).calls[call ?? '']?.key).toBe(id);
    expect(Object.keys(identity.foundBy)).toHaveLength(Object.keys(system.finds).length);
  });
});
