import { pageOfSource, positionOfRecord, type TicketRecord } from '../../src/index.js';
import { crmCompanies } from './companies.js';
import { newestTicketsOf } from './newest.js';
import type { Resolvers } from './schema.generated.js';

/** Resolves schema/sources/crm-hubspot.graphql. */
export const resolvers: Resolvers = {
  Company: {
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
