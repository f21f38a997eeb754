import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { openSqlite } from '../../src/webhooks/store-sqlite.js';
import { jobStoreContract } from './job-store-contract.js';

describe('bulk jobs in a file', () => {
  jobStoreContract(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bulk-jobs-'));
    const file = join(folder, 'webhooks.db');
    const databases = [await openSqlite(file), await openSqlite(file)] as const;
    return {
      databases,
      raw: async () => {
        const names = await readdir(folder);
        return (await Promise.all(names.map((name) => readFile(join(folder, name), 'latin1')))).join('\n');
      },
      close: async () => {
        for (const database of databases) await database.close();
        await rm(folder, { recursive: true });
      },
    };
  });
});
