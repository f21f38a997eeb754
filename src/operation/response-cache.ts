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
  /** Maximum memory of the cached answers, in bytes. */
  maxBytes: number;
  registry: Pick<LoaderRegistry, 'version'>;
  erasures: Pick<Erasures, 'loading' | 'version'>;
  limits: Pick<CostLimits, 'chargeAgain'>;
  /** Undefined if nothing is audited. */
  auditor: Pick<Auditor, 'write'> | undefined;
  metrics: Pick<Metrics, 'responseCacheAnswered' | 'cacheAnswered'>;
  errorLog: ErrorLog;
  clock: Clock;
}

/** The request that gets the answer of another request. */
export type CacheRequester = Pick<OperationRequest, 'principal' | 'requestId' | 'signal'>;

/**
 * Caches answers, and coalesces equal requests. A request gets the answer of another request if both have the same
 * operation and the same permissions. It is charged, audited and counted as if the answer was made for it.
 */
export interface ResponseCache {
  /** The key of a request: equal for equal requests with equal permissions. */
  keyOf(principal: Principal, request: Uint8Array): string;
  /** Returns a cached answer, if all records in it are still cached and fresh. */
  cached(key: string, requester: CacheRequester): Promise<CachedAnswer | undefined>;
  /** Returns the answer of an equal in-flight request. If there is none, calls `compute`. */
  coalesce(
    key: string,
    requester: CacheRequester,
    compute: () => Promise<ComputedAnswer>,
  ): Promise<ResolvedAnswer>;
}

/** An answer, and the name of its operation. */
export interface ComputedAnswer {
  answer: Answer;
  operationName: string | undefined;
}

export interface ResolvedAnswer extends ComputedAnswer {
  /** Set if the answer was made for another request. */
  freshness?: Freshness;
  /**
   * Caches the text of the answer, if all its records were cached and fresh. Undefined if the answer cannot be
   * cached.
   */
  store?: (text: string) => void;
}

export interface CachedAnswer {
  text: Uint8Array;
  operationName: string | undefined;
  freshness: Freshness;
}

interface Freshness {
  ageMs: number;
  freshMs: number;
}

/** What is needed to charge, audit and count an answer for another request. */
interface SharedAnswerInfo {
  operationName: string | undefined;
  cost: SettledCost;
  auditEntry: AuditEntry | undefined;
  /** The freshness at the time `at` of the clock. */
  freshness: Freshness & { at: number };
}

interface Entry extends SharedAnswerInfo {
  text: Uint8Array;
  parts: readonly Part[];
  /** The version of the list of erased customers when the answer was computed. */
  erasureVersion: number;
}

interface InFlight {
  /** The version of the loaders when the request began. It changes when records are forgotten. */
  version: number;
  erasureVersion: number;
  /** Undefined if the answer cannot be shared. */
  computed: Promise<{ answer: Answer; info: SharedAnswerInfo } | undefined>;
}

/** Maximum age of a cached answer. It bounds the age of values that depend on the current time. */
const MAX_AGE_MS = 60_000;

/** Memory of a cached answer beside its text, in bytes. */
const BYTES_PER_ANSWER = 1_000;
/** Memory of a reference from an answer to a cached record, in bytes. */
const BYTES_PER_PART = 50;

export function createResponseCache(options: ResponseCacheOptions): ResponseCache {
  const { maxBytes, registry, erasures, limits, auditor, metrics, errorLog, clock } = options;
  const entries = new LRUCache<string, Entry>({
    maxSize: maxBytes,
    sizeCalculation: ({ text, parts }) => BYTES_PER_ANSWER + text.length + BYTES_PER_PART * parts.length,
  });
  const inFlight = new TransientMap<string, InFlight>();
  const audiences = new WeakMap<Principal, Buffer>();
  // With the secret, a key does not reveal the request or its customer.
  const secret = randomUUID();

  const audienceOf = (principal: Principal): Buffer => {
    let audience = audiences.get(principal);
    if (audience === undefined)
      audiences.set(principal, (audience = Buffer.from(`${secret}\n${textOf(principal)}\n`)));
    return audience;
  };

  /** Undefined if the answer cannot be shared. */
  const infoOf = ({ answer, operationName }: ComputedAnswer): SharedAnswerInfo | undefined => {
    const { result, provenance, cost, auditEntry } = answer;
    const freshness = provenance?.freshness();
    if (result.data == null || cost === undefined || freshness === undefined) return undefined;
    return { operationName, cost, auditEntry, freshness: { at: clock.now(), ...freshness } };
  };

  /**
   * Charges and audits the answer, and returns its current freshness. Undefined if the request must be answered
   * separately.
   */
  const settle = async (
    { principal, requestId }: CacheRequester,
    info: SharedAnswerInfo,
  ): Promise<Freshness | undefined> => {
    const { cost, auditEntry, freshness } = info;
    const { caller } = principal;
    if (!limits.chargeAgain(cost, caller)) return undefined;
    if (auditEntry !== undefined) {
      const entry = { ...auditEntry, requestId, caller: caller.name };
      if ((await auditor?.write(entry)) === false) return undefined;
    }
    const elapsedMs = clock.now() - freshness.at;
    return { ageMs: freshness.ageMs + elapsedMs, freshMs: freshness.freshMs - elapsedMs };
  };

  const isUsable = ({ freshness, parts, erasureVersion }: Entry): boolean =>
    clock.now() - freshness.at < Math.min(freshness.freshMs, MAX_AGE_MS) &&
    erasureVersion === erasures.version &&
    !parts.some(({ entryState }) => entryState.isDropped);

  return {
    keyOf: (principal, request) =>
      hash('sha256', Buffer.concat([audienceOf(principal), request]), 'base64url'),
    cached: async (key, requester) => {
      const entry = entries.get(key);
      if (entry === undefined || erasures.loading() !== undefined) return undefined;
      if (!isUsable(entry)) {
        entries.delete(key);
        return undefined;
      }
      const freshness = await settle(requester, entry);
      if (freshness === undefined) return undefined;
      for (const { source, entryState } of entry.parts) {
        entryState.reads += 1;
        metrics.cacheAnswered(source, 'hit');
      }
      metrics.responseCacheAnswered('hit');
      const { text, operationName } = entry;
      return { text, operationName, freshness };
    },
    coalesce: async (key, requester, compute) => {
      const { version } = registry;
      const erasureVersion = erasures.version;
      const other = inFlight.get(key);
      if (other?.version === version && other.erasureVersion === erasureVersion) {
        const computed = await other.computed;
        const freshness = computed === undefined ? undefined : await settle(requester, computed.info);
        if (computed === undefined || freshness === undefined) return compute();
        metrics.responseCacheAnswered('shared');
        const answer = withErrorsFor(requester.requestId, computed.answer, errorLog);
        return { answer, operationName: computed.info.operationName, freshness };
      }
      let resolve: (computed: { answer: Answer; info: SharedAnswerInfo } | undefined) => void = () =>
        undefined;
      const current: InFlight = {
        version,
        erasureVersion,
        computed: new Promise((settled) => (resolve = settled)),
      };
      inFlight.set(key, current);
      const end = (): void => {
        resolve(undefined);
        if (inFlight.get(key) === current) inFlight.delete(key);
      };
      // A cancelled request may never end, so other requests must not wait for it.
      requester.signal?.addEventListener('abort', end, { once: true });
      try {
        const computed = await compute();
        const info = infoOf(computed);
        if (info === undefined) return computed;
        const { answer, operationName } = computed;
        resolve({ answer, info });
        return {
          answer,
          operationName,
          store: (text) => {
            const parts = answer.provenance?.parts();
            if (parts !== undefined)
              entries.set(key, { ...info, text: Buffer.from(text), parts, erasureVersion });
          },
        };
      } finally {
        end();
      }
    },
  };
}

/** Replaces the errors of a shared answer, because errors contain and log the id of their request. */
function withErrorsFor(requestId: string, answer: Answer, errorLog: ErrorLog): Answer {
  const { result } = answer;
  const { errors = [] } = result;
  if (errors.length === 0) return answer;
  return { ...answer, result: { ...result, errors: toClientErrors(errors, requestId, errorLog) } };
}

/** All properties of a principal on which an answer, or its priority, depends. */
function textOf({ audience, permissions: { ownIdentifier }, caller }: Principal): string {
  const { findsBy, operations, priority } = caller;
  const namespaces = findsBy === 'all' ? 'all' : [...findsBy].sort().join(' ');
  return JSON.stringify([textOfAudience(audience), namespaces, ownIdentifier ?? null, operations, priority]);
}
