import { afterAll, afterEach, beforeEach } from 'vitest';
import { sources } from '../../sources/index.js';
import type { FreshnessOptions } from '../../src/cache/freshness.js';
import type { LimitsOptions } from '../../src/resilience/limits.js';
import { fakeClock } from '../support/clock.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { faultControl, FOUR_SYSTEMS } from '../support/stand-ins.js';

/** Opens gateways over four systems with cached records, and counts the calls to the systems. */
export async function freshGateways() {
  const control = await faultControl([], FOUR_SYSTEMS);
  const opened: TestGateway[] = [];
  beforeEach(() => control.heal());
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((gateway) => gateway.close()));
  });
  afterAll(() => control.close());

  return {
    control,
    openGateway: ({
      freshness = { maxAge: '30 s', staleWhileRevalidate: '30 s' },
      limits = {},
    }: { freshness?: FreshnessOptions; limits?: LimitsOptions & { batchWindow?: '20 ms' } } = {}) => {
      const clock = fakeClock();
      const gateway = createTestGateway(
        { ...control.settings, MAX_IN_FLIGHT: '5000', DEADLINE_MS: '20000' },
        {
          clock,
          sources: sources.map((source) => ({
            ...source,
            freshness,
            // A thousand concurrent requests may be slow on this machine, so the deadline is long.
            limits: { ...source.limits, timeout: '10 s' as const, ...limits },
          })),
        },
      );
      opened.push(gateway);
      return { gateway, clock };
    },
    calls: () =>
      Object.fromEntries(Object.entries(control.counters()).map(([name, counter]) => [name, counter.calls])),
  };
}
