import { describe } from 'vitest';
import { createWebhookStore } from '../../src/webhooks/store.js';
import { storeContract } from '../webhooks/store-contract.js';
import { createDatabase } from './database.js';

describe('a webhook store in PostgreSQL', () => {
  storeContract(async (options) => {
    const database = await createDatabase();
    const postgresUrl = database.url;
    const store = await createWebhookStore({ postgresUrl, ...options });
    return {
      store,
      again: (more) => createWebhookStore({ postgresUrl, ...options, ...more }),
      raw: () => database.text(),
      close: async () => {
        await store.close();
        await database.close();
      },
    };
  });
});
