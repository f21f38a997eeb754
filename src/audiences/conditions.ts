import type { FreshnessOptions } from '../cache/freshness.js';
import type { Client } from '../connectors/connector.js';
import type { AnyCondition, ConditionDeclaration } from '../customer/condition-declaration.js';
import { ConfigError } from '../errors.js';
import type { Loader } from '../loaders/loader.js';
import type { LoadedSource, LoaderRegistry } from '../loaders/registry.js';
import { COMBINE } from './compare.js';
import type { SourceCondition } from './read-condition.js';

/** The members of `AudienceCondition` that combine conditions. */
const COMBINING: ReadonlySet<string> = new Set(['all', 'any', 'not']);

/** The conditions of all sources, by name. Throws a ConfigError that lists all inconsistencies. */
export function collectConditions(
  sources: readonly { name: string; identity?: object; conditions?: readonly AnyCondition[] }[],
): ReadonlyMap<string, SourceCondition> {
  const collected = new Map<string, SourceCondition>();
  const problems: string[] = [];
  for (const { name: source, identity, conditions = [] } of sources) {
    if (conditions.length > 0 && identity === undefined)
      problems.push(
        `${source} declares conditions, so it must identify its customers: declare its identity.`,
      );
    for (const declared of conditions) {
      const { name, type, description, shownBy } = declared;
      const other = collected.get(name);
      const isPart = other?.type === type && other.shownBy === shownBy && COMBINE[type] !== undefined;
      if (COMBINING.has(name) || (other !== undefined && !isPart))
        problems.push(
          `${source} declares the condition "${name}", which exists already. Choose another name.`,
        );
      const parts = [...(isPart ? other.parts : []), { source, declared }];
      collected.set(name, { name, type, description, shownBy, parts });
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return collected;
}

/** An earlier list would miss customers who meet the condition since. */
const NOT_CACHED: FreshnessOptions = { maxAge: '0 s', staleIfError: '0 s' };

/** Registers the loaders that list customers. */
export function addConditionLoaders(
  source: LoadedSource<Client>,
  conditions: readonly ConditionDeclaration[] = [],
  registry: LoaderRegistry,
): void {
  for (const { list } of conditions) {
    if (typeof list === 'string') continue;
    addListLoader(source, list.loader, registry);
    addListLoader(source, list.count, registry);
  }
}

function addListLoader<Key, Value>(
  source: LoadedSource<Client>,
  loader: Loader<Client, Key, Value>,
  registry: LoaderRegistry,
): void {
  registry.add(source, { ...loader, freshness: NOT_CACHED, keyText: JSON.stringify }, undefined, loader);
}
