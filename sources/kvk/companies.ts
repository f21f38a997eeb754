import type { CompanyDeclaration, RestClient } from '../../src/index.js';
import { companiesByNameAndPlace, registrations } from './loaders.js';
import type { Registration } from './mapping.js';

/** How the trade register knows companies. */
export const registered: CompanyDeclaration<RestClient, Registration> = {
  foundBy: { kvkNumber: registrations },
  byNameAndPlace: companiesByNameAndPlace,
  // The one number that it holds is the one that it is asked by.
  holds: [],
};
