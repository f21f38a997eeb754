import { viesCompanies } from './companies.js';
import { vatChecks } from './loaders.js';
import type { Resolvers } from './schema.generated.js';

/** Answers schema/sources/vies.graphql. */
export const resolvers: Resolvers = {
  Company: {
    vat: async (company, _, { load }) => {
      // A company that was found here has been checked.
      const known = await company.record(viesCompanies);
      if (known !== null) return known;
      const vatNumber = await company.identifier('vatNumber');
      return vatNumber === null ? null : load(vatChecks, vatNumber);
    },
  },
};
