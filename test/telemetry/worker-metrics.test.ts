import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { textOfWorkers } from '../../src/telemetry/worker-metrics.js';

describe('the metrics of several workers', () => {
  it('are one text, with each metric once and the worker as label', async () => {
    const [first, second] = [createMetrics(), createMetrics()];
    first.operationAnswered('Profile', 20, 'ok');
    second.operationAnswered('Profile', 20, 'ok');
    second.operationAnswered('Profile', 20, 'ok');
    const text = await textOfWorkers(
      new Map([
        [1, await first.values()],
        [2, await second.values()],
      ]),
    );
    const lines = text.split('\n');
    for (const [worker, count] of [
      [1, 1],
      [2, 2],
    ]) {
      expect(lines).toContain(
        `stekkerdoos_operations_total{operation="Profile",outcome="ok",worker="${worker}"} ${count}`,
      );
      expect(lines).toContain(
        `stekkerdoos_operation_duration_seconds_bucket{le="0.025",operation="Profile",worker="${worker}"} ${count}`,
      );
      expect(text).toContain(`process_start_time_seconds{worker="${worker}"} `);
    }
    const types = lines.filter((line) => line.startsWith('# TYPE'));
    expect(new Set(types).size).toBe(types.length);
  });
});
