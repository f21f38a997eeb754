import { describe, expect, it } from 'vitest';
import type { Duration } from '../../src/duration.js';
import { ConfigError } from '../../src/errors.js';
import { readLimits, type LimitsOptions } from '../../src/resilience/limits.js';

describe("a source's limits", () => {
  it('have defaults', () => {
    expect(readLimits('shop', {})).toEqual({
      timeoutMs: 1_000,
      concurrency: 16,
      rate: undefined,
      quota: undefined,
      bulkShare: 0.5,
      retries: 2,
    });
  });

  it('are refused with all problems in one error', () => {
    const wrong: LimitsOptions = {
      timeout: 'soon' as Duration,
      concurrency: 0,
      rate: { calls: 0, per: '0 s', burst: 0.5 },
      quota: { calls: Number.NaN, per: 'day' },
      bulkShare: 1.1,
      retries: -1,
    };
    const read = () => readLimits('shop', wrong);
    expect(read).toThrow(ConfigError);
    for (const name of Object.keys(wrong)) expect(read).toThrow(`limits of shop: \`${name}`);
    for (const name of ['rate.calls', 'rate.per', 'rate.burst']) expect(read).toThrow(`\`${name}\``);
  });
});
