import type { SourceDefinition } from '../source.js';
import type { KeyReader } from './keys.js';
import { queryByKey, type GatewayUnderTest, type KeyKind } from './promise.js';
import type { SourceQueries } from './queries.js';
import type { RecordedStandIn } from './stand-in.js';

/** The maximum number of keys of each kind, to limit the time of a test. */
const MAX_KEYS = 20;

/** The kinds of keys that query the source, with the recorded keys of each. */
export async function findKeyKinds(
  source: SourceDefinition,
  {
    standIn,
    queries: { customer, company },
    keyReader,
    gateway,
  }: {
    standIn: RecordedStandIn;
    queries: SourceQueries;
    keyReader: KeyReader;
    gateway: GatewayUnderTest;
  },
): Promise<KeyKind[]> {
  const { identity, heldIdentifiers = [], companies } = source;
  const lookups = [
    ...(customer === undefined
      ? []
      : [
          ...Object.entries(identity?.foundBy ?? {}).map(
            ([namespace, { loader }]) => ['customer', namespace, loader.name, customer] as const,
          ),
          ...(identity === undefined ? heldIdentifiers : []).map(
            (namespace) => ['customer', namespace, undefined, customer] as const,
          ),
        ]),
    ...(company === undefined
      ? []
      : Object.entries(companies?.foundBy ?? {}).map(
          ([namespace, { name }]) => ['company', namespace, name, company] as const,
        )),
  ];
  const kinds: KeyKind[] = [];
  for (const [root, namespace, call, query] of lookups) {
    const kind = { root, namespace, query };
    const ofCall = call === undefined ? undefined : standIn.calls.get(call);
    if (ofCall !== undefined) {
      const keys = await withoutSharedKeys({ ...kind, keys: ofCall.keys }, { gateway, standIn, call });
      kinds.push({ ...kind, keys: keys.slice(0, MAX_KEYS) });
      continue;
    }
    // The names of loaders in code do not show their kind of key. So each recorded key is tried.
    const all = [...new Set([...standIn.calls.values()].flatMap((facts) => facts.keys))];
    const keys: string[] = [];
    for (const key of all) {
      if (keys.length >= MAX_KEYS) break;
      if (keyReader.canonical(namespace, key) === undefined) continue;
      standIn.reset();
      await queryByKey(gateway, { ...kind, keys: [] }, key);
      if (standIn.served.some(({ of }) => of > 0)) keys.push(key);
    }
    kinds.push({ ...kind, keys });
  }
  standIn.reset();
  return kinds;
}

/**
 * Leaves out the keys that several recorded people share, such as the address of a household: they find no
 * customer. If all keys are shared, they stay.
 */
async function withoutSharedKeys(
  kind: KeyKind,
  {
    gateway,
    standIn,
    call,
  }: { gateway: GatewayUnderTest; standIn: RecordedStandIn; call: string | undefined },
): Promise<readonly string[]> {
  const shared = new Set<string>();
  for (const key of kind.keys) {
    if (standIn.rowsOf(call ?? '', key).length < 2) continue;
    const { errors } = await queryByKey(gateway, kind, key);
    if (errors.some(({ extensions }) => extensions.code === 'AMBIGUOUS_IDENTITY')) shared.add(key);
  }
  const unshared = kind.keys.filter((key) => !shared.has(key));
  return unshared.length === 0 ? kind.keys : unshared;
}

/** Finds a key for each measured call, whose query calls it and gets rows. */
export async function findUses({
  gateway,
  kinds,
  standIn,
}: {
  gateway: GatewayUnderTest;
  kinds: readonly KeyKind[];
  standIn: RecordedStandIn;
}): Promise<ReadonlyMap<string, CallUse>> {
  const uses = new Map<string, CallUse>();
  for (const kind of kinds)
    for (const key of kind.keys) {
      standIn.reset();
      await queryByKey(gateway, kind, key);
      for (const { call, of } of standIn.served)
        if (of > (uses.get(call)?.rows ?? 0)) uses.set(call, { kind, key, rows: of });
    }
  standIn.reset();
  return uses;
}

/** A query that calls a measured call. */
export interface CallUse {
  kind: KeyKind;
  key: string;
  /** The number of rows in the answer of the call. */
  rows: number;
}
