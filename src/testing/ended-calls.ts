import type { TestGateway } from './test-gateway.js';

/** The number of ended calls to a source, by the gateway's metrics: all calls, or those with the outcome. */
export async function endedCalls(gateway: TestGateway, source: string, outcome?: string): Promise<number> {
  const metrics = await (await gateway.fetch('/metrics')).text();
  return [...metrics.matchAll(/^stekkerdoos_source_calls_total\{(.*)\} (\d+)$/gm)]
    .filter(
      ([, labels = '']) =>
        labels.includes(`source="${source}"`) &&
        (outcome === undefined || labels.includes(`outcome="${outcome}"`)),
    )
    .reduce((sum, [, , count]) => sum + Number(count), 0);
}
