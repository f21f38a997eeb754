import { evaluate, type Condition, type Truth } from './condition.js';

/** The customer of a listed record. */
export type Identified<Member> =
  /** `recordIds`: all of the customer's records in the listing system. */
  | { kind: 'customer'; member: Member; recordIds: readonly string[] }
  /** The record may belong to several customers. */
  | { kind: 'ambiguous' }
  /** A system failed that must be known to identify the customer. */
  | { kind: 'unknown' }
  /** The record does not exist any more, or its customer is erased. */
  | { kind: 'none' };

/** The systems, as a scan uses them. */
export interface Systems<Leaf, Member> {
  list(
    seed: Leaf,
    after: string | null,
    first: number,
  ): Promise<{ recordIds: readonly string[]; hasMore: boolean }>;
  identify(seed: Leaf, recordIds: readonly string[]): Promise<readonly Identified<Member>[]>;
  /** The comparison of each customer. Never rejects: a value that cannot be read is UNKNOWN. */
  read(leaf: Leaf, members: readonly Member[]): Promise<readonly Truth[]>;
}

/** How many customers were examined, since the first page. */
export interface Counts {
  matching: number;
  unknown: number;
  ambiguous: number;
}

/** Where a page begins. */
export interface Position {
  /** The last record of the list that was examined. Null: none. */
  after: string | null;
  counts: Counts;
  /** Records of examined customers who have several: they may be further on in the list. */
  otherRecords: readonly string[];
}

export const BEGINNING: Position = {
  after: null,
  counts: { matching: 0, unknown: 0, ambiguous: 0 },
  otherRecords: [],
};

/** Such records that a position holds. Beyond, the oldest are dropped, and their customers may be examined again. */
const MAX_OTHER_RECORDS = 1_000;

export interface Scan<Leaf> {
  where: Condition<Leaf>;
  /** The comparison that lists the customers. */
  seed: Leaf;
  /** All comparisons, in the order in which they are read. */
  order: readonly Leaf[];
  from: Position;
  /** Customers on the page at most. */
  first: number;
  /** Parts of the list that are examined at most. */
  maxParts: number;
  /** Records in a part at most. */
  maxTogether: number;
}

export interface ScanResult<Member> {
  /** Those who meet the condition, each with the position behind the member. */
  members: { member: Member; position: Position }[];
  end: Position;
  hasMore: boolean;
}

/** Examines the listed records in their order, until the page is full or `maxParts` are examined. */
export async function scan<Leaf, Member>(
  { where, seed, order, from, first, maxParts, maxTogether }: Scan<Leaf>,
  systems: Systems<Leaf, Member>,
): Promise<ScanResult<Member>> {
  const members: ScanResult<Member>['members'] = [];
  const counts = { ...from.counts };
  const otherRecords = new Set(from.otherRecords);
  let { after } = from;
  let hasMore = true;
  const position = (): Position => ({
    after,
    counts: { ...counts },
    otherRecords: [...otherRecords].slice(-MAX_OTHER_RECORDS),
  });
  for (let parts = 0; parts < maxParts && hasMore && members.length < first; parts += 1) {
    const part = await systems.list(seed, after, maxTogether);
    hasMore = part.hasMore;
    const { recordIds } = part;
    const identified = await systems.identify(seed, recordIds);
    const people = oncePerCustomer(recordIds, identified, otherRecords);
    const truths = await decide(
      where,
      order,
      people.map(({ member }) => member),
      systems,
    );
    const truthOf = new Map(people.map(({ index }, i) => [index, truths[i] ?? 'UNKNOWN'] as const));
    for (const [index, recordId] of recordIds.entries()) {
      if (members.length === first) {
        // The rest of the part is examined for the next page.
        hasMore = true;
        break;
      }
      after = recordId;
      const found = identified[index];
      const truth = truthOf.get(index);
      if (found?.kind === 'ambiguous') counts.ambiguous += 1;
      if (found?.kind === 'unknown' || truth === 'UNKNOWN') counts.unknown += 1;
      if (found?.kind !== 'customer' || truth === undefined) continue;
      for (const other of found.recordIds) if (other !== recordId) otherRecords.add(other);
      if (truth !== 'TRUE') continue;
      counts.matching += 1;
      members.push({ member: found.member, position: position() });
    }
  }
  return { members, end: position(), hasMore };
}

/** The customers of listed records, each at the first record. Leaves out customers who were examined before. */
function oncePerCustomer<Member>(
  recordIds: readonly string[],
  identified: readonly Identified<Member>[],
  examined: ReadonlySet<string>,
): { index: number; member: Member }[] {
  const seen = new Set(examined);
  return identified.flatMap((found, index) => {
    if (found.kind !== 'customer' || seen.has(recordIds[index] ?? '')) return [];
    for (const recordId of found.recordIds) seen.add(recordId);
    return [{ index, member: found.member }];
  });
}

/** Reads the comparisons in order, each only for the customers that it can still decide. */
async function decide<Leaf, Member>(
  where: Condition<Leaf>,
  order: readonly Leaf[],
  members: readonly Member[],
  systems: Systems<Leaf, Member>,
): Promise<Truth[]> {
  const known = members.map(() => new Map<Leaf, Truth>());
  const truthOf = (index: number): Truth => evaluate(where, (leaf) => known[index]?.get(leaf) ?? 'UNKNOWN');
  let open = [...members.entries()];
  for (const leaf of order) {
    if (open.length === 0) break;
    const truths = await systems.read(
      leaf,
      open.map(([, member]) => member),
    );
    for (const [i, [index]] of open.entries()) known[index]?.set(leaf, truths[i] ?? 'UNKNOWN');
    open = open.filter(([index]) => truthOf(index) === 'UNKNOWN');
  }
  return members.map((_, index) => truthOf(index));
}
