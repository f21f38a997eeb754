import type { Draft, DraftCall, DraftField, DraftType } from '../../../src/connect/draft.js';

/** A small draft for tests of one rule. */

export function fieldOf(
  from: string,
  samples: readonly unknown[],
  more: Partial<DraftField> = {},
): DraftField {
  return {
    name: from.replace(/\W/g, ''),
    from,
    type: 'String',
    isList: false,
    isNullable: true,
    samples,
    ...more,
  };
}

export function draftWith(
  fields: readonly DraftField[],
  {
    id,
    keys = { [id ?? 'email']: false },
    types = [],
  }: { id?: string; keys?: Readonly<Record<string, boolean>>; types?: readonly DraftType[] } = {},
): Draft {
  const customer: DraftType = {
    name: 'ClubMember',
    description: 'A member.',
    ...(id === undefined ? {} : { id }),
    fields,
  };
  return {
    ...{ source: 'club', kind: 'rest', connect: {}, variables: {}, customer },
    types: Object.fromEntries(types.map((type) => [type.name, type])),
    calls: Object.fromEntries(
      Object.entries(keys).map(([key, isUnique], i): [string, DraftCall] => [
        `by${i}`,
        { call: {}, key, findsCustomers: true, isUnique },
      ]),
    ),
  };
}
