import { hash, randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.js';
import type { Erasures } from '../identity/erasures.js';
import type { Part } from '../loaders/provenance.js';
import type { LoaderRegistry } from '../loaders/registry.js';
import { TransientMap } from '../v8/transient-map.js';
import { textOfAudience } from '../privacy/access.js';
import type { AuditEntry } from '../privacy/audit-line.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { Answer, OperationRequest } from './answer.js';
import type { Auditor } from './audit.js';
import type { CostLimits, SettledCost } from './cost-limits.js';
import { toClientErrors, type ErrorLog } from './errors.js';
import type { Principal } from './principal.js';

export interface ResponseCacheOptions {
  /** For the bytes. */
  maxBytes: number;
  registry: Pick<LoaderRegistry, 'version'>;
  erasures: Pick<Erasures, 'loading' | 'version'>;
  limits: Pick<CostLimits, 'chargeAgain'>;
  /** Undefined: nothing is audited. */
  auditor: Pick<Auditor, 'write'> | undefined;
  metrics: Pick<Metrics, 'responseCacheAnswered' | 'cacheAnswered'>;
  errorLog: ErrorLog;
  clock: Clock;
}

/** For whom an answer is that was made for another request. */
export type CacheRequester = Pick<OperationRequest, 'principal' | 'requestId' | 'signal'>;

/**
 * Answers that a request receives though they were made for another: to the same operation, for an audience that may see
 * the same. Each is charged, audited and counted as if it had been made for the request alone.
 */
export interface ResponseCache {
  /** What tells the same operations of an audience from all others. */
  keyOf(principal: Principal, question: Uint8Array): string;
  /** The text that was sent before, as long as all that it was made of is cached and fresh. */
  cached(key: string, ask: CacheRequester): Promise<Cached | undefined>;
  /** The answer that is being made at this moment, or else the one that this makes. */
  coalesce(key: string, ask: CacheRequester, make: () => Promise<Made>): Promise<Shareable>;
}

/** An answer, and what its operation is called. */
export interface Made {
  answer: Answer;
  operationName: string | undefined;
}

export interface Shareable extends Made {
  /** Set when the answer was made for another request. */
  freshness?: Freshness;
  /** Caches its text, if it was made of nothing but what was cached and fresh. Left out: it is not to be cached. */
  store?: (text: string) => void;
}

export interface Cached {
  text: Uint8Array;
  operationName: string | undefined;
  freshness: Freshness;
}

interface Freshness {
  ageMs: number;
  freshMs: number;
}

/** What it takes to give an answer to another request. */
interface Bill {
  operationName: string | undefined;
  cost: SettledCost;
  auditEntry: AuditEntry | undefined;
  /** As of that time by the engine's clock. */
  freshness: Freshness & { at: number };
}

interface Entry extends Bill {
  text: Uint8Array;
  parts: readonly Part[];
  /** The version of the list of erased customers that it was made by. */
  erased: number;
}

interface InFlight {
  /** What had been forgotten when it began. */
  version: number;
  erased: number;
  /** Undefined: nobody else can have it. */
  made: Promise<{ answer: Answer; bill: Bill } | undefined>;
}

/** What an answer says of the time of day is no older than this, however long its parts are fresh. */
const MAX_AGE_MS = 60_000;

/** What a kept answer takes beside its bytes. */
const ANSWER_BYTES = 1_000;
const PART_BYTES = 50;

export function createResponseCache(options: ResponseCacheOptions): ResponseCache {
  const { maxBytes, registry, erasures, limits, auditor, metrics, errorLog, clock } = options;
  const entries = new LRUCache<string, Entry>({
    maxSize: maxBytes,
    sizeCalculation: ({ text, parts }) => ANSWER_BYTES + text.length + PART_BYTES * parts.length,
  });
  const inFlight = new TransientMap<string, InFlight>();
  const audiences = new WeakMap<Principal, Buffer>();
  // So that nobody can find out from a key what was asked about whom.
  const secret = randomUUID();

  const audienceOf = (principal: Principal): Buffer => {
    let audience = audiences.get(principal);
    if (audience === undefined)
      audiences.set(principal, (audience = Buffer.from(`${secret}\n${textOf(principal)}\n`)));
    return audience;
  };

  /** Undefined: the answer is for its own request only. */
  const billOf = ({ answer, operationName }: Made): Bill | undefined => {
    const { result, provenance, cost, auditEntry } = answer;
    const freshness = provenance?.freshness();
    if (result.data == null || cost === undefined || freshness === undefined) return undefined;
    return { operationName, cost, auditEntry, freshness: { at: clock.now(), ...freshness } };
  };

  /** How fresh the answer is by now. Undefined: the request must be answered, or refused, by itself. */
  const settle = async (
    { principal, requestId }: CacheRequester,
    bill: Bill,
  ): Promise<Freshness | undefined> => {
    const { cost, auditEntry, freshness } = bill;
    const { caller } = principal;
    if (!limits.chargeAgain(cost, caller)) return undefined;
    if (auditEntry !== undefined) {
      const entry = { ...auditEntry, requestId, caller: caller.name };
      if ((await auditor?.write(entry)) === false) return undefined;
    }
    const passedMs = clock.now() - freshness.at;
    return { ageMs: freshness.ageMs + passedMs, freshMs: freshness.freshMs - passedMs };
  };

  const isUsable = ({ freshness, parts, erased }: Entry): boolean =>
    clock.now() - freshness.at < Math.min(freshness.freshMs, MAX_AGE_MS) &&
    erased === erasures.version &&
    !parts.some(({ entryState }) => entryState.isDropped);

  return {
    keyOf: (principal, question) =>
      hash('sha256', Buffer.concat([audienceOf(principal), question]), 'base64url'),
    cached: async (key, ask) => {
      const known = entries.get(key);
      if (known === undefined || erasures.loading() !== undefined) return undefined;
      if (!isUsable(known)) {
        entries.delete(key);
        return undefined;
      }
      const freshness = await settle(ask, known);
      if (freshness === undefined) return undefined;
      for (const { source, entryState } of known.parts) {
        entryState.reads += 1;
        metrics.cacheAnswered(source, 'hit');
      }
      metrics.responseCacheAnswered('hit');
      const { text, operationName } = known;
      return { text, operationName, freshness };
    },
    coalesce: async (key, ask, make) => {
      const { version } = registry;
      const erased = erasures.version;
      const ahead = inFlight.get(key);
      if (ahead?.version === version && ahead.erased === erased) {
        const made = await ahead.made;
        const freshness = made === undefined ? undefined : await settle(ask, made.bill);
        if (made === undefined || freshness === undefined) return make();
        metrics.responseCacheAnswered('shared');
        const { result } = made.answer;
        const { errors = [] } = result;
        const own = errors.length === 0 ? {} : { errors: toClientErrors(errors, ask.requestId, errorLog) };
        const answer = { ...made.answer, result: { ...result, ...own } };
        return { answer, operationName: made.bill.operationName, freshness };
      }
      let resolve: (made: { answer: Answer; bill: Bill } | undefined) => void = () => undefined;
      const own: InFlight = { version, erased, made: new Promise((settled) => (resolve = settled)) };
      inFlight.set(key, own);
      const end = (): void => {
        resolve(undefined);
        if (inFlight.get(key) === own) inFlight.delete(key);
      };
      // What is given up may never come to an end.
      ask.signal?.addEventListener('abort', end, { once: true });
      try {
        const made = await make();
        const bill = billOf(made);
        if (bill === undefined) return made;
        const { answer, operationName } = made;
        resolve({ answer, bill });
        return {
          answer,
          operationName,
          store: (text) => {
            const parts = answer.provenance?.parts();
            if (parts !== undefined) entries.set(key, { ...bill, text: Buffer.from(text), parts, erased });
          },
        };
      } finally {
        end();
      }
    },
  };
}

/** All by which two callers' answers to the same question may differ, and who comes first when systems make them wait. */
function textOf({ audience, permissions: { ownIdentifier }, caller }: Principal): string {
  const { findsBy, operations, priority } = caller;
  const namespaces = findsBy === 'all' ? 'all' : [...findsBy].sort().join(' ');
  return JSON.stringify([textOfAudience(audience), namespaces, ownIdentifier ?? null, operations, priority]);
}
