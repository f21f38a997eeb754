import { randomUUID } from 'node:crypto';
import type { ExecutionResult } from '@graphql-tools/utils';
import type { GraphQLParams } from 'graphql-yoga';
import type { Clock } from '../clock.js';
import type { GatewayConfig } from '../config.js';
import type { Caller } from '../context/caller.js';
import { readDirectives } from '../context/directives.js';
import { outcomeOf, type Answer, type OperationRunner, type OperationRequest } from '../operation/answer.js';
import { toClientErrors, type ErrorLog } from '../operation/errors.js';
import type { Prepared, Preparer } from '../operation/prepare.js';
import type { Principal } from '../operation/principal.js';
import type { Made } from '../operation/response-cache.js';
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
 * What an answer may differ by, beside the address: a browser that logs in as somebody else must ask again. `origin` is
 * the edge's, whose own header this takes the place of.
 */
const VARY = 'accept, authorization, origin, x-purpose, x-sources';

/** A request with one of these is answered by itself. */
const SPECIAL_HEADERS = ['x-sources', 'cache-control', 'prefer', 'x-priority'] as const;

interface Freshness {
  ageMs: number;
  freshMs: number;
}

/** One request for an operation over HTTP, from its headers to its answer, whichever way it is answered. */
export class Exchange {
  readonly head: RequestHead;
  /**
   * Names the request in logs, in errors about defects and in the response: the caller's own `X-Request-Id` when it is a
   * plain one, so that ids go on from system to system, else a new one.
   */
  readonly requestId: string;
  readonly #options: ExchangeOptions;
  #principal: Principal | undefined;
  /** When the request was admitted. Undefined: it is not counted. */
  #startedAt: number | undefined;
  #operationName: string | undefined;
  #freshness: Freshness | undefined;
  #isComplete = false;
  #isIncremental = false;
  #isFinished = false;

  constructor(head: RequestHead, options: ExchangeOptions) {
    const given = head.headers.get('x-request-id') ?? '';
    this.head = head;
    this.requestId = /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
    this.#options = options;
  }

  /** Who sends the request, once it was admitted. */
  get principal(): Principal {
    if (this.#principal === undefined) throw new Error('No caller was resolved for this request.');
    return this.#principal;
  }

  /** Whether the answer was counted and its errors have their outside form. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  get isIncremental(): boolean {
    return this.#isIncremental;
  }

  /** Finds out who sends the request, by its headers. Throws, or rejects, when it is refused. */
  begin(): void | Promise<void> {
    const principal = this.#options.authenticate(this.head);
    if (principal instanceof Promise)
      return principal.then((known) => {
        this.#admit(known);
      });
    this.#admit(principal);
  }

  #admit(principal: Principal): void {
    const { reader, clock } = this.#options;
    this.#principal = principal;
    reader.checkHeaders(this.head);
    this.#startedAt = clock.now();
  }

  /** Whether an answer that was made for another request will do. */
  canShare(): boolean {
    const { headers } = this.head;
    return (
      !reportsCost(this.principal.caller, headers) &&
      SPECIAL_HEADERS.every((name) => headers.get(name) === null)
    );
  }

  /** The operation that the request asks for. Throws when it cannot be answered. */
  prepare({ query = '', operationName }: GraphQLParams): Prepared {
    this.#operationName = operationName ?? undefined;
    const prepared = this.#options.preparer.prepare(query, operationName, this.head.method !== 'GET');
    this.#operationName ??= prepared.name;
    return prepared;
  }

  /** Answers the operation. To be finished after that. */
  async answer(
    prepared: Prepared,
    variables: OperationRequest['variables'],
    isIncremental = false,
  ): Promise<Made> {
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

  /** Counts an answer, and remembers what its headers say. With `freshness` it was made for another request. */
  finish({ outcome, provenance, parts }: Answer, freshness?: Freshness): void {
    if (freshness !== undefined) this.#trace(outcome);
    this.#freshness = freshness ?? provenance?.freshness();
    this.#isIncremental = parts !== undefined;
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

  /** The result of a request that was refused before it was answered, or whose answer cannot be sent. */
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

  /** Counts a stream of events, which has begun. */
  finishStream(): void {
    this.#count('ok');
  }

  /** The span of a request that no answer was made for. */
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
   * How old the answer is. `Age` is that of the oldest part; `max-age` is as much more as the part that goes stale first
   * has left, so that their difference is right by RFC 9111, 4.2.
   */
  headers(): Readonly<Record<string, string>> {
    const freshness = this.#freshness;
    const age = Math.floor((freshness?.ageMs ?? 0) / 1000);
    const fresh = this.#isComplete ? Math.floor((freshness?.freshMs ?? 0) / 1000) : 0;
    return {
      'x-request-id': this.requestId,
      vary: VARY,
      ...(freshness === undefined ? {} : { age: String(age) }),
      // Answers hold personal data, so they are for the caller alone, and none is kept that is good for this moment only.
      'cache-control': fresh < 1 ? 'no-store' : `private, max-age=${age + fresh}`,
    };
  }
}

/** Where nobody says who they are, only those receive the cost who want to know where an answer comes from. */
function reportsCost({ operations, name }: Caller, headers: RequestHead['headers']): boolean {
  return operations === 'any' && (name !== 'anonymous' || headers.get('x-sources') === '1');
}
