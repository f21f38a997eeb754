import { collectDefaultMetrics, Registry } from 'prom-client';
import { counters } from './counters.js';
import { addGauges, type ScrapeReaders } from './gauges.js';
import { createOperationMetrics, type OperationMetrics } from './operation-metrics.js';
import { createSourceMetrics, type SourceMetrics } from './source-metrics.js';
import { createWebhookMetrics, type WebhookMetrics } from './webhook-metrics.js';
import type { MetricValues } from './worker-metrics.js';

export type { OperationOutcome } from './operation-metrics.js';
export type { BreakerState } from './source-metrics.js';

/**
 * The metrics of the gateway. All functions are cheap enough for the hot path. Labels have few values: plugged-in
 * sources and loaders, constants of the engine, and at most a hundred operation names.
 */
export interface Metrics extends SourceMetrics, OperationMetrics, WebhookMetrics {
  /** Adds gauges. Each gauge can be added once. The text contains only added gauges. */
  readAtScrape(readers: Partial<ScrapeReaders>): void;
  /** All metrics, in the text format of Prometheus. */
  text(): Promise<string>;
  /** The metrics of this process, as values. */
  values(): Promise<MetricValues>;
  contentType: string;
}

/** Creates the metrics of a gateway. If it has several processes, `textOfAll` returns the metrics of all of them. */
export function createMetrics(textOfAll?: () => Promise<string>): Metrics {
  const registry = new Registry();
  const ofProcess = processMetrics();
  const counter = counters(registry);
  return {
    ...createSourceMetrics(registry, counter),
    ...createOperationMetrics(registry, counter),
    ...createWebhookMetrics(counter),
    readAtScrape: (readers) => {
      addGauges(registry, readers);
    },
    text:
      textOfAll ?? (async () => (await Promise.all([registry.metrics(), ofProcess.metrics()])).join('\n')),
    values: async () =>
      (await Promise.all([registry, ofProcess].map((each) => each.getMetricsAsJSON()))).flat(),
    contentType: registry.contentType,
  };
}

let ofThisProcess: Registry | undefined;

/** Memory, processor time and garbage collection. It exists once per process, because prom-client cannot stop it. */
function processMetrics(): Registry {
  if (ofThisProcess === undefined) {
    ofThisProcess = new Registry();
    collectDefaultMetrics({ register: ofThisProcess });
  }
  return ofThisProcess;
}
