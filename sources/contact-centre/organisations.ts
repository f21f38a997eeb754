import type { OrganisationsDeclaration } from '../../src/index.js';
import { identity } from './identity.js';
import { organisationsOfUsers } from './loaders.js';

/** The organisations of all users that belong to the customer. */
export const organisations: OrganisationsDeclaration = {
  ofCustomer: async (customer, { load }) => {
    const users = await customer.records(identity);
    const found = await Promise.all(
      users.map(async ({ id: userId, organisationId: id }) =>
        id === null ? null : load(organisationsOfUsers, { id, userId }),
      ),
    );
    const known = found.filter((organisation) => organisation !== null);
    return [...new Map(known.map((organisation) => [organisation.recordId, organisation])).values()];
  },
};
