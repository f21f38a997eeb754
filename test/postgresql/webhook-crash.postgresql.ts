import { afterEach, beforeEach, expect, it } from 'vitest';
import { crash } from '../webhooks/crashing.js';
import { createDatabase } from './database.js';

let database: Awaited<ReturnType<typeof createDatabase>>;

beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.close());

it('two instances do not lose, invent, repeat or reorder events if either of them is killed', async () => {
  const report = await crash({ kills: 10, postgresUrl: database.url });
  expect(report).toMatchObject({ lost: [], invented: [], severalIds: [], outOfOrder: [] });
  expect(report.acknowledged).toBeGreaterThan(200);
  expect(report.requests).toBeGreaterThan(report.acknowledged);
}, 180_000);
