import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Client } from '../connectors/connector.js';
import { clientWithin } from '../http/health.js';
import type { CustomerRecord, IdentityDeclaration } from '../identity/declaration.js';
import { normaliseIn, type Identifier } from '../identity/identifiers.js';
import { toError } from '../loaders/in-flight-batch.js';
import type { Loader } from '../loaders/loader.js';
import { failedCall, type Finding } from './finding.js';
import type { GatewayParts } from './gateway-parts.js';

/** Values of one kind that are looked up in one system. */
const MAX_VALUES = 50;
/** The share of the values of a `usual` key that may have several records. */
const USUAL_DUPLICATES = 0.05;
/** The size of the part at the end of an audit file that is read. */
const MAX_AUDIT_BYTES = 1024 * 1024;

/** Reads the identifiers of the customers in the last lines of the audit files. */
export function auditedCustomers(files: readonly string[], ids: GatewayParts['ids']): Identifier[] {
  const sealed = files.flatMap((file) => {
    const end = readEnd(file);
    return [...end.matchAll(/"customers":\["([\w-]+)"/g)].map(([, id = '']) => id);
  });
  const last = [...new Set(sealed.toReversed())].slice(0, MAX_VALUES);
  return last.flatMap((id) => ids.open(id) ?? []);
}

/** Empty if the file cannot be read. Another check reports that. */
function readEnd(file: string): string {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    const { size } = fstatSync(descriptor);
    const bytes = Buffer.alloc(Math.min(size, MAX_AUDIT_BYTES));
    const count = readSync(descriptor, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('latin1', 0, count);
  } catch {
    return '';
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

interface SampledSource {
  name: string;
  identity: IdentityDeclaration<Client>;
  client: Client;
  maxBatch: number;
}

/**
 * Measures on a sample whether identity keys are as unique as declared. In round 1, the systems are queried
 * by the identifiers of the sample. In round 2, they are queried by the identifiers in the records of round
 * 1.
 */
export async function identityFindings(
  sample: readonly Identifier[],
  { rules, loaded }: Pick<GatewayParts, 'rules' | 'loaded'>,
): Promise<Finding[]> {
  const sources = rules.sources.flatMap(({ name, identity }): SampledSource[] => {
    const source = loaded.get(name);
    if (source === undefined) return [];
    return [{ name, identity, client: clientWithin(source), maxBatch: source.maxBatch ?? MAX_VALUES }];
  });
  const held = await Promise.all(
    sources.flatMap((source) =>
      Object.entries(source.identity.foundBy).map(async ([kind, { loader }]) => {
        const { answers } = await load(source, loader, valuesOf(kind, sample));
        return answers
          .flat()
          .flatMap(({ id, identifiers }) => [
            { namespace: source.identity.recordKey, value: id },
            ...identifiers,
          ]);
      }),
    ),
  );
  const known = [
    ...sample,
    ...held.flat().flatMap(({ namespace, value }) => normaliseIn(rules, namespace, value) ?? []),
  ].filter(({ namespace, value }) => rules.namespaces.get(namespace)?.mayLink?.(value) !== false);
  const findings = await Promise.all(
    sources.flatMap((source) =>
      Object.entries(source.identity.foundBy).map(async ([kind, { uniqueness, loader }]) => {
        if (uniqueness !== 'enforced' && uniqueness !== 'usual') return [];
        const { answers, error } = await load(source, loader, valuesOf(kind, known));
        if (error !== undefined) return [failedCall(source.name, error)];
        return duplicateFinding(source, kind, uniqueness, answers);
      }),
    ),
  );
  return findings.flat();
}

function valuesOf(kind: string, identifiers: readonly Identifier[]): string[] {
  const values = identifiers.flatMap(({ namespace, value }) => (namespace === kind ? [value] : []));
  return [...new Set(values)].slice(0, MAX_VALUES);
}

type Records = readonly CustomerRecord[];

/** The records of each value, and the first error if there is one. */
async function load(
  { client, maxBatch }: SampledSource,
  loader: Loader<Client, string, Records>,
  values: readonly string[],
): Promise<{ answers: Records[]; error?: unknown }> {
  const loaded = await Promise.all(
    batchesOf(loader, values, maxBatch).map((batch) =>
      loader.load(batch, client).catch((error: unknown) => [toError(error)]),
    ),
  );
  const answers = loaded.flat();
  const error = answers.find((answer) => answer instanceof Error);
  return {
    answers: answers.flatMap((answer) => (answer instanceof Error ? [] : [answer])),
    ...(error === undefined ? {} : { error }),
  };
}

/** Values that one call can load together. */
function batchesOf(
  loader: Loader<Client, string, Records>,
  values: readonly string[],
  maxBatch: number,
): string[][] {
  const groups = new Map<string, string[][]>();
  for (const value of values) {
    const { id, maxKeys } = loader.batchOf?.(value) ?? { id: '', maxKeys: Infinity };
    const batches = groups.get(id) ?? [];
    groups.set(id, batches);
    const last = batches.at(-1);
    if (last === undefined || last.length >= Math.min(maxKeys, loader.maxBatch ?? maxBatch, maxBatch))
      batches.push([value]);
    else last.push(value);
  }
  return [...groups.values()].flat();
}

/** An `enforced` key may not have records of two customers, and only few `usual` keys may. */
function duplicateFinding(
  { name, identity }: SampledSource,
  kind: string,
  uniqueness: 'enforced' | 'usual',
  answers: readonly Records[],
): Finding[] {
  const several = answers.filter(
    ([first, ...others]) =>
      first !== undefined && others.some((other) => identity.sameCustomer?.(first, other) !== true),
  ).length;
  const allowed = uniqueness === 'enforced' ? 0 : USUAL_DUPLICATES * answers.length;
  if (several <= allowed) return [];
  return [
    {
      check: 'identity',
      severity: uniqueness === 'enforced' ? 'error' : 'warning',
      where: `${name} ${kind}`,
      seen: `The uniqueness is declared as "${uniqueness}", and ${several} of ${answers.length} sampled values have records of several customers.`,
      remedy:
        'Merge the duplicate records in the system. If people share these values there, declare the uniqueness "verified" or "none".',
    },
  ];
}
