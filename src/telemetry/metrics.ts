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
 * What the gateway counts and times. Everything the engine calls is cheap enough for the hot path. Labels are taken
 * from small sets: the sources and loaders that are plugged in, our own words, and at most a hundred operation names.
 */
export interface Metrics extends SourceMetrics, OperationMetrics, WebhookMetrics {
  /** Adds gauges. Each can be added once; those that are not added are left out of the text. */
  readAtScrape(readers: Partial<ScrapeReaders>): void;
  /** All metrics, in the text format of Prometheus. */
  text(): Promise<string>;
  /** Those of this process alone, as values. */
  values(): Promise<MetricValues>;
  contentType: string;
}

/** Metrics of one gateway, in a registry of its own. Where it is several processes, `textOfAll` writes those of all. */
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
      (await Promise.all([registry, ofProcess].map((one) => one.getMetricsAsJSON()))).flat(),
    contentType: registry.contentType,
  };
}

let ofThisProcess: Registry | undefined;

/** Memory, processor time, garbage collection: there is one process, and prom-client's watch on it has no end. */
function processMetrics(): Registry {
  if (ofThisProcess === undefined) {
    ofThisProcess = new Registry();
    collectDefaultMetrics({ register: ofThisProcess });
  }
  return ofThisProcess;
}
