import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createWebhookStore } from '../../src/webhooks/store.js';
import { storeContract } from './store-contract.js';

describe('a webhook store in a file', () => {
  storeContract(async (options) => {
    const folder = await mkdtemp(join(tmpdir(), 'webhooks-'));
    const file = join(folder, 'webhooks.db');
    const store = await createWebhookStore({ file, ...options });
    return {
      store,
      again: (more) => createWebhookStore({ file, ...options, ...more }),
      raw: async () => {
        const files = await readdir(folder);
        return (await Promise.all(files.map((name) => readFile(join(folder, name), 'latin1')))).join('\n');
      },
      close: async () => {
        await store.close();
        await rm(folder, { recursive: true });
      },
    };
  });
});

it('is refused without a file and without a database', async () => {
  await expect(createWebhookStore({ secret: 'a secret of the test' })).rejects.toThrow(TypeError);
});
