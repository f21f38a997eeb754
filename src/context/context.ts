import { ChunkedWork } from '../chunked-work.js';
import type { Clock } from '../clock.js';
import type { Context, Permissions } from '../customer/customer.js';
import { NO_ERASURES, type Erasures } from '../identity/erasures.js';
import { createIdentities, type Identity, type IdentityRules } from '../identity/identity-graph.js';
import type { PendingKeys, RequestScope } from '../loaders/in-flight-batch.js';
import { createProvenance, type Provenance } from '../loaders/provenance.js';
import type { LoaderRegistry } from '../loaders/registry.js';
import { startDeadline } from '../resilience/deadline.js';
import { endRequest, type Trace } from '../telemetry/tracing.js';
import type { Directives } from './directives.js';

export interface ContextOptions {
  registry: LoaderRegistry;
  rules: IdentityRules;
  /** Erased customers, which only the operator sees. */
  erasures: Erasures;
  clock: Clock;
  /** Deadline of a request that sets none, in milliseconds. */
  deadlineMs: number;
  /** The percentage of a request's time within which the customer must be identified. */
  identityPercent: number;
}

/** The options of one request. */
export interface ContextDirectives
  extends Omit<Directives, 'waitMs'>, Required<Pick<RequestScope, 'needsConsent'>> {
  /** After this time the answer is sent with the fields that are resolved. Default: the gateway's deadline. */
  deadlineMs?: number | undefined;
}

/** A request's context, with the provenance of its values. */
export interface RequestContext {
  context: Context;
  provenance: Provenance;
  trace: Trace;
  /** Call it when the request has ended. */
  end: () => void;
  /** Call it when the client has disconnected: cancels the calls that only this request waits for. */
  cancel: () => void;
}

/** Creates the context of one request. Nothing in it is used after the request. */
export function createContext(
  { registry, rules, erasures, clock, deadlineMs, identityPercent }: ContextOptions,
  directives: ContextDirectives,
  trace: Trace,
  requestId: string,
  permissions: Permissions,
): RequestContext {
  const { deadlineMs: waitMs = deadlineMs } = directives;
  const deadline = startDeadline(waitMs, clock);
  const identityMs = Math.ceil((waitMs * identityPercent) / 100);
  const identityDeadline = startDeadline(identityMs, clock, {
    what: `the ${identityMs} ms for identifying the customer (${identityPercent} % of the request's ${waitMs} ms)`,
    remedy: 'raise DEADLINE_MS or IDENTITY_DEADLINE_PERCENT',
  });
  const provenance = createProvenance(clock, { details: directives.shouldReportSources });
  const pendingKeys = new Set<PendingKeys>();
  const chunks = new ChunkedWork();
  const end = (): void => {
    deadline.clear();
    identityDeadline.clear();
  };
  const scope: RequestScope = {
    priority: directives.priority,
    wanted: directives.wanted,
    needsConsent: directives.needsConsent,
    deadline,
    identityDeadline,
    provenance,
    trace,
    chunks,
    pendingKeys,
  };
  const loaders = registry.forRequest(scope);
  const identities = createIdentities(
    rules,
    loaders,
    permissions.seesErased ? NO_ERASURES : erasures,
    chunks,
  );
  return {
    context: {
      requestId,
      load: loaders.load,
      loadField: loaders.loadField,
      cached: loaders.readCached,
      identify: (identifier) => identities.of(identifier),
      walkTogether: (starts, wanted) => identities.walkTogether(starts, wanted),
      permissions,
      foundIdentities: new Set<Identity>(),
      searchTerms: new Set<string>(),
    },
    provenance,
    trace,
    end,
    cancel: () => {
      endRequest(trace, 'errors');
      // Nothing waits for the answer, so it needs no deadline. A timer would delay the end of the process.
      end();
      for (const pending of pendingKeys) pending.leave();
      pendingKeys.clear();
    },
  };
}
