import { expect, it } from 'vitest';
import { crash } from './crashing.js';

it('loses, invents, doubles and reorders nothing when it is killed at any moment', async () => {
  const report = await crash({ kills: 10 });
  expect(report).toMatchObject({ lost: [], invented: [], severalIds: [], outOfOrder: [] });
  expect(report.acknowledged).toBeGreaterThan(200);
  expect(report.requests).toBeGreaterThan(report.acknowledged);
}, 180_000);
