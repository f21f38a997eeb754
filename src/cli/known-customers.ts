import { z } from 'zod';
import type { Known } from '../connect/suggest/identity.js';
import { ConfigError } from '../errors.js';
import { normalise } from '../identity/identifiers.js';
import type { ProjectOptions } from '../project/load-project.js';
import { SettingsReader } from '../settings.js';
import { pluggedIn } from '../source.js';
import { sourceValue } from '../stitching/generated-sdl.js';
import { openOwnGateway, type OwnGateway } from './own-gateway.js';

/** Most values of one kind that are looked up. */
const MAX_VALUES = 50;
/** After this time, no further kind is looked up. */
const MAX_MS = 20_000;

const identified = z.discriminatedUnion('__typename', [
  z.object({
    __typename: z.literal('IdentifiedCustomer'),
    links: z.array(
      z.object({ source: z.string(), from: z.object({ namespace: z.string(), value: z.string() }) }),
    ),
  }),
  z.object({
    __typename: z.literal('AmbiguousIdentifier'),
    hints: z.array(z.object({ source: z.string() })),
  }),
  z.object({ __typename: z.literal('UnknownIdentifier') }),
]);
type Identified = z.infer<typeof identified>;
const reports = z.object({ sources: z.record(z.string(), z.object({ status: z.string() })) });

export interface KnownCustomers extends Known {
  /** Why nothing is looked up: the first problem of a gateway that does not start. */
  readonly problem: string | undefined;
  close(): Promise<void>;
}

/**
 * Looks up which identifiers the plugged-in sources know, through a gateway with these sources. The number of the lookups and
 * their time are bounded. Values are in no result.
 */
export async function knownCustomers(options: ProjectOptions): Promise<KnownCustomers> {
  const endsAt = performance.now() + MAX_MS;
  const { sources } = options;
  const plugged = pluggedIn(sources, new SettingsReader(options.environment, options.declared));
  const opened = plugged.length === 0 ? { problem: undefined } : await openOrProblem(options);
  if ('problem' in opened)
    return {
      ...{ namespaces: [], problem: opened.problem },
      overlap: () => Promise.resolve([]),
      close: () => Promise.resolve(),
    };
  const { gateway } = opened;
  return {
    problem: undefined,
    namespaces: plugged.flatMap(({ namespaces = [] }) => namespaces),
    overlap: async (namespace, values) => {
      if (performance.now() > endsAt) return [];
      const names = plugged
        .filter(({ identity }) => identity?.foundBy[namespace] !== undefined)
        .map(({ name }) => name);
      return names.length === 0 ? [] : countKnown(gateway, names, namespace, values);
    },
    close: () => gateway.close(),
  };
}

async function openOrProblem(
  options: ProjectOptions,
): Promise<{ gateway: OwnGateway } | { problem: string | undefined }> {
  try {
    return { gateway: await openOwnGateway(options) };
  } catch (error) {
    if (error instanceof ConfigError) return { problem: error.problems[0] };
    throw error;
  }
}

async function countKnown(
  gateway: OwnGateway,
  names: readonly string[],
  namespace: string,
  values: readonly string[],
): Promise<{ source: string; requested: number; known: number; ambiguous: number }[]> {
  const kind = gateway.namespaces.get(namespace);
  const canonical = values.flatMap((value) => (kind && normalise(kind, value))?.value ?? []);
  const keys = [...new Set(canonical)].slice(0, MAX_VALUES);
  if (keys.length === 0) return [];
  const variables = Object.fromEntries(keys.map((key, i) => [`by${i}`, { [namespace]: key }]));
  const answer = await gateway.query(documentOf(keys.length), variables);
  const { sources = {} } = reports.safeParse(answer.extensions).data ?? {};
  const data = z.record(z.string(), z.unknown()).safeParse(answer.data).data ?? {};
  const results = keys.map((key, i) => ({
    key,
    result: identified.safeParse(data[`k${i}`]).data,
  }));
  return names
    .filter((name) => sources[name] !== undefined && sources[name].status !== 'failed')
    .map((source) => ({
      source,
      requested: keys.length,
      known: results.filter(({ key, result }) => isKnownTo(source, key, result)).length,
      ambiguous: results.filter(({ result }) => isAmbiguousIn(source, result)).length,
    }));
}

function documentOf(count: number): string {
  const each = Array.from({ length: count }, (_, i) => i);
  const fields = each.map(
    (i) => `k${i}: identify(by: $by${i}) {
    __typename
    ... on IdentifiedCustomer { links { source from { namespace value } } }
    ... on AmbiguousIdentifier { hints { source } }
  }`,
  );
  return `query (${each.map((i) => `$by${i}: CustomerKey!`).join(' ')}) { ${fields.join(' ')} }`;
}

function isKnownTo(source: string, key: string, result: Identified | undefined): boolean {
  if (result?.__typename === 'AmbiguousIdentifier')
    return result.hints.some((hint) => hint.source === sourceValue(source));
  if (result?.__typename !== 'IdentifiedCustomer') return false;
  return result.links.some((link) => link.source === sourceValue(source) && link.from.value === key);
}

/** Whether several records of one source have the key. */
function isAmbiguousIn(source: string, result: Identified | undefined): boolean {
  return (
    result?.__typename === 'AmbiguousIdentifier' &&
    result.hints.filter((hint) => hint.source === sourceValue(source)).length > 1
  );
}
