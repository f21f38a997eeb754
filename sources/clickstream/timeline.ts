import type { TimelineDeclaration } from '../../src/index.js';
import { visitPages } from './loaders.js';
import { toTimelineItem } from './mapping.js';
import { findPerson } from './resolvers.js';

export const timeline: TimelineDeclaration = {
  kinds: ['VISIT'],
  page: async (customer, { first, before, since }, { load }) => {
    const person = await findPerson(customer);
    if (person === null) return [];
    const found = await load(visitPages, { person, size: first, after: before, since });
    return found.map(toTimelineItem);
  },
};
