import { randomUUID } from 'node:crypto';
import type { ExecutionResult } from '@graphql-tools/utils';
import type { GraphQLParams } from 'graphql-yoga';
import { requestHeader } from '../request-headers.js';
import type { Clock } from '../clock.js';
import type { GatewayConfig } from '../config.js';
import type { Caller } from '../context/caller.js';
import { readDirectives } from '../context/directives.js';
import { outcomeOf, type Answer, type OperationRunner, type OperationRequest } from '../operation/answer.js';
import { toClientErrors, type ErrorLog } from '../operation/errors.js';
import type { Prepared, Preparer } from '../operation/prepare.js';
import type { Principal } from '../operation/principal.js';
import type { ComputedAnswer } from '../operation/response-cache.js';
import type { Metrics, OperationOutcome } from '../telemetry/metrics.js';
import { endRequest, nameOperation, startRequest } from '../telemetry/tracing.js';
import type { Authenticate } from './authenticate.js';
import type { RequestHead } from './node-request.js';
import type { RequestReader } from './read-request.js';

export interface ExchangeOptions {
  config: Pick<GatewayConfig, 'cacheDirectives' | 'deadlineMs'>;
  authenticate: Authenticate;
  reader: RequestReader;
  preparer: Preparer;
  runner: Pick<OperationRunner, 'answer'>;
  metrics: Pick<Metrics, 'operationAnswered'>;
  errorLog: ErrorLog;
  clock: Clock;
}

/**
 * The request headers that affect an answer, in addition to the URL. So after a new login, a browser does not use cached
 * answers. This header replaces the `vary` header of `edge.ts`, which has `origin`.
 */
const VARY = 'accept, authorization, origin, data-purpose, x-purpose, report-sources, x-sources';

/** A request with one of these headers does not use the response cache. */
const UNCACHED_HEADERS = [
  'report-sources',
  'x-sources',
  'cache-control',
  'prefer',
  'request-priority',
  'x-priority',
] as const;

interface Freshness {
  ageMs: number;
  freshMs: number;
}

/** One HTTP request for an operation, from its headers to its answer. `front.ts` and `yoga.ts` both use it. */
export class Exchange {
  readonly head: RequestHead;
  /**
   * Names the request in logs, in errors about defects and in the response. It is the caller's `Request-Id` if that
   * has only letters, digits, `_`, `.` and `-` (at most 64), so that one id is used in all systems. Otherwise it is a
   * new id.
   */
  readonly requestId: string;
  readonly #options: ExchangeOptions;
  #principal: Principal | undefined;
  /** When the request was admitted. Undefined before that; then it is not counted. */
  #startedAt: number | undefined;
  #operationName: string | undefined;
  #freshness: Freshness | undefined;
  #isComplete = false;
  #isIncremental = false;
  #isFinished = false;

  constructor(head: RequestHead, options: ExchangeOptions) {
    this.head = head;
    this.requestId = requestIdOf(head.headers);
    this.#options = options;
  }

  /** Throws if the request was not admitted yet. */
  get principal(): Principal {
    if (this.#principal === undefined) throw new Error('No caller was resolved for this request.');
    return this.#principal;
  }

  /** Whether the answer was counted and its errors have their client form. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  get isIncremental(): boolean {
    return this.#isIncremental;
  }

  /** Resolves the principal by the headers. Throws or rejects if the request is refused. */
  begin(): void | Promise<void> {
    const principal = this.#options.authenticate(this.head);
    if (principal instanceof Promise)
      return principal.then((resolved) => {
        this.#admit(resolved);
      });
    this.#admit(principal);
  }

  #admit(principal: Principal): void {
    const { reader, clock } = this.#options;
    this.#principal = principal;
    reader.checkHeaders(this.head);
    this.#startedAt = clock.now();
  }

  /** Whether the request may get the answer of another request. */
  canShare(): boolean {
    const { headers } = this.head;
    return (
      !reportsCost(this.principal.caller, headers) &&
      UNCACHED_HEADERS.every((name) => headers.get(name) === null)
    );
  }

  /** Prepares the requested operation. Throws if it cannot be answered. */
  prepare({ query = '', operationName }: GraphQLParams): Prepared {
    this.#operationName = operationName ?? undefined;
    const prepared = this.#options.preparer.prepare(query, operationName, this.head.method !== 'GET');
    this.#operationName ??= prepared.name;
    return prepared;
  }

  /** Answers the operation. Call `finish` after that. */
  async answer(
    prepared: Prepared,
    variables: OperationRequest['variables'],
    isIncremental = false,
  ): Promise<ComputedAnswer> {
    const { runner, config } = this.#options;
    const { headers, signal } = this.head;
    const { principal, requestId } = this;
    const { caller } = principal;
    const { wanted, priority, waitMs, shouldReportSources } = readDirectives(headers, {
      followed: config.cacheDirectives,
      priority: caller.priority,
    });
    const answer = await runner.answer(prepared, {
      principal,
      requestId,
      variables,
      wanted,
      priority,
      deadlineMs: Math.min(config.deadlineMs, waitMs ?? Infinity),
      shouldReportSources,
      shouldReportCost: reportsCost(caller, headers),
      isIncremental,
      trace: startRequest(headers),
      signal,
    });
    return { answer, operationName: this.#operationName };
  }

  /**
   * Counts an answer, and stores the values of its headers. `freshness` is set if the answer was made for another
   * request.
   */
  finish({ outcome, provenance, results }: Answer, freshness?: Freshness): void {
    if (freshness !== undefined) this.#trace(outcome);
    this.#freshness = freshness ?? provenance?.freshness();
    this.#isIncremental = results !== undefined;
    this.#isComplete = outcome === 'ok' && !this.#isIncremental;
    this.#count(outcome);
  }

  /** Counts an answer from the response cache. */
  finishCached(operationName: string | undefined, freshness: Freshness): void {
    this.#operationName = operationName;
    this.#trace('ok');
    this.#freshness = freshness;
    this.#isComplete = true;
    this.#count('ok');
  }

  /** Returns the result of a request that is refused, or whose answer cannot be sent. */
  refuse(thrown: readonly unknown[]): ExecutionResult {
    const { errorLog } = this.#options;
    const errors = thrown.flatMap((error: unknown): unknown[] =>
      error instanceof AggregateError ? error.errors : [error],
    );
    const result = { errors: toClientErrors(errors, this.requestId, errorLog) };
    this.#isComplete = false;
    this.#count(outcomeOf(result));
    return result;
  }

  /** Counts a stream of events when it begins. */
  finishStream(): void {
    this.#count('ok');
  }

  /** Creates the span of a request that shares the answer of another request. */
  #trace(outcome: OperationOutcome): void {
    const trace = startRequest(this.head.headers);
    nameOperation(trace, 'query', this.#operationName);
    endRequest(trace, outcome);
  }

  #count(outcome: OperationOutcome): void {
    const { metrics, clock } = this.#options;
    this.#isFinished = true;
    if (this.#startedAt !== undefined)
      metrics.operationAnswered(this.#operationName, clock.now() - this.#startedAt, outcome);
  }

  /**
   * The headers of the answer. `Age` is the age of the oldest record in it. `max-age` is `Age` plus the time until
   * the first record becomes stale, so that their difference is the remaining lifetime (RFC 9111, 4.2).
   */
  headers(): Readonly<Record<string, string>> {
    const freshness = this.#freshness;
    const ageS = Math.floor((freshness?.ageMs ?? 0) / 1000);
    const freshS = this.#isComplete ? Math.floor((freshness?.freshMs ?? 0) / 1000) : 0;
    return {
      'request-id': this.requestId,
      'x-request-id': this.requestId,
      vary: VARY,
      ...(freshness === undefined ? {} : { age: String(ageS) }),
      // Answers hold personal data, so only the caller may cache them, and only if they stay fresh for a second or
      // more.
      'cache-control': freshS < 1 ? 'no-store' : `private, max-age=${ageS + freshS}`,
    };
  }
}

/** The `Request-Id` of the caller, or a new id. */
export function requestIdOf(headers: RequestHead['headers']): string {
  const sentId = requestHeader(headers, 'request-id') ?? '';
  return /^[\w.-]{1,64}$/.test(sentId) ? sentId : randomUUID();
}

/** Whether the answer has `extensions.cost`. With `AUTH=off`, it has it only if the request has `Report-Sources: 1`. */
function reportsCost({ operations, name }: Caller, headers: RequestHead['headers']): boolean {
  return operations === 'any' && (name !== 'anonymous' || requestHeader(headers, 'report-sources') === '1');
}
