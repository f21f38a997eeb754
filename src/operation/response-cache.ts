import { hash, randomUUID } from 'node:crypto';
import type { ExecutionResult } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.js';
import type { Erasures } from '../identity/erasures.js';
import type { Part } from '../loaders/provenance.js';
import type { LoaderRegistry } from '../loaders/registry.js';
import { TransientMap } from '../v8/transient-map.js';
import { textOfAudience } from '../privacy/access.js';
import type { AuditEntry } from '../privacy/audit-line.js';
import type { Metrics } from '../telemetry/metrics.js';
import { nameOperation, startRequest } from '../telemetry/tracing.js';
import type { Auditor } from './audit.js';
import { askerOf, type Asker } from './caller.js';
import { tellsCost, type Cost, type CostLimits } from './cost-limits.js';
import { requestIdOf } from './request-id.js';
import { stateOf, type RequestHead } from './request-state.js';

export interface WholeAnswersOptions {
  /** For the bytes. */
  maxBytes: number;
  registry: Pick<LoaderRegistry, 'version'>;
  erasures: Pick<Erasures, 'loading' | 'version'>;
  limits: Pick<CostLimits, 'chargeAgain'>;
  /** Undefined: nothing is audited. */
  auditor: Pick<Auditor, 'write'> | undefined;
  metrics: Pick<Metrics, 'answeredWhole' | 'cacheAnswered'>;
  clock: Clock;
}

/**
 * Answers that a request is given though they were made for another: to the same question, for an audience that may see
 * the same. Each is charged, audited and counted as if it had been made for the request alone.
 */
export interface WholeAnswers {
  /** What tells the same questions of an audience from all others; undefined when a request is to be answered by itself. */
  keyOf(request: RequestHead, body: Uint8Array | undefined): string | undefined;
  /** The text that was sent before, as long as all that it was made of is kept and fresh. */
  kept(key: string, request: RequestHead): Promise<Uint8Array | undefined>;
  /** The answer that is being made at this moment, or else the one that this makes. */
  once(key: string, request: RequestHead, make: () => Promise<Answer>): Promise<Made>;
}

/** Undefined: it may come bit by bit. */
type Answer = ExecutionResult | undefined;

export interface Made {
  result: Answer;
  /** Keeps its text, if it was made of nothing but what was kept and fresh. Left out: it is not to be kept. */
  keep?: (text: string) => void;
}

/** What it takes to give an answer to another request. */
interface Bill {
  operationName: string | undefined;
  cost: Cost;
  auditEntry: AuditEntry | undefined;
  /** At that time by the engine's clock it was so old, and fresh for so long. */
  freshness: { at: number; ageMs: number; freshMs: number };
}

interface CachedResponse extends Bill {
  text: Uint8Array;
  parts: readonly Part[];
  /** The version of the list of erased customers that it was made by. */
  erased: number;
}

interface UnderWay {
  /** What had been forgotten when it began. */
  version: number;
  erased: number;
  /** Undefined: nobody else can have it. */
  made: Promise<Shared | undefined>;
}

interface Shared {
  result: ExecutionResult;
  bill: Bill;
}

/** What an answer says of the time of day is no older than this, however long its parts are fresh. */
const MAX_AGE_MS = 60_000;

/** What a kept answer takes beside its bytes. */
const ANSWER_BYTES = 1_000;
const PART_BYTES = 50;

/** Who sends one of these wants something of how it is answered. */
const SPECIAL_HEADERS = ['x-sources', 'cache-control', 'prefer', 'x-priority'] as const;

export function createWholeAnswers(options: WholeAnswersOptions): WholeAnswers {
  const { maxBytes, registry, erasures, limits, auditor, metrics, clock } = options;
  const answers = new LRUCache<string, CachedResponse>({
    maxSize: maxBytes,
    sizeCalculation: ({ text, parts }) => ANSWER_BYTES + text.length + PART_BYTES * parts.length,
  });
  const underWay = new TransientMap<string, UnderWay>();
  const audiences = new WeakMap<Asker, Buffer>();
  // So that nobody can find out from a key what was asked about whom.
  const secret = randomUUID();

  const audienceOf = (asker: Asker): Buffer => {
    let audience = audiences.get(asker);
    if (audience === undefined)
      audiences.set(asker, (audience = Buffer.from(`${secret}\n${textOf(asker)}\n`)));
    return audience;
  };

  /** Undefined: the answer is for its own request only. */
  const billOf = (request: RequestHead, result: Answer): Bill | undefined => {
    const { context, cost, auditEntry, operation } = stateOf(request);
    const told = context?.provenance.freshness();
    if (result?.data == null || cost === undefined || told === undefined) return undefined;
    return { operationName: operation?.name, cost, auditEntry, freshness: { at: clock.now(), ...told } };
  };

  /** False: the request must be answered, or refused, by itself. */
  const settle = async (request: RequestHead, bill: Bill): Promise<boolean> => {
    const { cost, auditEntry, operationName, freshness } = bill;
    const { caller } = askerOf(request);
    if (!limits.chargeAgain(cost, caller)) return false;
    if (auditEntry !== undefined) {
      const entry = { ...auditEntry, requestId: requestIdOf(request), caller: caller.name };
      if ((await auditor?.write(entry)) === false) return false;
    }
    const state = stateOf(request);
    const passedMs = clock.now() - freshness.at;
    state.freshness = { ageMs: freshness.ageMs + passedMs, freshMs: freshness.freshMs - passedMs };
    if (state.operation !== undefined) state.operation.name = operationName;
    state.trace = startRequest(request.headers);
    nameOperation(state.trace, 'query', operationName);
    return true;
  };

  const isUsable = ({ freshness, parts, erased }: CachedResponse): boolean =>
    clock.now() - freshness.at < Math.min(freshness.freshMs, MAX_AGE_MS) &&
    erased === erasures.version &&
    !parts.some(({ standing }) => standing.isDropped);

  return {
    keyOf: (request, body) => {
      const asker = askerOf(request);
      if (tellsCost(asker.caller, request)) return undefined;
      if (SPECIAL_HEADERS.some((name) => request.headers.get(name) !== null)) return undefined;
      const question = Buffer.concat([audienceOf(asker), body ?? Buffer.from(request.url)]);
      return hash('sha256', question, 'base64url');
    },
    kept: async (key, request) => {
      const known = answers.get(key);
      if (known === undefined || erasures.loading() !== undefined) return undefined;
      if (!isUsable(known)) {
        answers.delete(key);
        return undefined;
      }
      if (!(await settle(request, known))) return undefined;
      for (const { source, standing } of known.parts) {
        standing.reads += 1;
        metrics.cacheAnswered(source, 'hit');
      }
      metrics.answeredWhole('kept');
      return known.text;
    },
    once: async (key, request, make) => {
      const { version } = registry;
      const erased = erasures.version;
      const ahead = underWay.get(key);
      if (ahead?.version === version && ahead.erased === erased) {
        const made = await ahead.made;
        if (made === undefined || !(await settle(request, made.bill))) return { result: await make() };
        metrics.answeredWhole('shared');
        return { result: made.result };
      }
      let tell: (made: Shared | undefined) => void = () => undefined;
      const own: UnderWay = { version, erased, made: new Promise((resolve) => (tell = resolve)) };
      underWay.set(key, own);
      const end = (): void => {
        tell(undefined);
        if (underWay.get(key) === own) underWay.delete(key);
      };
      // What is given up may never come to an end.
      request.signal.addEventListener('abort', end, { once: true });
      try {
        const result = await make();
        const bill = billOf(request, result);
        if (result === undefined || bill === undefined) return { result };
        tell({ result, bill });
        return {
          result,
          keep: (text) => {
            const parts = stateOf(request).context?.provenance.parts();
            if (parts !== undefined) answers.set(key, { ...bill, text: Buffer.from(text), parts, erased });
          },
        };
      } finally {
        end();
      }
    },
  };
}

/** All by which two callers' answers to the same question may differ, and who comes first when systems make them wait. */
function textOf({ audience, rights: { own }, caller }: Asker): string {
  const { findsBy, operations, priority } = caller;
  const namespaces = findsBy === 'all' ? 'all' : [...findsBy].sort().join(' ');
  return JSON.stringify([textOfAudience(audience), namespaces, own ?? null, operations, priority]);
}
