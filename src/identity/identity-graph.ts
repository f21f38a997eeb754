import { AmbiguousIdentityError, ErasedError, type GatewayError } from '../errors.js';
import type { Load } from '../loaders/registry.js';
import { sideTable } from '../side-table.js';
import { Turns } from '../turns.js';
import type { CustomerRecord } from './declaration.js';
import { NOBODY_ERASED, refuseErased, type Erasures } from './erasures.js';
import type { Identifier } from './identifiers.js';
import {
  customersAmong,
  textOf,
  type Conflict,
  type IdentifyingSource,
  type IdentityRules,
  type KnownRecord,
  type Limit,
  type Line,
} from './matching.js';
import { createWalker, isPending, landed, type Walk } from './walk.js';
import { mayLeadTo, sourcesThatMatter } from './who-matters.js';

export type { IdentityRules } from './matching.js';

/** What asking one source has come to. */
export type Outcome =
  /** All the customer's records in the source; the first one is whose single values count. */
  | { kind: 'found'; records: readonly CustomerRecord[] }
  /** It was asked and knows nobody, or nothing that is known is something it can be asked by. */
  | { kind: 'unknown' }
  | { kind: 'failed'; error: GatewayError };

/** A source that was asked by an identifier, and a record that it told of. */
export interface Finding {
  source: string;
  identifier: Identifier;
  record: KnownRecord;
}

/** What would have linked the customer's records with others, and was not followed. */
export interface MatchConflict {
  namespace: string;
  /** That would have come together. */
  values: readonly string[];
  over: Identifier;
}

/** All that is known of who an identifier means. */
export interface Match {
  kind: 'identified' | 'ambiguous' | 'unknown';
  /** How many customers it may mean. */
  candidates: number;
  /** The system that tells of several customers under the identifier, if it is one. */
  severalIn: string | undefined;
  /** The customer's records; of an ambiguous one, those of all candidates. */
  records: readonly KnownRecord[];
  /** Of these records, why they are one customer. */
  lines: readonly Line[];
  findings: readonly Finding[];
  conflicts: readonly MatchConflict[];
  limitsReached: ReadonlySet<Limit>;
  /** Sources that could not be asked. */
  failed: ReadonlyMap<string, GatewayError>;
  asked: ReadonlySet<string>;
}

/** One customer's identifiers and records, found out as they are needed. */
export interface Identity {
  readonly start: Identifier;
  /**
   * Whether any system knows the customer; asks what matters to the wanted sources. Throws AmbiguousIdentityError, or
   * a source's error when nobody knows the customer but not everybody has answered. As all of these: an ErasedError
   * when the customer is erased, and no source is asked when that is known of the identifier itself.
   */
  known(wanted: ReadonlySet<string>): Promise<boolean>;
  /** The customer's records in one source. */
  find(source: string): Promise<Outcome>;
  /** The same, when it is known and nothing that is still to be answered could change it. Throws what `find` fails with. */
  found(source: string): Outcome | undefined;
  /** Everything, of every source. */
  whole(): Promise<Match>;
  /** The record that is believed most of those found so far; undefined when there is none, or nobody knows whose. */
  strongest(): Identifier | undefined;
}

/** One request's identities. Those that are asked for at the same moment walk in step. */
export interface Identities {
  of(start: Identifier): Identity;
}

/** What a walk's answers come to, for as long as no other one has come in. */
const seenOf = sideTable<Walk, { answers: number; match: Match }>();

export function createIdentities(
  rules: IdentityRules,
  load: Load,
  erasures: Erasures = NOBODY_ERASED,
  turns = new Turns(),
): Identities {
  const walker = createWalker(rules, load, turns);
  const identities = new Map<string, Identity>();

  const identityOf = (start: Identifier): Identity => {
    const walks: { sources: readonly IdentifyingSource[]; walk: Promise<Walk>; walked?: Walk }[] = [];
    const begun: Walk[] = [];
    /** What is known of a source, or is being found out. */
    const findings = new Map<string, ReturnType<typeof findIn>>();

    const walkOver = (sources: readonly IdentifyingSource[]) =>
      walks.find((one) => sources.every((source) => one.sources.includes(source)));

    const walkFor = (sources: readonly IdentifyingSource[]): Promise<Walk> => {
      const known = walkOver(sources);
      if (known !== undefined) return known.walk;
      const loading = erasures.loading();
      const walk = loading === undefined ? begin(sources) : loading.then(() => begin(sources));
      const own: (typeof walks)[number] = { sources, walk };
      walk.then(
        (one) => {
          own.walked = one;
          begun.push(one);
        },
        () => undefined,
      );
      walks.push(own);
      return walk;
    };
    const begin = (sources: readonly IdentifyingSource[]): Promise<Walk> => {
      if (!erasures.isEmpty && erasures.has(start)) throw new ErasedError();
      return walker.walk(start, sources);
    };
    const matterTo = (wanted: ReadonlySet<string>) => sourcesThatMatter(rules, wanted, start.namespace);

    const see = async (walk: Walk): Promise<Match> => {
      let seen = look(walk);
      // Nobody is "unknown" while a slow system has not said so.
      while (seen.kind === 'unknown' && [...walk.asks].some(isPending)) {
        await Promise.race([...walk.asks].filter(isPending).map(({ done }) => done));
        seen = look(walk);
      }
      refuseErased(seen, erasures);
      return seen;
    };

    const look = (walk: Walk): Match => {
      let answers = 0;
      for (const one of walk.asks) if (!isPending(one)) answers += 1;
      let last = seenOf.get(walk);
      if (last?.answers !== answers) seenOf.set(walk, (last = { answers, match: lookAnew(walk) }));
      return last.match;
    };

    const lookAnew = (walk: Walk): Match => {
      for (const { answer = [] } of walk.asks) for (const one of answer) walk.records.set(one.key, one);
      const matching = walker.match(walk);
      const begin = landed(walk);
      const several = Math.max(
        0,
        ...[...walk.asks]
          .filter(({ identifier }) => textOf(identifier) === textOf(start))
          .map(({ answer = [] }) => customersAmong(answer)),
      );
      const customers = [...new Set(begin.map((record) => matching.customerOf(record)))];
      const candidates = several > 1 ? several : customers.length;
      const records = customers.flat().sort(byPlace);
      const own = new Set(records);
      const lines = matching.lines.filter(({ record }) => own.has(record));
      return {
        kind: candidates === 0 ? 'unknown' : candidates === 1 ? 'identified' : 'ambiguous',
        candidates,
        severalIn: several > 1 ? sourceOfSeveral(walk) : undefined,
        records,
        lines,
        findings: [...walk.asks].flatMap(({ source, identifier, answer = [] }) =>
          answer
            .filter((record) => own.has(record))
            .map((record) => ({ source: source.name, identifier, record })),
        ),
        conflicts: conflictsOf(matching.conflicts, own, [
          start,
          ...lines.map(({ identifier }) => identifier),
        ]),
        limitsReached: walk.limitsReached,
        failed: new Map(
          [...walk.asks].flatMap(({ source, error }) => (error === undefined ? [] : [[source.name, error]])),
        ),
        asked: new Set([...walk.asks].map(({ source }) => source.name)),
      };
    };

    const outcomeOf = (walk: Walk, seen: Match, name: string): Outcome => {
      if (seen.kind === 'ambiguous')
        return { kind: 'failed', error: new AmbiguousIdentityError(seen.severalIn, seen.candidates) };
      const own = seen.records.filter(({ source }) => source.name === name);
      if (own.length > 0) return { kind: 'found', records: own.sort(byNews).map(({ record }) => record) };
      const asked = [...walk.asks].filter(({ source }) => source.name === name);
      const error = asked.find((one) => one.error !== undefined)?.error;
      if (error !== undefined) return { kind: 'failed', error };
      const several = Math.max(0, ...asked.map(({ answer = [] }) => customersAmong(answer)));
      if (several > 1) return { kind: 'failed', error: new AmbiguousIdentityError(name, several) };
      const source = rules.sources.find((one) => one.name === name);
      const conflict = seen.conflicts.find(({ namespace }) => namespace === source?.identity.recordKey);
      if (conflict !== undefined)
        return { kind: 'failed', error: new AmbiguousIdentityError(name, conflict.values.length) };
      if (asked.length > 0) return { kind: 'unknown' };
      // It could not be asked at all. When a system that might have told by what to ask it is down, that is the reason.
      const reason = [...seen.failed].find(([failed]) => mayLeadTo(rules.sources, failed, name));
      return reason === undefined ? { kind: 'unknown' } : { kind: 'failed', error: reason[1] };
    };

    const sourceOfSeveral = (walk: Walk): string | undefined =>
      [...walk.asks].find(
        ({ identifier, answer = [] }) => textOf(identifier) === textOf(start) && customersAmong(answer) > 1,
      )?.source.name;

    const findIn = async (name: string): Promise<{ outcome: Outcome; seen: Match }> => {
      let isLast = false;
      try {
        if (!rules.sources.some((source) => source.name === name))
          throw new Error(`The source "${name}" holds no customers.`);
        const walk = await walkFor(matterTo(new Set([name])));
        await Promise.all(
          [...walk.asks].filter(({ source }) => source.name === name).map(({ done }) => done),
        );
        const seen = await see(walk);
        isLast = ![...walk.asks].some(isPending);
        return { outcome: outcomeOf(walk, seen, name), seen };
      } finally {
        // What has still to be answered may change it.
        if (!isLast) findings.delete(name);
      }
    };

    return {
      start,
      known: async (wanted) => {
        const walk = await walkFor(matterTo(wanted));
        const seen = await see(walk);
        if (seen.kind === 'ambiguous') throw new AmbiguousIdentityError(seen.severalIn, seen.candidates);
        // Nobody knows the customer, but not everybody answered: that is no "unknown".
        const [reason] = seen.failed.values();
        if (seen.kind === 'unknown' && reason !== undefined) throw reason;
        return seen.kind === 'identified';
      },
      find: async (name) => {
        let finding = findings.get(name);
        if (finding === undefined) findings.set(name, (finding = findIn(name)));
        const { outcome, seen } = await finding;
        refuseErased(seen, erasures);
        return outcome;
      },
      found: (name) => {
        const walk = walkOver(matterTo(new Set([name])))?.walked;
        if (walk === undefined || [...walk.asks].some(isPending)) return undefined;
        const seen = look(walk);
        refuseErased(seen, erasures);
        return outcomeOf(walk, seen, name);
      },
      whole: async () => {
        const walk = await walkFor(rules.sources);
        await Promise.all([...walk.asks].map(({ done }) => done));
        return see(walk);
      },
      strongest: () => {
        let best: KnownRecord | undefined;
        for (const walk of begun) {
          const { kind, records } = look(walk);
          const [first] = records;
          if (kind !== 'identified' || first === undefined) continue;
          if (best === undefined || byPlace(first, best) < 0) best = first;
        }
        return best?.own;
      },
    };
  };

  return {
    of: (start) => {
      const text = textOf(start);
      let identity = identities.get(text);
      if (identity === undefined) identities.set(text, (identity = identityOf(start)));
      return identity;
    },
  };
}

/** Those that touch the customer, each once, in an order that does not depend on who answered first. */
function conflictsOf(
  conflicts: readonly Conflict[],
  own: ReadonlySet<KnownRecord>,
  identifiers: readonly Identifier[],
): MatchConflict[] {
  const texts = new Set(identifiers.map(textOf));
  const found = new Map<string, MatchConflict>();
  for (const { line, namespace, values } of conflicts) {
    const over = line.identifier;
    if (own.has(line.record) || texts.has(textOf(over)))
      found.set(`${namespace} ${values.join(' ')} ${textOf(over)}`, { namespace, values, over });
  }
  return [...found].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, conflict]) => conflict);
}

/** In the order of the systems, then of ids: who answered first does not matter. */
function byPlace(one: KnownRecord, other: KnownRecord): number {
  return one.rank - other.rank || (one.own.value < other.own.value ? -1 : 1);
}

/** Whose values count where there is room for one: the record that its system changed last. */
function byNews(one: KnownRecord, other: KnownRecord): number {
  const [a, b] = [one, other].map(({ record }) => Date.parse(record.profile?.updatedAt ?? '') || 0) as [
    number,
    number,
  ];
  if (a !== b) return b - a;
  return one.own.value < other.own.value ? -1 : 1;
}
