import { SourceContractError, type TimelineDeclaration, type TimelineItem } from '../../src/index.js';
import { casesOfContacts, MAX_CASES } from './loaders.js';
import { ofAll } from './resolvers.js';
import type { Case } from './schema.generated.js';

/** Pages are cut from the newest cases of each contact, which are read in one call for all. */
export const timeline: TimelineDeclaration = {
  kinds: ['TICKET', 'CALL'],
  page: async (customer, { kinds, first, before, since }, { load }) => {
    let readBackTo = '';
    const cases = await ofAll(customer, async (contactId) => {
      const own = await load(casesOfContacts, contactId);
      if (own.length <= MAX_CASES) return own;
      const oldest = own[MAX_CASES - 1]?.createdAt ?? '';
      if (oldest > readBackTo) readBackTo = oldest;
      return own.slice(0, MAX_CASES);
    });
    const items = cases
      .map(toTimelineItem)
      .filter(
        ({ kind, at, id }) =>
          kinds.has(kind) &&
          (since === null || at >= since) &&
          (before === null || at < before.at || (at === before.at && id < before.id)),
      )
      .sort((one, other) => downwards(one.at, other.at) || downwards(one.id, other.id))
      .slice(0, first);
    // Behind what was read there are more, of which some might belong on this page.
    const last = items.length < first ? (since ?? '') : (items.at(-1)?.at ?? '');
    if (readBackTo !== '' && last <= micro(readBackTo))
      throw new SourceContractError(
        'crm-salesforce',
        'crm-salesforce holds more cases than can be read at once.',
        { kind: 'incomplete' },
      );
    return items;
  },
};

function toTimelineItem({ id, origin, createdAt, subject, status }: Case): TimelineItem {
  return {
    // A case that came by phone is how a call is noted.
    kind: origin === 'Phone' ? 'CALL' : 'TICKET',
    at: micro(createdAt),
    id,
    title: subject ?? null,
    status: status ?? null,
  };
}

/** With as many decimals as the moments that it is compared with. */
function micro(moment: string): string {
  return moment.replace('Z', '000Z');
}

function downwards(one: string, other: string): number {
  return one === other ? 0 : one < other ? 1 : -1;
}
