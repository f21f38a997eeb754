import { pageOfSource, positionOfRecord, type Company, type TicketRecord } from '../../src/index.js';
import { crmCompanies } from './companies.js';
import type { CrmCompany } from './mapping.js';
import { newestTicketsOf } from './newest.js';
import type { Resolvers } from './schema.generated.js';

/** Resolves schema/sources/crm-hubspot.graphql. */
export const resolvers: Resolvers = {
  Company: {
    name: valueOf('name'),
    domain: valueOf('domain'),
    city: valueOf('city'),
    industry: valueOf('industry'),
    employeeCount: valueOf('employeeCount'),
    tickets: async (company, page, context) => {
      const record = await company.record(crmCompanies);
      if (record === null) return null;
      return pageOfSource<TicketRecord>(
        {
          name: 'Company.tickets',
          what: 'tickets of one company',
          positionOf: positionOfRecord,
          source: {
            name: 'crm-hubspot',
            read: (request) => newestTicketsOf(record.id, request, context),
          },
        },
        page,
      );
    },
  },
};

function valueOf<F extends Exclude<keyof CrmCompany, 'id'>>(field: F) {
  return async (company: Company): Promise<CrmCompany[F] | null> =>
    (await company.record(crmCompanies))?.[field] ?? null;
}
