import { AmbiguousIdentityError, GatewayError } from '../errors.js';
import type { Load } from '../loaders/registry.js';
import type { Client } from '../connectors/connector.js';
import type { AskedBy, CustomerRecord, IdentityDeclaration, Namespace } from '../source.js';
import { normalise, type Identifier } from './identifiers.js';

/** How far the graph is walked for one customer. Beyond it a shared identifier would lead to half the world. */
const MAX_HOPS = 3;
const MAX_VALUES_PER_NAMESPACE = 5;
const MAX_IDENTIFIERS = 50;

/** A source that takes part, as the graph sees it. */
export interface IdentifyingSource {
  name: string;
  identity: IdentityDeclaration<Client>;
}

export interface IdentityRules {
  /** In the order in which they are believed. */
  sources: readonly IdentifyingSource[];
  namespaces: ReadonlyMap<string, Namespace>;
}

/** What asking one source has come to. */
export type Outcome =
  | { kind: 'found'; record: CustomerRecord }
  /** It was asked and knows nobody. */
  | { kind: 'unknown' }
  /** Nothing that is known so far is something it can be asked by. */
  | { kind: 'not-asked' }
  | { kind: 'failed'; error: Error };

/** One customer's identifiers and records, found out as they are needed. */
export interface Identity {
  /**
   * Whether any system knows the customer. Of the systems that can be asked right away only the wanted ones are, and
   * those that might hold several people under the identifier; the others only when those know nobody. Does not wait
   * for slow systems once it is sure. Throws AmbiguousIdentityError.
   */
  isKnown(wanted: ReadonlySet<string>): Promise<boolean>;
  /** The source's record. Looks further, hop by hop, while the source has not been found by what is known. */
  find(source: string): Promise<Outcome>;
}

/**
 * Walks from one identifier to a customer's records, breadth first and on demand. A round asks each source at most
 * once, all in parallel; rounds of many customers fall together in the loaders' batches.
 */
export function createIdentity(rules: IdentityRules, start: Identifier, load: Load): Identity {
  /** What is known before each round; a round adds what its records yield. */
  const known: Map<string, Identifier>[] = [new Map([[keyOf(start), start]])];
  const asked = new Map<string, Promise<Outcome>>();
  const rounds = new Map<number, Promise<boolean>>();

  /** Asks a source by all that is known before the round and that it was not asked by before. */
  const ask = (source: IdentifyingSource, round: number): Promise<Outcome> => {
    const key = `${round} ${source.name}`;
    let outcome = asked.get(key);
    if (outcome === undefined) {
      outcome = askNow(source, round);
      asked.set(key, outcome);
      // Not everybody who has it asked waits for it, and a defect that nobody hears of would end the process.
      outcome.catch(() => undefined);
    }
    return outcome;
  };

  const askNow = async (source: IdentifyingSource, round: number): Promise<Outcome> => {
    const before = round === 0 ? undefined : await ask(source, round - 1);
    if (before?.kind === 'found') return before;
    const news = [...(known[round]?.entries() ?? [])].filter(
      ([key]) => round === 0 || known[round - 1]?.has(key) !== true,
    );
    const questions = news.flatMap(([, { namespace, value }]) => {
      const askedBy = source.identity.askedBy[namespace];
      return askedBy === undefined ? [] : [askOne(source.name, askedBy, value, load)];
    });
    if (questions.length === 0) return before ?? { kind: 'not-asked' };
    const outcomes = await Promise.all(questions);
    const records = new Map(
      outcomes.flatMap((one) => (one.kind === 'found' ? [[one.record.id, one] as const] : [])),
    );
    if (records.size > 1)
      return { kind: 'failed', error: new AmbiguousIdentityError(source.name, records.size) };
    const [found] = records.values();
    return found ?? outcomes.find(({ kind }) => kind === 'failed') ?? { kind: 'unknown' };
  };

  /** Asks all sources and adds what they yield. True when there is something new to ask by. */
  const finishRound = (round: number): Promise<boolean> => {
    let finished = rounds.get(round);
    if (finished === undefined) {
      finished = Promise.all(rules.sources.map((source) => ask(source, round))).then((outcomes) => {
        const next = new Map(known[round]);
        for (const [i, source] of rules.sources.entries()) {
          const outcome = outcomes[i];
          if (outcome?.kind === 'found') addLinks(source, outcome.record, rules.namespaces, next);
        }
        known[round + 1] = next;
        return next.size > (known[round]?.size ?? 0);
      });
      rounds.set(round, finished);
      finished.catch(() => undefined);
    }
    return finished;
  };

  return {
    isKnown: async (wanted) => {
      const askable = rules.sources.filter(({ identity }) => identity.askedBy[start.namespace] !== undefined);
      const deciding = askable.filter(({ identity }) => identity.askedBy[start.namespace]?.unique === false);
      const chosen = askable.filter((source) => wanted.has(source.name) || deciding.includes(source));
      for (const sources of chosen.length === 0 ? [askable] : [chosen, askable]) {
        const asking = sources.map((source) => ask(source, 0));
        for (const outcome of await Promise.all(deciding.map((source) => ask(source, 0))))
          throwIfAmbiguous(outcome);
        if (await anyFound(asking)) return true;
      }
      for (const outcome of await Promise.all(askable.map((source) => ask(source, 0)))) {
        // Nobody knows the customer, but not everybody answered: that is no "unknown".
        if (outcome.kind === 'failed') throw outcome.error;
      }
      return false;
    },

    find: async (name) => {
      const source = rules.sources.find((one) => one.name === name);
      if (source === undefined) throw new Error(`The source "${name}" holds no customers.`);
      let last: Outcome = { kind: 'not-asked' };
      for (let round = 0; round < MAX_HOPS; round += 1) {
        last = await ask(source, round);
        if (last.kind === 'found' || last.kind === 'failed') return last;
        // What the last round's records yield would be a hop too far, so nobody is asked for them.
        if (round === MAX_HOPS - 1 || !(await finishRound(round))) break;
      }
      if (last.kind === 'unknown') return last;
      // It could not be asked at all. When a system that might have told by what is down, that is the reason.
      const others = await Promise.all(rules.sources.map((one) => ask(one, 0)));
      return others.find(({ kind }) => kind === 'failed') ?? { kind: 'unknown' };
    },
  };
}

async function askOne(
  source: string,
  { loader }: AskedBy<Client>,
  value: string,
  load: Load,
): Promise<Outcome> {
  try {
    const records = await load(loader, value);
    const [record] = records;
    if (record === undefined) return { kind: 'unknown' };
    const candidates = new Set(records.map(({ id }) => id)).size;
    if (candidates > 1) return { kind: 'failed', error: new AmbiguousIdentityError(source, candidates) };
    return { kind: 'found', record };
  } catch (error) {
    if (error instanceof GatewayError) return { kind: 'failed', error };
    throw error;
  }
}

/** Adds the identifiers of a record that may be followed: the system keeps them unique, or has verified them. */
function addLinks(
  { name: source, identity }: IdentifyingSource,
  record: CustomerRecord,
  namespaces: IdentityRules['namespaces'],
  known: Map<string, Identifier>,
): void {
  const ownKey = { namespace: identity.recordKey, value: record.id, verified: true };
  for (const { namespace: name, value, verified = false } of [ownKey, ...record.identifiers]) {
    const namespace = namespaces.get(name);
    if (namespace === undefined)
      throw new Error(`The source "${source}" yields "${name}", which is no namespace.`);
    if (value == null || !(verified || identity.askedBy[name]?.unique === true)) continue;
    const identifier = normalise(namespace, value);
    if (identifier === null || namespace.mayLink?.(identifier.value) === false) continue;
    const ofNamespace = [...known.values()].filter((one) => one.namespace === name);
    if (ofNamespace.length >= MAX_VALUES_PER_NAMESPACE || known.size >= MAX_IDENTIFIERS) continue;
    known.set(keyOf(identifier), identifier);
  }
}

function throwIfAmbiguous(outcome: Outcome): void {
  if (outcome.kind === 'failed' && outcome.error instanceof AmbiguousIdentityError) throw outcome.error;
}

/** True as soon as one has found a record, false when all are done and none has. */
function anyFound(asking: readonly Promise<Outcome>[]): Promise<boolean> {
  return Promise.any(
    asking.map(async (outcome) => {
      if ((await outcome).kind !== 'found') throw new Error('not found');
      return true;
    }),
  ).catch(() => false);
}

function keyOf({ namespace, value }: Identifier): string {
  return `${namespace} ${value}`;
}
