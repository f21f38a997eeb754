import type { CompanyDeclaration, RestClient } from '../../src/index.js';
import { companiesByNameAndPlace, registrations } from './loaders.js';
import type { Registration } from './mapping.js';

/** How the trade register knows companies. */
export const registered: CompanyDeclaration<RestClient, Registration> = {
  foundBy: { kvkNumber: registrations },
  byNameAndPlace: companiesByNameAndPlace,
  // It holds only the number by which it is queried.
  holds: [],
};
