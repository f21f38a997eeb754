import { describe } from 'vitest';
import { openPostgres } from '../../src/webhooks/postgres-store.js';
import { jobStoreContract } from '../bulk/job-store-contract.js';
import { createDatabase } from './database.js';

describe('bulk jobs in PostgreSQL', () => {
  jobStoreContract(async () => {
    const database = await createDatabase();
    const databases = [await openPostgres(database.url), await openPostgres(database.url)] as const;
    return {
      databases,
      raw: () => database.text(['bulk_jobs', 'bulk_parts']),
      close: async () => {
        for (const connection of databases) await connection.close();
        await database.close();
      },
    };
  });
});
