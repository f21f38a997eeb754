import type { Plugin } from 'graphql-yoga';
import type { Clock } from '../clock.js';
import type { Metrics } from '../telemetry/metrics.js';

/** The text is reused for this long: it takes milliseconds to write, and the page is public. */
const TEXT_MAX_AGE_MS = 1_000;

/** Answers `GET /metrics`, for Prometheus. Metrics contain neither callers nor customers. */
export function useMetrics(metrics: Metrics, clock: Clock = performance): Plugin {
  let written: { at: number; text: Promise<string> } | undefined;
  const currentText = (): Promise<string> => {
    const now = clock.now();
    if (written === undefined || now - written.at >= TEXT_MAX_AGE_MS)
      written = { at: now, text: metrics.text() };
    return written.text;
  };
  return {
    onRequest: async (event) => {
      const { url, request, fetchAPI } = event;
      if (url.pathname !== '/metrics') return;
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        const headers = { allow: 'GET, HEAD' };
        event.endResponse(fetchAPI.Response.json({ status: 'use GET' }, { status: 405, headers }));
        return;
      }
      const headers = { 'content-type': metrics.contentType };
      event.endResponse(new fetchAPI.Response(await currentText(), { headers }));
    },
  };
}
