import { chinook } from '../../connect/suggest/systems/databases.js';
import { contractFile } from '../openapi.js';
import { createDatabase } from '../example-databases.js';
import type { NineSystem } from './nine-system.js';

/** The database has no constraint that makes the e-mail address unique. Its reader may only read. */
export const chinookSystem: NineSystem = {
  right: chinook,
  identity: [
    'found by own (enforced)',
    'found by email (usual)',
    'yields email at email (one)',
    'yields phone at phone (shown)',
  ],
  calls: { byCustomerId: {}, byEmail: {}, invoices: {}, lines: {}, track: {} },
  query: {
    text: '{ customer(by: { email: "luisg@embraer.com.br" }) { chinook { customerId city invoices { invoiceId total } } } }',
    data: {
      customer: {
        chinook: {
          ...{ customerId: '1', city: 'São José dos Campos' },
          invoices: [{ invoiceId: '382', total: '8.91' }],
        },
      },
    },
  },
  start: async () => {
    const { url, close } = await createDatabase(
      'chinook',
      contractFile('sql', 'chinook', 'Chinook_PostgreSql.sql'),
    );
    return { what: url.href, settings: { CHINOOK_URL: url.href }, close };
  },
};
