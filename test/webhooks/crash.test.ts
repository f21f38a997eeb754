import { expect, it } from 'vitest';
import { isThorough } from '../support/thorough.js';
import { crash } from './crashing.js';

const KILLS = isThorough ? 10 : 2;

it('does not lose, invent, repeat or reorder events if it is killed at any time', async () => {
  const report = await crash({ kills: KILLS });
  expect(report).toMatchObject({ lost: [], invented: [], severalIds: [], outOfOrder: [] });
  expect(report.acknowledged).toBeGreaterThan(20 * KILLS);
  expect(report.requests).toBeGreaterThan(report.acknowledged);
}, 180_000);
