import type { Forgettable } from '../cache/invalidation.js';
import type { Identifier } from '../identity/identifiers.js';
import type { LoaderRegistry } from '../loaders/registry.js';
import type { SourceEvent } from '../webhooks/event.js';
import type { EventSubjects } from '../webhooks/event-subjects.js';
import type { Webhook } from '../webhooks/receive.js';
import type { Forget } from './forget.js';

/** Systems tell of one thing by several events: what is read again between them would be forgotten again. */
const RENEW_AFTER_MS = 250;

export interface ForgetEventOptions {
  registry: Pick<LoaderRegistry, 'forget' | 'has'>;
  forget: Forget;
  subjects: EventSubjects;
  webhooks: ReadonlyMap<string, Webhook>;
}

/**
 * Forgets, on every instance, what an event has changed. Resolves with the personal identifiers of the customer, the
 * strongest first.
 */
export function createForgetEvent({
  registry,
  forget,
  subjects,
  webhooks,
}: ForgetEventOptions): (event: SourceEvent) => Promise<readonly Identifier[]> {
  for (const [source, { declaration }] of webhooks)
    for (const { name } of Object.values(declaration.changes ?? {}).flatMap((loaders) => loaders ?? []))
      if (!registry.has(source, name))
        throw new Error(`"${name}" is changed by events of ${source}, and is none of its loaders.`);

  /** A system that names nobody may have told of anything that is kept of it, unless it says of what. */
  const changedBy = ({ source, type }: SourceEvent): Forgettable[] =>
    webhooks.get(source)?.declaration.changes?.[type]?.map(({ name }) => ({ source, loader: name })) ?? [
      { source },
    ];

  return async (event) => {
    const named = subjects.namedBy(event);
    if (named.length === 0) {
      await registry.forget(changedBy(event));
      return [];
    }
    const objects = webhooks.get(event.source)?.declaration.objects?.(event) ?? [];
    const renewals = [await registry.forget([...named, ...objects])];
    let found: { identifier: Identifier; own: readonly Identifier[] } | undefined;
    let hasFailed = false;
    for (const identifier of named) {
      const { isEverywhere, unavailableSources, customer, renew } = await forget({ identifier });
      if (!isEverywhere) throw new Error('Not every instance has forgotten.');
      renewals.push(renew);
      // A system may send an event of a customer before it can be asked for that customer: then the next identifier counts.
      if (customer === undefined || customer.records.length === 0) {
        hasFailed ||= unavailableSources.length > 0;
        continue;
      }
      // While a failed system may know an earlier identifier, this one may be another person's.
      if (!hasFailed && subjects.isPersonal(identifier)) found = { identifier, own: customer.exclusive };
      break;
    }
    setTimeout(() => {
      for (const renew of renewals) renew();
    }, RENEW_AFTER_MS).unref();
    const about = subjects.about(event);
    if (found === undefined || found.own.length === 0) return about;
    return subjects.strongestFirst([...about.slice(0, 1), found.identifier, ...found.own]);
  };
}
