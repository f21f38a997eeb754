import { AggregatorRegistry, type Registry } from 'prom-client';

/** The metrics of one process. */
export type MetricValues = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/**
 * Returns the metrics of several workers in the text format of Prometheus, each with the label `worker`. They are not
 * added up. A worker that replaces another counts from zero, and Prometheus would take a falling sum for a reset of
 * all.
 */
export async function textOfWorkers(values: ReadonlyMap<number, MetricValues>): Promise<string> {
  const labelled = [...values].map(([worker, metrics]) =>
    metrics.map((metric) => ({
      ...metric,
      aggregator: 'first',
      values: metric.values.map((value) => ({ ...value, labels: { ...value.labels, worker } })),
    })),
  );
  return AggregatorRegistry.aggregate(labelled).metrics();
}
