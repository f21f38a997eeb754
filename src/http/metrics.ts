import type { Plugin } from 'graphql-yoga';
import type { Clock } from '../clock.js';
import type { Metrics } from '../telemetry/metrics.js';

/** Writing them takes some milliseconds and anybody may ask; this long one text is good. */
const TEXT_HOLDS_MS = 1_000;

/** `GET /metrics`, for Prometheus. It tells how much was asked of what, never by whom or about whom. */
export function useMetrics(metrics: Metrics, clock: Clock = performance): Plugin {
  let written: { at: number; text: Promise<string> } | undefined;
  const textOfNow = (): Promise<string> => {
    const now = clock.now();
    if (written === undefined || now - written.at >= TEXT_HOLDS_MS)
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
      event.endResponse(new fetchAPI.Response(await textOfNow(), { headers }));
    },
  };
}
