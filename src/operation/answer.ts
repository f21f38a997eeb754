import type { ExecutionResult } from '@graphql-tools/utils';
import type { Wanted } from '../cache/freshness.js';
import { createContext, type ContextOptions, type RequestContext } from '../context/context.js';
import type { Identifier } from '../identity/identifiers.js';
import type { Identity } from '../identity/identity-graph.js';
import type { Provenance } from '../loaders/provenance.js';
import type { AuditEntry } from '../privacy/audit-line.js';
import type { Disclosure } from '../privacy/disclosure.js';
import type { Privacy } from '../privacy/privacy.js';
import type { Priority } from '../priority.js';
import type { OperationOutcome } from '../telemetry/metrics.js';
import { endRequest, nameOperation, startRequest, type Trace } from '../telemetry/tracing.js';
import { notAudited, coversEntry, type Auditor } from './audit.js';
import type { Charge, CostLimits, ReportedCost } from './cost-limits.js';
import { addToData, startIncremental, deliverIncremental, type IncrementalResults } from './deferred.js';
import { toClientErrors, type ErrorLog } from './errors.js';
import { EventConditions, type EventDelivery, type Withheld } from './event-conditions.js';
import { executeByInterpreter, executeByPlan, type ExecuteArgs, type Executed } from './execution.js';
import type { Prepared, Preparer } from './prepare.js';
import type { Principal } from './principal.js';
import { operationError } from './request-error.js';
import { coerceVariables } from './variables.js';

/** A request to answer an operation, with its principal and options. */
export interface OperationRequest {
  principal: Principal;
  /** Names the request in logs, errors and the audit. */
  requestId: string;
  variables?: Readonly<Record<string, unknown>> | undefined;
  /** After this time, fields without a value are null. Default: the deadline of the gateway (`DEADLINE_MS`). */
  deadlineMs?: number;
  /** Default: the priority of the caller. */
  priority?: Priority;
  /** The freshness that the answer must have. Default: the freshness that each source declares. */
  wanted?: Wanted;
  /** Whether `extensions.sources` reports on each source. Default: false. */
  shouldReportSources?: boolean;
  /** Whether `extensions.cost` reports the cost. Default: false. */
  shouldReportCost?: boolean;
  /** Whether fragments with `@defer` may be delivered after the initial result. Default: false. */
  isIncremental?: boolean;
  /** The span that the answer belongs to. Default: a new one. */
  trace?: Trace;
  /** Aborted when the client no longer waits for the answer. */
  signal?: AbortListening | undefined;
  /** The event that a subscription is answered for. A subscription has no answer without one. */
  event?: EventDelivery;
  /** The operation whose stored result is handed over after this answer. The audit line names it and its data. */
  releases?: Prepared;
}

/** The part of an AbortSignal that is used here. */
export interface AbortListening {
  readonly aborted?: boolean;
  addEventListener(type: 'abort', listener: () => void, options: { once: true }): void;
}

export interface Answer {
  /** Its errors have their client form. With incremental delivery, this is the initial result. */
  result: ExecutionResult;
  outcome: OperationOutcome;
  /** With incremental delivery: all results, the initial one included. */
  results?: AsyncIterableIterator<ExecutionResult>;
  /** The reason why an event is not sent. Then the result is empty. */
  withheld?: Withheld;
  /** The sources and ages of the records in the answer. Undefined if the operation was not executed. */
  provenance?: Provenance;
  cost?: ReportedCost;
  /** The audit line of the answer. */
  auditEntry?: AuditEntry;
}

export interface OperationRunnerOptions {
  preparer: Preparer;
  contextOptions: ContextOptions;
  privacy: Privacy;
  limits: CostLimits;
  /** Undefined if nothing is audited. */
  auditor: Auditor | undefined;
  errorLog: ErrorLog;
  /** The names of the plugged-in sources, for `extensions.sources`. */
  sources: readonly string[];
  /** Whether operations are executed by plans. Otherwise the interpreter executes them. */
  usesPlans: boolean;
}

/** An operation while it is answered. */
interface Answering {
  readonly prepared: Prepared;
  readonly request: OperationRequest;
  readonly trace: Trace;
  readonly charge: Charge;
  readonly requestContext: RequestContext;
  auditEntry: AuditEntry | undefined;
}

const NO_HEADERS: Pick<Headers, 'get'> = { get: () => null };
const NO_VARIABLES: Readonly<Record<string, unknown>> = Object.freeze({});

/**
 * Answers operations for callers. Every entry point calls `answer()`. All steps that protect customers, systems and
 * callers are in it, in a fixed order.
 */
export class OperationRunner {
  readonly #options: OperationRunnerOptions;
  readonly #conditions: EventConditions;

  constructor(options: OperationRunnerOptions) {
    this.#options = options;
    this.#conditions = new EventConditions(options.preparer, options.errorLog.logger);
  }

  /** Never rejects: failures are among the errors of the result. */
  async answer(prepared: Prepared, request: OperationRequest): Promise<Answer> {
    const { privacy, limits } = this.#options;
    const { principal, variables = NO_VARIABLES, event } = request;
    const { audience, caller } = principal;
    const trace = request.trace ?? startRequest(NO_HEADERS);
    nameOperation(trace, prepared.operation.operation, prepared.name);
    let requestContext: RequestContext | undefined;
    try {
      // 1. The schema of the audience. Its resolvers refuse and mask fields, and check consent.
      const schema =
        prepared.kind === 'introspection'
          ? privacy.schemas.shown(audience, caller.purposes)
          : privacy.schemas.executed(audience);

      // 2. The check of the variables, and of fields that may not be requested together.
      const { coerced, errors } = coerceVariables(prepared.operation, schema, variables);
      if (errors.length > 0) return this.#refuse(errors, request, trace);
      if (prepared.kind === 'both') return this.#refuse([mixedWithIntrospection()], request, trace);

      // 3. The charge of the maximum cost.
      const charge = limits.charge(prepared.cost(variables), caller);
      if ('refused' in charge) return this.#refuse([charge.refused], request, trace);

      // 4. The context: deadline, priority, erased customers.
      requestContext = this.#createContext(request, trace);
      const answering: Answering = {
        prepared,
        request,
        trace,
        charge,
        requestContext,
        auditEntry: undefined,
      };

      // 5. Execution, and the conditions of an event. Both use one context, so that each system is called once.
      const { context: contextValue } = requestContext;
      const args: ExecuteArgs = { schema, contextValue, variables, coerced, ...rootOf(event) };
      const probing = event === undefined ? undefined : this.#conditions.probe(event, args);
      let executed = this.#execute(prepared, request.isIncremental === true, args);
      if (executed instanceof Promise) executed = await executed;
      const incremental = Symbol.asyncIterator in executed ? await startIncremental(executed) : undefined;
      const result = incremental?.initial ?? (executed as ExecutionResult);

      // 6. Consent. The resolvers have already withheld fields without consent. Here, an event without consent is
      // withheld.
      const withheld =
        event === undefined || probing === undefined
          ? undefined
          : this.#conditions.withhold(event, await probing, result, { requestId: request.requestId, caller });

      // 7. The audit.
      const disclosure = incremental === undefined ? prepared.disclosure : prepared.initialDisclosure;
      const audited = this.#audit(answering, disclosure, withheld);
      const isAudited = audited === true || (await audited);

      // 8. The cost is settled. 9. Errors get their client form.
      if (withheld !== undefined || !isAudited) {
        if (incremental !== undefined) requestContext.cancel();
        return this.#withhold(answering, result, withheld);
      }
      if (incremental !== undefined) return this.#deliver(answering, incremental);
      return this.#complete(answering, result);
    } catch (error) {
      requestContext?.end();
      const refused = this.#refuse([error], request, trace);
      // An event also reveals something about its customer, and it is unknown whether the customer allows that.
      return event === undefined
        ? refused
        : { ...refused, withheld: { code: 'INTERNAL_SERVER_ERROR', isTemporary: true } };
    }
  }

  /** Looks up a customer, erased or not, without the cache. `end` ends the lookup. */
  lookUp(identifier: Identifier): { identity: Identity; end: () => void } {
    const { contextOptions } = this.#options;
    const { context, end } = createContext(
      contextOptions,
      { wanted: { maxAgeMs: 0 }, priority: 'automation', shouldReportSources: false, needsConsent: false },
      startRequest(NO_HEADERS),
      'forget',
      { findsBy: 'all', maySee: () => true, seesErased: true, seesMasked: false },
    );
    return { identity: context.identify(identifier), end };
  }

  #createContext(request: OperationRequest, trace: Trace): RequestContext {
    const { contextOptions, privacy } = this.#options;
    const { principal, requestId, wanted = {}, shouldReportSources = false, deadlineMs, signal } = request;
    const { audience, caller, permissions } = principal;
    const requestContext = createContext(
      contextOptions,
      {
        wanted,
        priority: request.priority ?? caller.priority,
        shouldReportSources,
        needsConsent: privacy.needsConsent(audience.purpose),
        deadlineMs,
      },
      trace,
      requestId,
      permissions,
    );
    signal?.addEventListener('abort', requestContext.cancel, { once: true });
    return requestContext;
  }

  #execute(prepared: Prepared, isIncremental: boolean, args: ExecuteArgs): Executed | Promise<Executed> {
    const { isDeferred, hasFieldThen, undeferred } = prepared;
    if (isDeferred && isIncremental && !hasFieldThen) return executeByInterpreter(prepared, args);
    const planned = this.#options.usesPlans ? executeByPlan(undeferred, args) : undefined;
    return planned ?? executeByInterpreter(undeferred, args);
  }

  /** Writes the audit line of an answer. False: the answer must be withheld. */
  #audit(answering: Answering, disclosure: Disclosure, withheld?: Withheld): boolean | Promise<boolean> {
    const { prepared, request, requestContext } = answering;
    const { releases } = request;
    const { auditor } = this.#options;
    const entry = auditor?.entryOf({
      prepared: releases ?? prepared,
      disclosure: releases?.disclosure ?? disclosure,
      context: requestContext.context,
      principal: request.principal,
      provenance: requestContext.provenance,
      about: request.event?.event.about[0],
      because: withheld?.code,
    });
    if (auditor === undefined || entry === undefined || coversEntry(answering.auditEntry, entry)) return true;
    answering.auditEntry = entry;
    return auditor.write(entry);
  }

  /** Returns the answer of an operation that was not executed. */
  #refuse(errors: readonly unknown[], { requestId }: OperationRequest, trace: Trace): Answer {
    endRequest(trace, 'refused');
    return {
      result: { errors: toClientErrors(errors, requestId, this.#options.errorLog) },
      outcome: 'refused',
    };
  }

  /** Returns the answer of an operation that was executed, but whose result is withheld. */
  #withhold(
    { request, trace, charge, requestContext }: Answering,
    result: ExecutionResult,
    withheld?: Withheld,
  ): Answer {
    requestContext.end();
    const { event } = request;
    charge.settle(event === undefined ? result.data : undefined);
    if (event === undefined) return this.#refuse([notAudited()], request, trace);
    endRequest(trace, 'refused');
    const reason = withheld ?? { code: 'AUDIT_UNAVAILABLE', isTemporary: true };
    return { result: { data: null }, outcome: 'refused', withheld: reason };
  }

  #complete(
    { request, trace, charge, requestContext, auditEntry }: Answering,
    executed: ExecutionResult,
  ): Answer {
    const { provenance } = requestContext;
    const cost = charge.settle(executed.data);
    requestContext.end();
    const outcome = outcomeOf(executed);
    endRequest(trace, outcome);
    const result = this.#toClientResult(
      executed,
      request,
      provenance,
      request.shouldReportCost === true ? { cost } : undefined,
    );
    return { result, outcome, provenance, cost, ...(auditEntry === undefined ? {} : { auditEntry }) };
  }

  #deliver(answering: Answering, { initial, subsequent }: IncrementalResults): Answer {
    const { prepared, request, trace, charge, requestContext } = answering;
    const { requestId, shouldReportCost, signal } = request;
    const { provenance } = requestContext;
    const { data } = initial as { data: unknown };
    let outcome = outcomeOf(initial);
    let settled: ReportedCost | undefined;
    const settle = (): ReportedCost => (settled ??= charge.settle(data));
    const results = deliverIncremental(this.#toClientResult(initial, request, provenance), subsequent, {
      signal,
      audit: async (incremental) => {
        addToData(data, incremental);
        if (!(await this.#audit(answering, prepared.disclosure))) throw notAudited();
      },
      toClientErrors: (errors) => {
        outcome = 'errors';
        return toClientErrors(errors, requestId, this.#options.errorLog);
      },
      extensions: () => ({
        ...this.#sourcesOf(request, provenance),
        ...(shouldReportCost === true ? { cost: settle() } : {}),
      }),
      cancel: requestContext.cancel,
      end: () => {
        settle();
        requestContext.end();
        endRequest(trace, outcome);
      },
    });
    return { result: initial, outcome, results, provenance };
  }

  /** Returns a result as a caller sees it. */
  #toClientResult(
    executed: ExecutionResult,
    request: OperationRequest,
    provenance: Provenance,
    extensions?: Record<string, unknown>,
  ): ExecutionResult {
    const { errors = [] } = executed;
    const sources = 'data' in executed ? this.#sourcesOf(request, provenance) : undefined;
    const added = sources === undefined ? extensions : { ...extensions, ...sources };
    if (errors.length === 0 && added === undefined) return executed;
    return {
      ...executed,
      ...(errors.length === 0
        ? {}
        : { errors: toClientErrors(errors, request.requestId, this.#options.errorLog) }),
      ...(added === undefined
        ? {}
        : { extensions: { ...(executed.extensions as object | undefined), ...added } }),
    };
  }

  #sourcesOf(
    { shouldReportSources }: OperationRequest,
    provenance: Provenance,
  ): { sources: object } | undefined {
    return shouldReportSources === true ? { sources: provenance.report(this.#options.sources) } : undefined;
  }
}

function rootOf(event: EventDelivery | undefined): Pick<ExecuteArgs, 'rootValue'> {
  return event === undefined ? {} : { rootValue: { [event.field]: event.event } };
}

export function outcomeOf({ errors = [], data }: ExecutionResult): OperationOutcome {
  if (errors.length === 0) return 'ok';
  return data === undefined ? 'refused' : 'errors';
}

function mixedWithIntrospection() {
  return operationError(
    'BAD_USER_INPUT',
    'Send "__schema" and "__type" in a separate operation. They are answered with the schema that the caller may see.',
  );
}
