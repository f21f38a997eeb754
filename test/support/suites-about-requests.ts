import { afterAll, describe, vi } from 'vitest';
import type { HttpFront } from './http-fronts.js';

/** The suites about requests and responses in general. */
const SUITES: Record<string, () => Promise<unknown>> = {
  'graphql-over-http': () => import('../gateway/graphql-over-http.test.js'),
  'malformed-requests': () => import('../gateway/malformed-requests.test.js'),
  'caller-directives': () => import('../gateway/caller-directives.test.js'),
  'only-if-cached': () => import('../gateway/only-if-cached.test.js'),
  introspection: () => import('../gateway/introspection.test.js'),
  provenance: () => import('../gateway/provenance.test.js'),
  visitor: () => import('../gateway/visitor.test.js'),
  'hanging-up': () => import('../gateway/hanging-up.test.js'),
  purpose: () => import('../context/purpose.test.js'),
  errors: () => import('../operation/errors.test.js'),
  cost: () => import('../operation/cost.test.js'),
  edge: () => import('../http/edge.test.js'),
  'malformed-http': () => import('../http/malformed-http.test.js'),
  http: () => import('../http/http.test.js'),
};

/**
 * Runs the suites with one HTTP front. A test process caches modules between files. The suites are therefore imported
 * again, so that the selected front applies only to this file.
 */
export async function runSuitesBy(front: HttpFront): Promise<void> {
  vi.resetModules();
  afterAll(() => {
    vi.resetModules();
  });
  const { useHttpFront } = await import('./http-fronts.js');
  useHttpFront(front);
  for (const [name, suite] of Object.entries(SUITES))
    describe(name, async () => {
      await suite();
    });
}
