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
import { checkVariables } from './variables.js';

/** For whom an operation is to be answered, and how. */
export interface OperationRequest {
  principal: Principal;
  /** Names the request in logs, errors and the audit. */
  requestId: string;
  variables?: Readonly<Record<string, unknown>> | undefined;
  /** The answer contains what there is by then. Default: the gateway's own deadline. */
  deadlineMs?: number;
  /** Default: the caller's. */
  priority?: Priority;
  /** How old the answer may be. Default: as each source declares. */
  wanted?: Wanted;
  /** Whether `extensions.sources` reports on each source. Default: false. */
  shouldReportSources?: boolean;
  /** Whether `extensions.cost` reports the cost. Default: false. */
  shouldReportCost?: boolean;
  /** Whether fragments with `@defer` may come later than the rest. Default: false. */
  isIncremental?: boolean;
  /** The span that the answer belongs to. Default: a new one. */
  trace?: Trace;
  /** Aborted when nobody waits for the answer any more. */
  signal?: AbortListening | undefined;
  /** The event that a subscription is answered for. A subscription has no answer without one. */
  event?: EventDelivery;
}

/** As much of an AbortSignal as is used here. */
export interface AbortListening {
  readonly aborted?: boolean;
  addEventListener(type: 'abort', listener: () => void, options: { once: true }): void;
}

export interface Answer {
  /** With its errors in their outside form. Of an answer in parts, the first. */
  result: ExecutionResult;
  outcome: OperationOutcome;
  /** All parts of an answer in parts, the first included. */
  parts?: AsyncIterableIterator<ExecutionResult>;
  /** Why an event is not sent. The result is empty then. */
  withheld?: Withheld;
  /** What the answer was made of. Undefined when no system was to be called. */
  provenance?: Provenance;
  cost?: ReportedCost;
  /** The line that was written about it. */
  auditEntry?: AuditEntry;
}

export interface OperationRunnerOptions {
  preparer: Preparer;
  contextOptions: ContextOptions;
  privacy: Privacy;
  limits: CostLimits;
  /** Undefined: nothing is audited. */
  auditor: Auditor | undefined;
  errorLog: ErrorLog;
  /** The names of the plugged-in sources, for `extensions.sources`. */
  sources: readonly string[];
  /** Whether operations are executed by plans. Otherwise the interpreter answers all. */
  usesPlans: boolean;
}

/** One operation while it is answered. */
interface Answering {
  readonly prepared: Prepared;
  readonly ask: OperationRequest;
  readonly trace: Trace;
  readonly charge: Charge;
  readonly request: RequestContext;
  auditEntry: AuditEntry | undefined;
}

const NO_HEADERS: Pick<Headers, 'get'> = { get: () => null };
const NO_VARIABLES: Readonly<Record<string, unknown>> = Object.freeze({});

/**
 * Answers operations for callers. Every entry point calls `answer()`: what protects customers, systems and callers is
 * here, in this order, and nowhere else.
 */
export class OperationRunner {
  readonly #options: OperationRunnerOptions;
  readonly #conditions: EventConditions;

  constructor(options: OperationRunnerOptions) {
    this.#options = options;
    this.#conditions = new EventConditions(options.preparer, options.errorLog.logger);
  }

  /** Never rejects: what goes wrong is among the errors of the result. */
  async answer(prepared: Prepared, ask: OperationRequest): Promise<Answer> {
    const { privacy, limits } = this.#options;
    const { principal, variables = NO_VARIABLES, event } = ask;
    const { audience, caller } = principal;
    const trace = ask.trace ?? startRequest(NO_HEADERS);
    nameOperation(trace, prepared.operation.operation, prepared.name);
    let request: RequestContext | undefined;
    try {
      // 1. The audience's schema: its resolvers refuse, mask, and ask for consent.
      const schema =
        prepared.kind === 'introspection'
          ? privacy.schemas.shown(audience, caller.purposes)
          : privacy.schemas.executed(audience);

      // 2. What may not be requested, and variables that do not fit.
      const unfit = checkVariables(prepared.operation, schema, variables);
      if (unfit.length > 0) return this.#refuse(unfit, ask, trace);
      if (prepared.kind === 'both') return this.#refuse([mixed()], ask, trace);

      // 3. The charge of what it may cost.
      const charge = limits.charge(prepared.cost(variables), caller);
      if ('refused' in charge) return this.#refuse([charge.refused], ask, trace);

      // 4. The context: deadline, priority, who is erased.
      request = this.#createContext(ask, trace);
      const answering: Answering = { prepared, ask, trace, charge, request, auditEntry: undefined };

      // 5. Execution, and what must hold before an event is sent: in one context, so that both call a system once.
      const args: ExecuteArgs = { schema, contextValue: request.context, variables, ...rootOf(event) };
      const probing = event === undefined ? undefined : this.#conditions.probe(event, args);
      let executed = this.#execute(prepared, ask.isIncremental === true, args);
      if (executed instanceof Promise) executed = await executed;
      const parts = Symbol.asyncIterator in executed ? await startIncremental(executed) : undefined;
      const result = parts?.first ?? (executed as ExecutionResult);

      // 6. Consent: the fields withheld what a customer does not allow; an event goes only to whom its customer allows.
      const withheld =
        event === undefined || probing === undefined
          ? undefined
          : this.#conditions.withhold(event, await probing, result, { requestId: ask.requestId, caller });

      // 7. The audit.
      const disclosure = parts === undefined ? prepared.disclosure : prepared.initialDisclosure;
      const audited = this.#audit(answering, disclosure, withheld);
      const isAudited = audited === true || (await audited);

      // 8. The cost is settled, 9. and errors get their outside form.
      if (withheld !== undefined || !isAudited) {
        if (parts !== undefined) request.leave();
        return this.#withhold(answering, result, withheld);
      }
      if (parts !== undefined) return this.#isIncremental(answering, parts);
      return this.#complete(answering, result);
    } catch (error) {
      request?.end();
      const refused = this.#refuse([error], ask, trace);
      // That something happened tells of the customer too, and nobody knows whether that is allowed.
      return event === undefined
        ? refused
        : { ...refused, withheld: { code: 'INTERNAL_SERVER_ERROR', isTemporary: true } };
    }
  }

  /** Looks a customer up by calling the systems themselves, whether erased or not. `end` ends the lookup. */
  lookUp(identifier: Identifier): { identity: Identity; end: () => void } {
    const { contextOptions } = this.#options;
    const { context, end } = createContext(
      contextOptions,
      { wanted: { maxAgeMs: 0 }, priority: 'automation', shouldReportSources: false, needsConsent: false },
      startRequest(NO_HEADERS),
      'forget',
      { findsBy: 'all', maySee: () => true, seesErased: true },
    );
    return { identity: context.identify(identifier), end };
  }

  #createContext(ask: OperationRequest, trace: Trace): RequestContext {
    const { contextOptions, privacy } = this.#options;
    const { principal, requestId, wanted = {}, shouldReportSources = false, deadlineMs, signal } = ask;
    const { audience, caller, permissions } = principal;
    const request = createContext(
      contextOptions,
      {
        wanted,
        priority: ask.priority ?? caller.priority,
        shouldReportSources,
        needsConsent: privacy.needsConsent(audience.purpose),
        deadlineMs,
      },
      trace,
      requestId,
      permissions,
    );
    signal?.addEventListener('abort', request.leave, { once: true });
    return request;
  }

  #execute(prepared: Prepared, isIncremental: boolean, args: ExecuteArgs): Executed | Promise<Executed> {
    const { isDeferred, hasFieldThen, whole } = prepared;
    if (isDeferred && isIncremental && !hasFieldThen) return executeByInterpreter(prepared, args);
    const planned = this.#options.usesPlans ? executeByPlan(whole, args) : undefined;
    return planned ?? executeByInterpreter(whole, args);
  }

  /** Writes the line of an answer. False: it may not be given. */
  #audit(answering: Answering, disclosure: Disclosure, withheld?: Withheld): boolean | Promise<boolean> {
    const { prepared, ask, request } = answering;
    const { auditor } = this.#options;
    const entry = auditor?.entryOf({
      prepared,
      disclosure,
      context: request.context,
      principal: ask.principal,
      provenance: request.provenance,
      about: ask.event?.event.about[0],
      because: withheld?.code,
    });
    if (auditor === undefined || entry === undefined || coversEntry(answering.auditEntry, entry)) return true;
    answering.auditEntry = entry;
    return auditor.write(entry);
  }

  /** Nothing was executed. */
  #refuse(errors: readonly unknown[], { requestId }: OperationRequest, trace: Trace): Answer {
    endRequest(trace, 'refused');
    return {
      result: { errors: toClientErrors(errors, requestId, this.#options.errorLog) },
      outcome: 'refused',
    };
  }

  /** It was executed, and nothing of it is given. */
  #withhold(
    { ask, trace, charge, request }: Answering,
    result: ExecutionResult,
    withheld?: Withheld,
  ): Answer {
    request.end();
    const { event } = ask;
    charge.settle(event === undefined ? result.data : undefined);
    if (event === undefined) return this.#refuse([notAudited()], ask, trace);
    endRequest(trace, 'refused');
    const because = withheld ?? { code: 'AUDIT_UNAVAILABLE', isTemporary: true };
    return { result: { data: null }, outcome: 'refused', withheld: because };
  }

  #complete({ ask, trace, charge, request, auditEntry }: Answering, executed: ExecutionResult): Answer {
    const { provenance } = request;
    const cost = charge.settle(executed.data);
    request.end();
    const outcome = outcomeOf(executed);
    endRequest(trace, outcome);
    const result = this.#outside(
      executed,
      ask,
      provenance,
      ask.shouldReportCost === true ? { cost } : undefined,
    );
    return { result, outcome, provenance, cost, ...(auditEntry === undefined ? {} : { auditEntry }) };
  }

  #isIncremental(answering: Answering, { first, subsequent }: IncrementalResults): Answer {
    const { prepared, ask, trace, charge, request } = answering;
    const { requestId, shouldReportCost, signal } = ask;
    const { provenance } = request;
    const { data } = first as { data: unknown };
    let outcome = outcomeOf(first);
    let settled: ReportedCost | undefined;
    const settle = (): ReportedCost => (settled ??= charge.settle(data));
    const parts = deliverIncremental(this.#outside(first, ask, provenance), subsequent, {
      signal,
      audit: async (part) => {
        addToData(data, part);
        if (!(await this.#audit(answering, prepared.disclosure))) throw notAudited();
      },
      outside: (errors) => {
        outcome = 'errors';
        return toClientErrors(errors, requestId, this.#options.errorLog);
      },
      extensions: () => ({
        ...this.#sourcesOf(ask, provenance),
        ...(shouldReportCost === true ? { cost: settle() } : {}),
      }),
      leave: request.leave,
      end: () => {
        settle();
        request.end();
        endRequest(trace, outcome);
      },
    });
    return { result: first, outcome, parts, provenance };
  }

  /** A result as a caller sees it. */
  #outside(
    executed: ExecutionResult,
    ask: OperationRequest,
    provenance: Provenance,
    extensions?: Record<string, unknown>,
  ): ExecutionResult {
    const { errors = [] } = executed;
    const sources = 'data' in executed ? this.#sourcesOf(ask, provenance) : undefined;
    const all = sources === undefined ? extensions : { ...extensions, ...sources };
    if (errors.length === 0 && all === undefined) return executed;
    return {
      ...executed,
      ...(errors.length === 0
        ? {}
        : { errors: toClientErrors(errors, ask.requestId, this.#options.errorLog) }),
      ...(all === undefined
        ? {}
        : { extensions: { ...(executed.extensions as object | undefined), ...all } }),
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

function mixed() {
  return operationError(
    'BAD_USER_INPUT',
    'Ask for "__schema" and "__type" in an operation of their own: they are answered as far as the caller may see.',
  );
}
