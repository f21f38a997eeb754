import type { TimelineDeclaration, TimelineItem } from '../../src/index.js';
import { casesOfContacts, MAX_CASES } from './loaders.js';
import { ofAll } from './resolvers.js';
import type { Case } from './schema.generated.js';

/** The newest cases of each contact are read, in one call for all. */
export const timeline: TimelineDeclaration = {
  kinds: ['TICKET', 'CALL'],
  page: async (customer, _, { load }) => {
    const readBackTo: string[] = [];
    const cases = await ofAll(customer, async (contactId) => {
      const own = await load(casesOfContacts, contactId);
      const read = own.slice(0, MAX_CASES);
      if (own.length > MAX_CASES) readBackTo.push(...read.slice(-1).map(({ createdAt }) => createdAt));
      return read;
    });
    return { items: cases.map(toTimelineItem), readBackTo };
  },
};

function toTimelineItem({ id, origin, createdAt, subject, status }: Case): TimelineItem {
  return {
    // A case that came by phone is how a call is noted.
    kind: origin === 'Phone' ? 'CALL' : 'TICKET',
    at: createdAt,
    id,
    title: subject ?? null,
    status: status ?? null,
  };
}
