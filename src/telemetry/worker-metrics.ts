import { AggregatorRegistry, type Registry } from 'prom-client';

/** What one process has counted. */
export type MetricValues = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/**
 * The metrics of several workers, in the text format of Prometheus, each with the label `worker`. They are not added
 * up: who takes the place of a worker that died counts from zero, and of a sum that falls Prometheus would think that
 * all began anew.
 */
export async function textOfWorkers(values: ReadonlyMap<number, MetricValues>): Promise<string> {
  const labelled = [...values].map(([worker, metrics]) =>
    metrics.map((metric) => ({
      ...metric,
      aggregator: 'first',
      values: metric.values.map((one) => ({ ...one, labels: { ...one.labels, worker } })),
    })),
  );
  return AggregatorRegistry.aggregate(labelled).metrics();
}
