import { chinook } from '../../connect/suggest/systems/databases.js';
import { contractFile } from '../openapi.js';
import { startExampleServer } from '../example-databases.js';
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
          invoices: [
            { invoiceId: '98', total: '3.98' },
            { invoiceId: '121', total: '3.96' },
            { invoiceId: '143', total: '5.94' },
            { invoiceId: '195', total: '0.99' },
            { invoiceId: '316', total: '1.98' },
            { invoiceId: '327', total: '13.86' },
            { invoiceId: '382', total: '8.91' },
          ],
        },
      },
    },
  },
  start: async () => {
    const server = await startExampleServer();
    const url = await server.create('chinook', contractFile('sql', 'chinook', 'Chinook_PostgreSql.sql'));
    return { what: url.href, settings: { CHINOOK_URL: url.href }, close: () => server.close() };
  },
};
