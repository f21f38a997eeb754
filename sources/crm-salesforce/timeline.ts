import type { TimelineDeclaration, TimelineItem } from '../../src/index.js';
import { newestOfContacts } from './lists.js';
import { casesOfContacts } from './loaders.js';
import type { SalesforceCase } from './mapping.js';

/** The newest cases of each contact are read, in one call for all contacts. */
export const timeline: TimelineDeclaration = {
  kinds: ['TICKET', 'CALL'],
  page: async (customer, _, { load }) => {
    const { items, readBackTo } = await newestOfContacts(
      customer,
      (contactId) => load(casesOfContacts, contactId),
      ({ createdAt }) => createdAt,
    );
    return { items: items.map(toTimelineItem), readBackTo };
  },
};

function toTimelineItem({ recordId, channel, createdAt, subject, statusText }: SalesforceCase): TimelineItem {
  return {
    // Agents record a call as a case of this origin.
    kind: channel === 'Phone' ? 'CALL' : 'TICKET',
    at: createdAt,
    id: recordId,
    title: subject,
    status: statusText,
  };
}
