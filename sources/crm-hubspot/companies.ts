import type { CompanyDeclaration, RestClient } from '../../src/index.js';
import { companies, companiesByKvkNumber, companiesByVatNumber, companiesOfContacts } from './loaders.js';
import type { CrmCompany } from './mapping.js';

/** The lookups of companies in the CRM. */
export const crmCompanies: CompanyDeclaration<RestClient, CrmCompany> = {
  foundBy: { kvkNumber: companiesByKvkNumber, vatNumber: companiesByVatNumber },
  holds: ['kvkNumber', 'vatNumber'],
  ofCustomer: async (customer, { load }) => {
    const contactIds = await customer.identifiers('hubspotContactId');
    const found = await Promise.all(
      contactIds.map(async (contactId) =>
        (await load(companiesOfContacts, contactId)).map((id) => ({ id, contactId })),
      ),
    );
    const [first] = found.flat();
    return first === undefined ? null : load(companies, first);
  },
};
