import { getOperationAST, type ExecutionArgs } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Clock } from '../clock.js';
import type { Metrics } from '../telemetry/metrics.js';
import { endRequest, nameOperation } from '../telemetry/tracing.js';
import { stateOf, type RequestHead } from '../operation/request-state.js';
import type { RequestStep } from '../operation/request-steps.js';

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

/**
 * Times every operation, from the moment that its request comes in, and names and ends its span. What is sent bit by
 * bit is timed to its first bit, and has the outcome of that; its span lasts until the last.
 */
export function createOperationTimes(
  metrics: Metrics,
  clock: Clock = performance,
): RequestStep & Pick<Plugin, 'onExecute'> {
  return {
    begin: (request) => {
      stateOf(request).operation = { startedAt: clock.now(), name: undefined };
    },
    asked: (request, params) => {
      const { operation } = stateOf(request);
      if (operation !== undefined) operation.name = params.operationName ?? undefined;
    },
    onExecute: ({ args, context }: { args: ExecutionArgs; context: { request: RequestHead } }) => {
      const { operation } = stateOf(context.request);
      // The client need not repeat beside the document what the operation in it is called.
      if (operation === undefined) return;
      const asked = getOperationAST(args.document, args.operationName);
      operation.name ??= asked?.name?.value;
      const { trace } = stateOf(context.request);
      if (trace !== undefined && asked != null) nameOperation(trace, asked.operation, operation.name);
    },
    answered: (request, result) => {
      const { operation } = stateOf(request);
      if (operation === undefined) return undefined;
      const outcome = !('errors' in result) ? 'ok' : 'data' in result ? 'errors' : 'refused';
      metrics.operationAnswered(operation.name, clock.now() - operation.startedAt, outcome);
      operation.outcome = outcome;
      return undefined;
    },
    ended: (request) => {
      const { operation, trace } = stateOf(request);
      if (trace !== undefined && operation?.outcome !== undefined) endRequest(trace, operation.outcome);
    },
  };
}
