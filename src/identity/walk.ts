import { GatewayError } from '../errors.js';
import type { Load } from '../loaders/registry.js';
import { sideTable, type SideTable } from '../side-table.js';
import type { Turns } from '../turns.js';
import type { CustomerRecord } from './declaration.js';
import type { Identifier } from './identifiers.js';
import {
  linesOf,
  match,
  readRecord,
  textOf,
  vouches,
  type AnswerOf,
  type IdentifyingSource,
  type IdentityRules,
  type KnownRecord,
  type Limit,
  type Matching,
} from './matching.js';

/** A question to a source, asked once in a request. */
export interface Ask {
  source: IdentifyingSource;
  identifier: Identifier;
  /** As the loader gave it: the same object for as long as it is kept. */
  given?: readonly CustomerRecord[];
  answer?: readonly KnownRecord[];
  error?: GatewayError;
  /** Never rejects, but with a defect. */
  done: Promise<void>;
}

/** The walk from one identifier, over the sources that matter to what is wanted of it. */
export interface Walk {
  /** The identifier and the sources that it began with. */
  key: string;
  start: Identifier;
  sources: readonly IdentifyingSource[];
  round: number;
  /** Identifiers that were, or are being, asked by. */
  known: Map<string, Identifier>;
  frontier: readonly Identifier[];
  asks: Set<Ask>;
  records: Map<string, KnownRecord>;
  limitsReached: Set<Limit>;
  /** What was asked step by step, and what came of it. */
  steps: Step[];
}

interface Step {
  asks: readonly Ask[];
  /** Null when that was the end. */
  next: Pick<Walk, 'sources' | 'round' | 'frontier'> | null;
}

/**
 * Finished walks, by the first answer that they got. While all answers are the very same objects, because they are kept,
 * so is what follows from them. They go when that answer is dropped from the cache.
 */
const finished = sideTable<readonly CustomerRecord[], Map<string, Walk>>();

/** What each record says, read once for as long as the record is kept. */
const readings = new WeakMap<IdentityRules, SideTable<CustomerRecord, { known: KnownRecord | null }>>();

/** Walks for one request. Those that begin at the same moment go in step, round by round. */
export interface Walker {
  walk(start: Identifier, sources: readonly IdentifyingSource[]): Promise<Walk>;
  /** Which of the records that a walk has found are one customer. */
  match(walk: Walk): Matching;
}

export function createWalker(rules: IdentityRules, load: Load, turns: Turns): Walker {
  const { namespaces, limits } = rules;
  const ranks = new Map(rules.sources.map((source, rank) => [source, rank]));
  const asks = new Map<string, Ask>();
  let waiting: { walk: Walk; resolve: (walk: Walk) => void; reject: (reason: unknown) => void }[] = [];

  let read = readings.get(rules);
  if (read === undefined) readings.set(rules, (read = sideTable()));
  const reading = read;
  const readOf = (source: IdentifyingSource, record: CustomerRecord): KnownRecord | null => {
    let entry = reading.get(record);
    if (entry === undefined) {
      entry = { known: readRecord(source, ranks.get(source) ?? 0, record, namespaces) };
      reading.set(record, entry);
    }
    return entry.known;
  };

  const answerOf: AnswerOf = (source, identifier) => asks.get(`${source} ${identifier}`)?.answer;

  const ask = (source: IdentifyingSource, identifier: Identifier): Ask | undefined => {
    const askedBy = source.identity.askedBy[identifier.namespace];
    if (askedBy === undefined) return undefined;
    const key = `${source.name} ${textOf(identifier)}`;
    let one = asks.get(key);
    if (one === undefined) {
      const fresh: Ask = { source, identifier, done: Promise.resolve() };
      fresh.done = load(askedBy.loader, identifier.value).then(
        (records) => {
          fresh.given = records;
          fresh.answer = records.flatMap((record) => readOf(source, record) ?? []);
        },
        (error: unknown) => {
          if (!(error instanceof GatewayError)) throw error;
          fresh.error = error;
        },
      );
      // Not everybody who has it asked waits for it, and a defect that nobody hears of would end the process.
      fresh.done.catch(() => undefined);
      asks.set(key, fresh);
      one = fresh;
    }
    return one;
  };

  /** Asks every source of the walk by what is new, unless it is known already whom it would tell of. */
  const askRound = (walk: Walk): Ask[] => {
    const begun: Ask[] = [];
    for (const identifier of walk.frontier) {
      for (const source of walk.sources) {
        if (walk.round > 0 && !leadsTo(walk, source, identifier)) continue;
        const one = ask(source, identifier);
        if (one === undefined || walk.asks.has(one)) continue;
        walk.asks.add(one);
        begun.push(one);
      }
    }
    return begun;
  };

  /** What the records hold by themselves, and what they were found by. */
  const holdingsOf = (walk: Walk) => {
    const found = new Map<string, Identifier[]>();
    for (const { identifier, answer = [] } of walk.asks)
      for (const { key } of answer) found.set(key, [...(found.get(key) ?? []), identifier]);
    return (record: KnownRecord) => found.get(record.key) ?? [];
  };

  /** Takes in a round's answers. Tells how to go on, or null when there is nothing more to ask. */
  const takeIn = (walk: Walk, asked: readonly Ask[]): Step['next'] => {
    if (walk.round === 0 && walk.sources !== rules.sources && !isSettled(walk))
      return { sources: rules.sources, round: 0, frontier: walk.frontier };
    // Nothing was learnt that was not known before.
    if (walk.round > 0 && asked.length === 0) return null;
    const round = walk.round + 1;
    const frontier = nextOf(walk);
    if (frontier.length === 0) return null;
    if (round < limits.maxHops) return { sources: walk.sources, round, frontier };
    const isCut = frontier.some((one) =>
      walk.sources.some((source) => leadsTo(walk, source, one) && !asks.has(`${source.name} ${textOf(one)}`)),
    );
    if (isCut) walk.limitsReached.add('HOPS');
    return null;
  };

  /** An earlier walk that got the same answers up to here. */
  const sameAs = (walk: Walk, asked: readonly Ask[]): Walk | undefined => {
    const [first] = walk.steps[0]?.asks ?? asked;
    const earlier = first?.given && finished.get(first.given)?.get(walk.key);
    const then = earlier?.steps[walk.steps.length]?.asks;
    return then?.length === asked.length &&
      walk.steps.every(({ asks: some }, i) =>
        some.every((one, j) => isSame(one, earlier?.steps[i]?.asks[j])),
      ) &&
      asked.every((one, i) => isSame(one, then[i]))
      ? earlier
      : undefined;
  };

  const remember = (walk: Walk): void => {
    const first = walk.steps[0]?.asks[0];
    if (first?.given === undefined || [...walk.asks].some(({ given }) => given === undefined)) return;
    const walks = finished.get(first.given) ?? new Map<string, Walk>();
    walks.set(walk.key, walk);
    finished.set(first.given, walks);
  };

  /** Whether what the sources that were left out might say of the identifier given could only join what is there. */
  const isSettled = (walk: Walk): boolean => {
    const records = landed(walk);
    if (records.length === 0 || namespaces.get(walk.start.namespace)?.mayLink?.(walk.start.value) === false)
      return false;
    return records.every((record) => {
      if (textOf(record.own) === textOf(walk.start)) return true;
      const held = record.holds.get(textOf(walk.start)) ?? { identifier: walk.start, verified: false };
      return vouches(record, held, answerOf) !== null;
    });
  };

  /** Whether the source might tell by the identifier of a record that the walk does not know. */
  const leadsTo = (walk: Walk, source: IdentifyingSource, identifier: Identifier): boolean => {
    const uniqueness = source.identity.askedBy[identifier.namespace]?.uniqueness;
    return (
      uniqueness !== undefined &&
      uniqueness !== 'none' &&
      !(uniqueness === 'enforced' && isHeld(walk, source, textOf(identifier)))
    );
  };

  /** The identifiers to ask by next: those of the records that hang together with where the walk began. */
  const nextOf = (walk: Walk): Identifier[] => {
    const candidates: { identifier: Identifier; text: string; rank: number }[] = [];
    for (const record of hangingTogether(walk)) {
      for (const identifier of [record.own, ...leadsOf(record)]) {
        const text = textOf(identifier);
        if (!walk.known.has(text)) candidates.push({ identifier, text, rank: record.rank });
      }
    }
    candidates.sort((a, b) => a.rank - b.rank || (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
    const next: Identifier[] = [];
    for (const { identifier, text } of candidates) {
      if (walk.known.has(text)) continue;
      const alike = [...walk.known.values()].filter((one) => one.namespace === identifier.namespace);
      if (alike.length >= limits.maxValuesPerNamespace) walk.limitsReached.add('VALUES_PER_NAMESPACE');
      else if (walk.known.size >= limits.maxIdentifiers) walk.limitsReached.add('IDENTIFIERS');
      else {
        walk.known.set(text, identifier);
        next.push(identifier);
      }
    }
    return next;
  };

  /** What a record vouches for, or might once its own source has answered. */
  const leadsOf = (record: KnownRecord): Identifier[] =>
    [...record.holds.values()]
      .filter(({ identifier }) => namespaces.get(identifier.namespace)?.mayLink?.(identifier.value) !== false)
      .filter((held) => vouches(record, held, answerOf) !== null)
      .map(({ identifier }) => identifier);

  /**
   * Without regard to conflicts: a line that is not drawn was found all the same by whoever begins on its other side, and
   * all must see the same.
   */
  const hangingTogether = (walk: Walk): KnownRecord[] => {
    const begin = landed(walk);
    if (begin.length === walk.records.size) return begin;
    const holdings = holdingsOf(walk);
    const seen = new Map(begin.map((record) => [record.key, record]));
    const all = [...walk.records.values()].map((record) => ({
      record,
      texts: linesOf(record, holdings(record), answerOf, namespaces).map(({ identifier }) =>
        textOf(identifier),
      ),
    }));
    const texts = new Set(all.filter(({ record }) => seen.has(record.key)).flatMap((one) => one.texts));
    for (let size = -1; size !== seen.size;) {
      size = seen.size;
      for (const one of all) {
        if (seen.has(one.record.key) || !one.texts.some((text) => texts.has(text))) continue;
        seen.set(one.record.key, one.record);
        for (const text of one.texts) texts.add(text);
      }
    }
    return [...seen.values()];
  };

  /** Waits for a round of all walks that go in step, not longer for slow systems than they are worth. */
  const settle = async (walks: readonly Walk[], begun: readonly Ask[]): Promise<void> => {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limits.patienceMs);
    });
    const all = Promise.all(begun.map(({ done }) => done));
    try {
      await Promise.race([all, patience]);
      // They might hold several people under the identifier: without them nobody can be shown.
      if (walks.some(({ round }) => round === 0))
        await Promise.all(begun.filter(mustBeHeard).map(({ done }) => done));
      await Promise.all(walks.filter(({ round }) => round === 0).map(untilSomebodyKnows));
    } finally {
      clearTimeout(timer);
      all.catch(() => undefined);
    }
  };

  /** Or until there is nobody left to ask. */
  const untilSomebodyKnows = async (walk: Walk): Promise<void> => {
    while (landed(walk).length === 0) {
      const pending = [...walk.asks].filter(isPending);
      if (pending.length === 0) return;
      await Promise.race(pending.map(({ done }) => done));
    }
  };

  const run = async (group: typeof waiting): Promise<void> => {
    let going = group;
    try {
      while (going.length > 0) {
        const walks = going.map(({ walk }) => walk);
        const begun: Ask[][] = [];
        await turns.each(walks, (one) => {
          begun.push(askRound(one));
        });
        const all = begun.flat();
        if (all.length > 0) await settle(walks, all);
        const further: typeof waiting = [];
        await turns.each(going, (one, i) => {
          const { walk, resolve } = one;
          const asked = begun[i] ?? [];
          for (const { answer = [] } of walk.asks) for (const one of answer) walk.records.set(one.key, one);
          const known = sameAs(walk, asked);
          // Nobody was asked any more after this, so nobody has to be now.
          if (known?.steps.slice(walk.steps.length + 1).every(({ asks: later }) => later.length === 0)) {
            resolve(known);
            return;
          }
          const next =
            known === undefined ? takeIn(walk, asked) : (known.steps[walk.steps.length]?.next ?? null);
          walk.steps.push({ asks: asked, next });
          if (next === null) {
            remember(walk);
            for (const limit of walk.limitsReached) rules.onLimit?.(limit);
            resolve(walk);
            return;
          }
          Object.assign(walk, next);
          for (const identifier of next.frontier) walk.known.set(textOf(identifier), identifier);
          further.push(one);
        });
        going = further;
      }
    } catch (error) {
      for (const { reject } of going) reject(error);
    }
  };

  const walk = (start: Identifier, sources: readonly IdentifyingSource[]): Promise<Walk> =>
    new Promise((resolve, reject) => {
      const own: Walk = {
        key: `${textOf(start)} ${sources.map(({ name }) => name).join(' ')}`,
        start,
        sources,
        round: 0,
        known: new Map([[textOf(start), start]]),
        frontier: [start],
        asks: new Set(),
        records: new Map(),
        limitsReached: new Set(),
        steps: [],
      };
      if (waiting.length === 0)
        queueMicrotask(() => {
          const group = waiting;
          waiting = [];
          void run(group);
        });
      waiting.push({ walk: own, resolve, reject });
    });

  return {
    walk,
    match: (one) => match([...one.records.values()], holdingsOf(one), answerOf, rules),
  };
}

/** The records that the systems tell of when asked by the identifier given. */
export function landed({ start, asks }: Walk): KnownRecord[] {
  const text = textOf(start);
  const records = new Map<string, KnownRecord>();
  for (const { identifier, answer = [] } of asks)
    if (textOf(identifier) === text) for (const one of answer) records.set(one.key, one);
  return [...records.values()];
}

/** A source that does not keep the identifier unique may tell of several people. */
function mustBeHeard({ source, identifier }: Ask): boolean {
  return source.identity.askedBy[identifier.namespace]?.uniqueness !== 'enforced';
}

function isSame(one: Ask, other: Ask | undefined): boolean {
  return (
    one.given !== undefined &&
    one.given === other?.given &&
    one.source === other.source &&
    one.identifier.value === other.identifier.value
  );
}

export function isPending({ answer, error }: Ask): boolean {
  return answer === undefined && error === undefined;
}

function isHeld({ records }: Walk, source: IdentifyingSource, text: string): boolean {
  for (const record of records.values())
    if (record.source === source && (textOf(record.own) === text || record.holds.has(text))) return true;
  return false;
}
