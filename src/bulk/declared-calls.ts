import { Kind } from 'graphql';
import { selectedFields } from '../selections.js';
import type { SourceDefinition } from '../source.js';
import type { BulkOperation } from './bulk-operation.js';

/** The calls of each source for one part of an operation, as far as the declarations of the sources show. */
export type DeclaredCalls = (operation: BulkOperation, lines: number) => ReadonlyMap<string, number>;

/**
 * Estimates the calls of an operation that was not answered since the start: one group of keys for each source that identifies
 * customers, and one for each selected field or list that a source answers with objects.
 */
export function createDeclaredCalls(
  sources: readonly SourceDefinition[],
  sourceOfField: ReadonlyMap<string, string>,
): DeclaredCalls {
  const lists = new Map<string, readonly string[]>(
    (['timeline', 'tickets', 'deals', 'organisations', 'consents'] as const).map((name) => [
      name,
      sources.filter((source) => source[name] !== undefined).map((source) => source.name),
    ]),
  );
  const maxBatches = new Map(sources.map(({ name, limits }) => [name, limits?.maxBatch ?? Infinity]));

  return ({ single }, lines) => {
    const groups = new Map(
      sources.flatMap(({ name, identity }) =>
        identity === undefined ? [] : [[name, 1] as [string, number]],
      ),
    );
    const [customer] = single.operation.selectionSet.selections;
    const selection = customer?.kind === Kind.FIELD ? customer.selectionSet : undefined;
    for (const field of selection === undefined ? [] : selectedFields(selection, single.fragments)) {
      if (field.selectionSet === undefined) continue;
      const source = sourceOfField.get(field.name.value);
      for (const name of source === undefined ? (lists.get(field.name.value) ?? []) : [source])
        groups.set(name, (groups.get(name) ?? 0) + 1);
    }
    return new Map(
      [...groups].map(([name, count]) => [
        name,
        count * Math.max(1, Math.ceil(lines / (maxBatches.get(name) ?? Infinity))),
      ]),
    );
  };
}
