import { ForbiddenError, InvalidInputError } from '../errors.js';
import type { Context, Customer } from './customer.js';
import { mergedPage, toMoment, type MergedPage, type MergedSource, type Position } from './merged-list.js';
import type {
  CustomerTimelineArgs,
  RequireFields,
  TimelineEntry,
  TimelineKind as ShownKind,
} from './schema.generated.js';
import type { TimelineDeclaration, TimelineItem, TimelineKind } from './timeline-declaration.js';

/** A source that adds to the timeline. */
export interface TimelineSource {
  name: string;
  timeline: TimelineDeclaration;
}

/** An entry for resolvers. Its id is created from source and recordId when it is selected. */
export type TimelineNode = Omit<TimelineEntry, 'id'>;

/** A page of the timeline, and the sources whose entries are missing on it. */
export type TimelinePage = MergedPage<TimelineNode>;

/** One page of the timeline, merged from the sources that have a requested kind. */
export async function timelinePage(
  customer: Customer,
  args: RequireFields<CustomerTimelineArgs, 'first'>,
  sources: readonly TimelineSource[],
  context: Context,
): Promise<TimelinePage> {
  const since = args.since == null ? null : readSince(args.since);
  for (const kind of args.kinds ?? [])
    if (!context.permissions.maySee(`TimelineKind.${kind}`))
      throw new ForbiddenError(`This caller may not see what is of the kind ${kind}.`);

  const requested: ReadonlySet<TimelineKind> | undefined =
    args.kinds == null ? undefined : new Set(args.kinds);
  return mergedPage(
    {
      name: 'Customer.timeline',
      what: 'items of the timeline',
      since,
      positionOf: ({ at, id }) => ({ at, id }),
      sources: sources.flatMap(({ name, timeline }): MergedSource<TimelineItem>[] => {
        const kinds = new Set<TimelineKind>(
          timeline.kinds.filter(
            (kind) => requested?.has(kind) !== false && context.permissions.maySee(`TimelineKind.${kind}`),
          ),
        );
        if (kinds.size === 0) return [];
        return [
          {
            name,
            read: (request) => timeline.page(customer, { ...request, kinds, since }, context),
            isRequested: ({ kind }) => kinds.has(kind),
          },
        ];
      }),
    },
    args,
    toNode,
  );
}

function toNode(item: TimelineItem, { at, source, id }: Position): TimelineNode {
  const { kind, title = null, status = null, amount = null } = item;
  return {
    // Checked at start: the enum has it.
    kind: kind as ShownKind,
    // A DateTime has milliseconds. The cursor has the other decimals.
    happenedAt: `${at.slice(0, 23)}Z`,
    source,
    recordId: id,
    title,
    status,
    amount,
  };
}

function readSince(since: string): string {
  const at = toMoment(since);
  if (at === null) throw new InvalidInputError('"since" must be a moment such as 2026-11-01T12:00:00.000Z.');
  return at;
}
