import type { ExecutionResult } from '@graphql-tools/utils';
import type { RequestContext } from '../context/context.js';
import type { AuditEntry } from '../privacy/audit-line.js';
import type { OperationOutcome } from '../telemetry/metrics.js';
import type { Trace } from '../telemetry/tracing.js';
import type { Asker } from './caller.js';
import type { Cost, ToldCost } from './cost-limits.js';

/** As much of a request as is gone by once its body is read: any Request is one, and what is made of node's. */
export interface RequestHead {
  readonly method: string;
  readonly url: string;
  readonly headers: Pick<Headers, 'get'>;
  readonly signal: HangUp;
  /** What it came on, where that is known. */
  readonly connection?: object;
  /** Of our own requests. Of others it is looked up. */
  readonly state?: RequestState;
}

/** As much of an AbortSignal as is used of a request's: it tells that the client has hung up unanswered. */
interface HangUp {
  addEventListener(type: 'abort', listener: () => void, options: { once: true }): void;
}

/** What comes to be known of a request while it is answered. */
export interface RequestState {
  /** Who sends it, from when its headers have been read. */
  asker?: Asker;
  context?: RequestContext;
  id?: string;
  /** When its operation began, what that is called, and what came of it. */
  operation?: { startedAt: number; name: string | undefined; outcome?: OperationOutcome };
  trace?: Trace;
  cost?: Cost;
  /** The last line that its answer was audited by, if it was. */
  auditEntry?: AuditEntry;
  /** How old its answer is, and for how long it stays fresh; undefined when no source was asked for anything. */
  freshness?: { ageMs: number; freshMs: number } | undefined;
  /** Whether something is missing from its answer. */
  failed?: boolean;
  /** What of its answer comes later. Undefined: nothing. */
  later?: Later;
}

/** The parts of an answer after the first, and what remains to be done for them. */
export interface Later {
  parts: AsyncIterator<ExecutionResult>;
  /** All that was told until now. */
  data: unknown;
  /** Accounts for all that was told until now. Fails when it may not be told. */
  account?: () => Promise<void>;
  /** Charges what it really cost, once. What it gives back is for the caller to know. */
  settle?: (data: unknown) => ToldCost | undefined;
}

const states = new WeakMap<RequestHead, RequestState>();

/** Of our own requests it lies in them: looking it up by request, and forgetting it, took a quarter of an answer's time. */
export function stateOf(request: RequestHead): RequestState {
  if (request.state !== undefined) return request.state;
  let state = states.get(request);
  if (state === undefined) states.set(request, (state = {}));
  return state;
}
