import { approximateBytes, type Cache, type Entry, type KeptEntry } from '../cache/cache.js';
import type { Asked, RecentlyForgotten } from '../cache/recently-forgotten.js';
import {
  isNothing,
  judge,
  keepMs,
  maxAgeOf,
  mayStandIn,
  wantedOfUnknown,
  type Freshness,
  type Wanted,
} from '../cache/freshness.js';
import type { Subject, Tags } from '../cache/invalidation.js';
import type { SharedCache } from '../cache/shared-cache.js';
import type { CallScope } from '../connectors/connector.js';
import type { Clock } from '../clock.js';
import { GatewayError, NotCachedError, SourceError } from '../errors.js';
import { PassingMap } from '../passing-map.js';
import type { Priority } from '../priority.js';
import type { Protection } from '../resilience/protection.js';
import { CallController } from '../signal.js';
import { endSourceCall, startRequest, startSourceCall, traceHeaders } from '../telemetry/tracing.js';
import { Turns } from '../turns.js';
import { noteAskedAt } from './asked-at.js';
import { splitIntoBatches, type BatchGroup } from './batches.js';
import { createFlight, serves, toError, whyLate, type Flight, type RequestScope } from './flight.js';
import { failedOrigin } from './provenance.js';

/** What happens on the way, for those who count. */
export interface LoadingObserver {
  cacheAnswered(source: string, how: 'hit' | 'stale' | 'miss' | 'shared'): void;
  batchAsked(source: string, loader: string, size: number): void;
  /** A key could not be loaded, or a whole batch. */
  loadFailed?(loader: string, error: unknown): void;
}

/** How one loader's answers are kept and asked for, with all keys of all requests going the same way. */
export interface PipelineOptions {
  source: string;
  loader: string;
  freshness: Freshness;
  /** The most keys in one batch. */
  maxBatch: number;
  /** Which keys one call can have together. Undefined: all. */
  batchOf: ((key: unknown) => BatchGroup) | undefined;
  /** Whether it tells who somebody is. */
  isIdentity: boolean;
  /** Whether it also tells of whom its system holds consent. */
  holdsConsent: boolean;
  /** Milliseconds that a batch waits for keys of other requests. 0: for those that came in the same turn. */
  windowMs: number;
  /** What an answer is kept under, by its key's text. */
  digest: (text: string) => string;
  load: (keys: readonly unknown[], scope: CallScope) => Promise<readonly unknown[]>;
  about: ((key: unknown, value: unknown) => readonly Subject[] | undefined) | undefined;
  isWhole: (value: unknown) => boolean;
  /** Told of every answer before it is kept, for so long. */
  onAnswer: (key: unknown, value: unknown, keepMs: number) => void;
}

/** What all loaders have in common. */
export interface Surroundings {
  cache: Cache;
  tags: Tags;
  recentlyForgotten: RecentlyForgotten;
  clock: Clock;
  shared: SharedCache | undefined;
  observer: LoadingObserver | undefined;
  /** How long a refresh behind an answer may wait for its turn. */
  refreshMs: number;
}

export interface Pipeline {
  /** The key's answer as the request may have it, at once when it is kept. Rejects with what the request is to be told. */
  answer(key: unknown, text: string, request: RequestScope): unknown;
  /** The answer that is kept, when it is fresh enough for the request; else undefined, and nobody is asked. */
  kept(text: string, request: RequestScope): unknown;
  /** Whoever asks from now on asks the system anew. */
  abandon(): void;
}

export function createPipeline(
  options: PipelineOptions,
  { cache, tags, recentlyForgotten, clock, shared, observer, refreshMs }: Surroundings,
  protection: Protection,
): Pipeline {
  const { source, loader, freshness } = options;
  const flights = new PassingMap<string, Flight>();
  const gathering: Partial<Record<Priority, Flight[]>> = {};
  /** Until something was kept there is nothing to look for, nor a name to be made to look for it by. */
  let hasKept = false;

  const keptUnder = (text: string): KeptEntry | undefined =>
    hasKept ? cache.get(source, options.digest(text)) : undefined;

  const answer = (key: unknown, text: string, request: RequestScope): unknown => {
    const now = clock.now();
    const kept = keptUnder(text);
    const verdict = kept === undefined ? 'ask' : verdictOn(kept, request, now);
    if (kept !== undefined && verdict !== 'ask') {
      if (verdict === 'stale' && request.wanted.onlyIfCached !== true) refresh(key, text, request, now);
      return give(kept, verdict === 'fresh' ? 'cached' : 'stale', request, now);
    }
    if (request.wanted.onlyIfCached === true) {
      // A field that shows what the others hold has no error to tell that this one is missing.
      request.provenance.note(failedOrigin(source, now));
      return Promise.reject(new NotCachedError(source));
    }
    observer?.cacheAnswered(source, 'miss');
    return ask(key, text, request, now);
  };

  const kept = (text: string, request: RequestScope): unknown => {
    const [found, now] = [keptUnder(text), clock.now()];
    if (found === undefined || verdictOn(found, request, now) !== 'fresh') return undefined;
    return give(found, 'cached', request, now);
  };

  const verdictOn = (kept: KeptEntry, request: RequestScope, now: number) =>
    judge({ ageMs: now - kept.askedAt, maxAgeMs: kept.maxAgeMs }, freshness, wantedOf(kept, request));

  /** A customer unknown to a system that holds consent may have refused it there since. */
  const wantedOf = ({ value }: KeptEntry, { wanted, needsConsent }: RequestScope): Wanted =>
    needsConsent === true && options.holdsConsent && isNothing(value) ? wantedOfUnknown(wanted) : wanted;

  const give = (kept: KeptEntry, status: 'cached' | 'stale', request: RequestScope, startedAt: number) => {
    observer?.cacheAnswered(source, status === 'cached' ? 'hit' : 'stale');
    const ageMs = clock.now() - kept.askedAt;
    const { maxAgeMs, standing } = kept;
    request.provenance.note({
      source,
      status,
      ageMs,
      freshMs: maxAgeMs - ageMs,
      startedAt,
      run: undefined,
      standing: status === 'cached' ? standing : undefined,
    });
    return kept.value;
  };

  const ask = async (
    key: unknown,
    text: string,
    request: RequestScope,
    startedAt: number,
  ): Promise<unknown> => {
    const flight = join(key, text, request, startedAt);
    flight.waiting += 1;
    const deadline = options.isIdentity ? request.identityDeadline : request.deadline;
    flight.deadlineAt = Math.max(flight.deadlineAt, deadline.at);
    request.flights.add(flight);
    try {
      const landed = await deadline.race(source, flight.answer, () => whyLate(source, flight));
      const ageMs = clock.now() - landed.askedAt;
      request.provenance.note({
        source,
        status: landed.from,
        ageMs,
        freshMs: landed.maxAgeMs - ageMs,
        startedAt,
        run: flight.run,
        standing: undefined,
      });
      return landed.value;
    } catch (error) {
      // Nobody is there any more to be told, and an execution that has been given up would not listen.
      if (!request.flights.has(flight)) return await new Promise(() => undefined);
      const kept = keptUnder(text);
      if (kept !== undefined && error instanceof SourceError) {
        const ageMs = clock.now() - kept.askedAt;
        if (mayStandIn({ ageMs, maxAgeMs: kept.maxAgeMs }, freshness, wantedOf(kept, request)))
          return give(kept, 'stale', request, startedAt);
      }
      request.provenance.note(failedOrigin(source, startedAt, flight.run));
      throw options.isIdentity ? deadline.explain(error) : error;
    } finally {
      // Whoever left has left when its client hung up.
      if (request.flights.delete(flight)) flight.waiting -= 1;
    }
  };

  /** The flight that serves the request, an own one where what is under way would not. */
  const join = (key: unknown, text: string, request: RequestScope, now: number): Flight => {
    const known = flights.get(text);
    if (known !== undefined && serves(known, request, now)) {
      known.tooOldMs = Math.min(known.tooOldMs, request.wanted.maxAgeMs ?? Infinity);
      return known;
    }
    return start(key, text, request);
  };

  const refresh = (
    key: unknown,
    text: string,
    request: Pick<RequestScope, 'priority' | 'trace'>,
    now: number,
  ): void => {
    if (flights.get(text) !== undefined) return;
    const flight = start(key, text, { ...request, wanted: {} });
    flight.waiting += 1;
    flight.deadlineAt = now + refreshMs;
  };

  /** Behind all else, for what was forgotten. */
  const renewal = (key: unknown, text: string) => (): void => {
    refresh(key, text, { priority: 'bulk', trace: startRequest(new Headers()) }, clock.now());
  };

  const start = (
    key: unknown,
    text: string,
    request: Pick<RequestScope, 'priority' | 'wanted' | 'trace'>,
  ): Flight => {
    const { priority } = request;
    const flight = createFlight(key, text, request, forgetFlight);
    flights.set(text, flight);
    const others = gathering[priority];
    if (others !== undefined && others.length > 0) others.push(flight);
    else {
      gathering[priority] = [flight];
      // In the same turn also the keys of requests that came in on other connections.
      if (options.windowMs === 0) setImmediate(depart, priority);
      else setTimeout(depart, options.windowMs, priority);
    }
    return flight;
  };

  const forgetFlight = (flight: Flight): void => {
    if (flights.get(flight.text) === flight) flights.delete(flight.text);
  };

  const depart = (priority: Priority): void => {
    const gathered = gathering[priority] ?? [];
    gathering[priority] = [];
    // Whoever asks for these later must not wait for a batch that has left without them.
    for (const flight of gathered) if (flight.waiting === 0) forgetFlight(flight);
    const wanted = gathered.filter((flight) => flight.waiting > 0);
    for (const batch of splitIntoBatches(wanted, options)) void fly(batch, priority);
  };

  /** Brings one batch home. Never rejects: each flight of it lands or crashes. */
  const fly = async (batch: readonly Flight[], priority: Priority): Promise<void> => {
    const asked = recentlyForgotten.begin();
    try {
      const { rest, since } =
        shared === undefined ? { rest: batch, since: undefined } : await askOthers(batch, shared, asked);
      if (rest.length > 0) await askSystem(rest, priority, asked, since);
    } catch (error) {
      for (const flight of batch) flight.crash(toError(error));
    } finally {
      recentlyForgotten.end(asked);
    }
    for (const flight of batch) forgetFlight(flight);
  };

  /** What another instance has asked lately need not be asked again. */
  const askOthers = async (
    batch: readonly Flight[],
    others: SharedCache,
    asked: Asked,
  ): Promise<{ rest: readonly Flight[]; since: number | undefined }> => {
    if (freshness.isSaid && keepMs(freshness.maxAgeMs, freshness) === 0)
      return { rest: batch, since: undefined };
    const { entries, since } = await others.read(batch.map(digestOf));
    const rest = batch.filter((flight, i) => {
      const entry = entries[i];
      // What was forgotten while it was being read is not taken.
      if (entry === undefined || recentlyForgotten.has(entry.tags, asked)) return true;
      // Instances share the time of day only; the engine's own clock starts with its process.
      const askedAt = clock.now() - Math.max(0, Date.now() - entry.askedAt);
      const landed = { value: entry.value, askedAt, maxAgeMs: entry.maxAgeMs, from: 'cached' as const };
      const forMs = keepMs(entry.maxAgeMs, freshness);
      options.onAnswer(flight.key, entry.value, forMs);
      // Also when it is too old to be given: it may have to stand in for a system that fails.
      put(flight, { ...landed, keepMs: forMs, tags: entry.tags });
      const ageMs = clock.now() - askedAt;
      if (ageMs >= Math.min(entry.maxAgeMs, flight.tooOldMs)) return true;
      observer?.cacheAnswered(source, 'shared');
      if (options.isIdentity) noteAskedAt(landed.value, ageMs);
      flight.land(landed);
      // The rest of the batch may be long under way, and this answer too old for who asks meanwhile.
      forgetFlight(flight);
      return false;
    });
    return { rest, since };
  };

  const askSystem = async (
    batch: readonly Flight[],
    priority: Priority,
    asked: Asked,
    since: number | undefined,
  ): Promise<void> => {
    const [first] = batch;
    if (first === undefined) return;
    const controller = new CallController();
    const scope = protection.scope({
      priority,
      signal: controller.signal,
      deadlineAt: () => batch.reduce((latest, flight) => Math.max(latest, flight.deadlineAt), 0),
    });
    const run = { calls: 0, scope };
    const askedAt = clock.now();
    for (const flight of batch) {
      flight.askedAt = askedAt;
      flight.run = run;
      flight.leave = () => {
        flight.waiting -= 1;
        if (flight.waiting > 0) return;
        forgetFlight(flight);
        if (batch.every(({ waiting }) => waiting === 0)) controller.abort(new Error('Nobody waits for it.'));
      };
    }
    observer?.batchAsked(source, loader, batch.length);
    const trace = startSourceCall(first.trace, { source, loader, batchSize: batch.length });
    let holdsMs: number | undefined;
    const values = await options
      .load(
        batch.map(({ key }) => key),
        {
          run: (call) =>
            scope.run((signal) => {
              run.calls += 1;
              return call(signal);
            }),
          slowDown: (info) => {
            scope.slowDown(info);
          },
          holds: (maxAgeMs) => {
            holdsMs = Math.min(holdsMs ?? Infinity, maxAgeMs);
          },
          headers: traceHeaders(trace),
        },
      )
      .catch((error: unknown) => batch.map(() => toError(error)));
    const failed = values.find((value) => value instanceof Error);
    endSourceCall(trace, codeOf(failed), scope.retries);
    if (values.length !== batch.length) throw new Error('A loader must give one value for each key.');
    const answered = batch.flatMap((flight, i) => {
      const value = values[i];
      if (value instanceof Error) {
        observer?.loadFailed?.(loader, value);
        flight.crash(value);
        return [];
      }
      const landed = { value, askedAt, maxAgeMs: maxAgeOf(value, holdsMs, freshness) };
      if (options.isIdentity) noteAskedAt(value, clock.now() - askedAt);
      flight.land({ ...landed, from: 'live' });
      return [{ flight, landed }];
    });
    // When all have been told: what cannot be kept, for whatever reason, costs nobody an answer.
    await new Turns().each(answered, ({ flight, landed }) => {
      keep(flight, landed, asked, since);
    });
  };

  const digestOf = (flight: Flight): string => (flight.digest ??= options.digest(flight.text));

  const put = (flight: Flight, entry: Omit<Entry, 'renew'>): void => {
    hasKept = true;
    const own = { renew: renewal(flight.key, flight.text), renewBytes: approximateBytes(flight.key) };
    cache.set(source, digestOf(flight), { ...entry, ...own });
  };

  const keep = (
    flight: Flight,
    { value, askedAt, maxAgeMs }: { value: unknown; askedAt: number; maxAgeMs: number },
    asked: Asked,
    since: number | undefined,
  ): void => {
    const forMs = keepMs(maxAgeMs, freshness);
    options.onAnswer(flight.key, value, forMs);
    if (forMs <= 0 || !options.isWhole(value)) return;
    const about = options.about?.(flight.key, value);
    const entry = { value, askedAt, maxAgeMs, tags: tags.of(source, loader, about) };
    if (recentlyForgotten.has(entry.tags, asked)) return;
    put(flight, { ...entry, keepMs: forMs });
    if (shared === undefined || since === undefined) return;
    const timeOfDay = Date.now() - (clock.now() - askedAt);
    shared.write({ key: digestOf(flight), entry: { ...entry, askedAt: timeOfDay }, keepMs: forMs, since });
  };

  return {
    answer,
    kept,
    abandon: () => {
      // What the system is still to be asked will not be old.
      for (const flight of flights.values()) if (flight.askedAt !== undefined) forgetFlight(flight);
    },
  };
}

function codeOf(failed: unknown): string {
  if (failed === undefined) return 'ok';
  return failed instanceof GatewayError ? failed.code : 'CANCELLED';
}
