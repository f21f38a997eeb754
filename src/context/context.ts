import type { Context } from '../customer/customer.js';
import type { Identifier } from '../identity/identifiers.js';
import { createIdentity, type Identity, type IdentityRules } from '../identity/identity-graph.js';
import type { LoaderRegistry } from '../loaders/registry.js';
import { startDeadline, type Deadline } from '../resilience/deadline.js';

export interface ContextOptions {
  registry: LoaderRegistry;
  rules: IdentityRules;
  deadlineMs: number;
}

/** A request's context and the clock that ends it. */
export interface RequestContext {
  context: Context;
  deadline: Deadline;
}

/** Makes the context of one request. Nothing in it outlives the request. */
export function createContext(
  { registry, rules, deadlineMs }: ContextOptions,
  requestId: string,
): RequestContext {
  const deadline = startDeadline(deadlineMs);
  const load = registry.forRequest(deadline);
  const identities = new Map<string, Identity>();
  const identify = (identifier: Identifier): Identity => {
    const key = `${identifier.namespace} ${identifier.value}`;
    let identity = identities.get(key);
    if (identity === undefined) {
      identity = createIdentity(rules, identifier, load);
      identities.set(key, identity);
    }
    return identity;
  };
  return {
    context: { requestId, load, identify, within: (source, work) => deadline.race(source, work) },
    deadline,
  };
}
