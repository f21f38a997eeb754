import type { Forgettable } from '../cache/invalidation.js';
import type { Identifier } from '../identity/identifiers.js';
import type { LoaderRegistry } from '../loaders/registry.js';
import type { SourceEvent } from '../webhooks/event.js';
import type { EventSubjects } from '../webhooks/event-subjects.js';
import type { Webhook } from '../webhooks/receive.js';
import type { Forget } from './forget.js';

/** Milliseconds before dropped data is reloaded. A system often sends several events for one change. */
const RENEW_DELAY_MS = 250;

export interface ForgetEventOptions {
  registry: Pick<LoaderRegistry, 'forget' | 'has'>;
  forget: Forget;
  subjects: EventSubjects;
  webhooks: ReadonlyMap<string, Webhook>;
}

/**
 * Drops the cached data that an event has changed, on every instance. Resolves with the personal identifiers of the
 * customer, the strongest first.
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
        throw new Error(
          `The webhook of ${source} names the loader "${name}" in changes, but ${source} has no such loader.`,
        );

  /** The cached data to drop for an event that names no customer: of the declared loaders, or of the whole source. */
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
      if (!isEverywhere) throw new Error('Not every instance has dropped the data; the event is retried.');
      renewals.push(renew);
      // A system may send an event before its lookups return the customer. Then the next identifier is tried.
      if (customer === undefined || customer.records.length === 0) {
        hasFailed ||= unavailableSources.length > 0;
        continue;
      }
      // If a system failed for an earlier identifier, this identifier may be another person's.
      if (!hasFailed && subjects.isPersonal(identifier)) found = { identifier, own: customer.exclusive };
      break;
    }
    setTimeout(() => {
      for (const renew of renewals) renew();
    }, RENEW_DELAY_MS).unref();
    const about = subjects.about(event);
    if (found === undefined || found.own.length === 0) return about;
    return subjects.strongestFirst([...about.slice(0, 1), found.identifier, ...found.own]);
  };
}
