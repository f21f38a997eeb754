import type { DocumentNode } from 'graphql';
import type { Caller } from '../context/caller.js';
import { ROLES } from '../context/roles.js';
import type { Purpose } from '../customer/schema.generated.js';
import type { Audience } from '../privacy/access.js';
import type { Privacy } from '../privacy/privacy.js';
import { operationIn } from '../selections.js';
import type { TriggerResult } from '../webhooks/follow-up.js';
import type { KnownEvent } from '../webhooks/interest.js';
import type { Trigger } from '../webhooks/triggers.js';
import type { OperationRunner } from './answer.js';
import { UNLIMITED } from './cost-limits.js';
import type { Prepared, Preparer } from './prepare.js';
import type { Principal } from './principal.js';
import { toCustomerEvent } from './subscriptions.js';

export interface TriggerRunnerOptions {
  runner: Pick<OperationRunner, 'answer'>;
  preparer: Pick<Preparer, 'prepareTrusted'>;
  privacy: Pick<Privacy, 'disclosures' | 'maySee'>;
  /** All scopes: those of the gateway and those of its sources. */
  scopes: readonly string[];
}

/** Maximum length of a request id. */
const MAX_ID_CHARACTERS = 64;

/**
 * Answers the subscriptions of triggers. A trigger is configured by the operator: it may send all data that its
 * purpose allows.
 */
export class TriggerRunner {
  readonly #options: TriggerRunnerOptions;
  readonly #prepared = new Map<string, { prepared: Prepared; principal: Principal }>();

  constructor(options: TriggerRunnerOptions) {
    this.#options = options;
  }

  /** Returns the fields that a trigger may not select for its purpose, as `Type.field`. */
  forbidden(document: DocumentNode, purpose: Purpose): readonly string[] {
    const parts = operationIn(document);
    return parts === undefined
      ? []
      : this.#options.privacy.disclosures(parts).forbidden(this.#audienceFor(purpose));
  }

  /** Whether a trigger may select data of an enum value for its purpose. */
  maySee(place: string, purpose: Purpose): boolean {
    return this.#options.privacy.maySee(this.#audienceFor(purpose), place);
  }

  /** Answers a trigger for an event, with current data. */
  async answer(trigger: Trigger, known: KnownEvent): Promise<TriggerResult> {
    const { field, conditions } = trigger.interest;
    const { prepared, principal } = this.#preparedFor(trigger);
    const { result, withheld } = await this.#options.runner.answer(prepared, {
      principal,
      requestId: requestIdOfEvent(known.event),
      // A trigger's message could not show that its data is stale. If fresh data is unavailable, the trigger is
      // retried later.
      wanted: { isFreshOnly: true },
      event: { field, event: toCustomerEvent(known), conditions, only: 'complete' },
    });
    if (withheld !== undefined) return { withheld: withheld.code, isTemporary: withheld.isTemporary };
    const [error] = result.errors ?? [];
    if (error === undefined) return { data: result.data };
    return { withheld: String(error.extensions['code']), isTemporary: true };
  }

  #audienceFor(purpose: Purpose) {
    const { scopes } = this.#options;
    const ofTriggers = scopes.filter((scope) => scope !== 'admin:forget' && scope !== 'me:read');
    return { scopes: new Set(ofTriggers), sees: 'clear' as const, purpose };
  }

  #preparedFor({ name, document, purpose }: Trigger) {
    let known = this.#prepared.get(name);
    if (known === undefined) {
      const { preparer, privacy } = this.#options;
      const principal = principalOf(name, this.#audienceFor(purpose), privacy);
      this.#prepared.set(name, (known = { prepared: preparer.prepareTrusted(document), principal }));
    }
    return known;
  }
}

/** Returns the request id for an event. The id of the event may have any characters and any length. */
export function requestIdOfEvent({ source, id }: { source: string; id: string }): string {
  return `${source}-${id.replace(/[^\w.-]/g, '_')}`.slice(0, MAX_ID_CHARACTERS);
}

function principalOf(
  name: string,
  audience: Audience & { purpose: Purpose },
  { maySee }: Pick<Privacy, 'maySee'>,
): Principal {
  const caller: Caller = {
    ...ROLES.operator,
    name: `trigger:${name}`,
    roles: [],
    scopes: audience.scopes,
    purposes: [audience.purpose],
    defaultPurpose: audience.purpose,
    priority: 'automation',
    maxCost: UNLIMITED,
    costPerMinute: UNLIMITED,
    origins: [],
  };
  const permissions = {
    findsBy: 'all' as const,
    maySee: (place: string) => maySee(audience, place),
    seesErased: false,
    seesMasked: false,
  };
  return { caller, audience, permissions };
}
