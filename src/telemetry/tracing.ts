import {
  createTraceState,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace as api,
  type Context,
  type ProxyTracerProvider,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { isOperationName, type OperationOutcome } from './operation-metrics.js';

type HeadersToSend = Readonly<Record<string, string>>;

/**
 * The position of a request or call in a trace. It has a span only if an OpenTelemetry SDK is registered. The trace
 * headers of the caller are sent to the systems in any case.
 */
export interface Trace {
  /** The tracer of the SDK. It is read once for each request. */
  readonly tracer: Tracer | undefined;
  readonly span: Span | undefined;
  /** The trace headers of the caller. They are sent to the systems if there is no span. */
  readonly incoming: HeadersToSend;
}

const NO_HEADERS: HeadersToSend = Object.freeze({});

/** The trace of all requests without trace headers, if there is no SDK. */
const NO_TRACE: Trace = Object.freeze({ tracer: undefined, span: undefined, incoming: NO_HEADERS });

/**
 * Starts the span of a request, in the trace of the caller. Only W3C Trace Context is read and sent. A propagator of
 * the SDK is not used, because it could send the caller's baggage to the systems.
 */
export function startRequest(headers: Pick<Headers, 'get'>): Trace {
  const tracer = findTracer();
  const incoming = readTraceHeaders(headers);
  if (tracer === undefined) {
    return incoming === NO_HEADERS ? NO_TRACE : { tracer, span: undefined, incoming };
  }
  const span = tracer.startSpan('graphql', { kind: SpanKind.SERVER }, contextOf(incoming));
  return { tracer, span, incoming };
}

/** Names the span of a request after its operation. Spans never contain variables or the document. */
export function nameOperation(
  { span }: Trace,
  type: 'query' | 'mutation' | 'subscription',
  name: string | undefined,
): void {
  if (span === undefined) return;
  span.updateName(`graphql ${type}`);
  span.setAttribute('graphql.operation.type', type);
  if (name !== undefined && isOperationName(name)) span.setAttribute('graphql.operation.name', name);
}

/**
 * Ends the span of a request. Further calls do nothing. A refused request is not an error of the gateway, so its span
 * has no error status.
 */
export function endRequest({ span }: Trace, outcome: OperationOutcome): void {
  if (span?.isRecording() !== true) return;
  span.setAttribute('stekkerdoos.outcome', outcome);
  if (outcome === 'errors') span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

/** A call to a system. */
export interface SourceCall {
  source: string;
  loader: string;
  batchSize: number;
}

/** Starts the span of a call to a system. Its parent is the span of the request; of several requests, the first. */
export function startSourceCall(request: Trace, { source, loader, batchSize }: SourceCall): Trace {
  const { tracer, span: parent, incoming } = request;
  if (tracer === undefined || parent === undefined) return request;
  const attributes = {
    'stekkerdoos.source': source,
    'stekkerdoos.loader': loader,
    'stekkerdoos.batch_size': batchSize,
  };
  const span = tracer.startSpan(
    `source ${source}`,
    { kind: SpanKind.CLIENT, attributes },
    api.setSpan(ROOT_CONTEXT, parent),
  );
  return { tracer, span, incoming };
}

/**
 * Ends the span of a call. Further calls do nothing. The outcome is `ok`, `CANCELLED`, or the code of the source's
 * error.
 */
export function endSourceCall({ span }: Trace, outcome: string, retries = 0): void {
  if (span?.isRecording() !== true) return;
  span.setAttributes({ 'stekkerdoos.outcome': outcome, 'stekkerdoos.retries': retries });
  if (outcome !== 'ok') span.setStatus({ code: SpanStatusCode.ERROR, message: outcome });
  span.end();
}

/** Returns the trace headers of a call to a system. Empty if there is no trace. */
export function traceHeaders({ span, incoming }: Trace): HeadersToSend {
  const context = span?.spanContext();
  if (context === undefined || !isSpanContextValid(context)) return incoming;
  const flags = context.traceFlags.toString(16).padStart(2, '0');
  return headersOf(`00-${context.traceId}-${context.spanId}-${flags}`, context.traceState?.serialize());
}

/** Whether an SDK is registered. Only then there are spans. */
export function isTracing(): boolean {
  return findTracer() !== undefined;
}

/** Returns the tracer of the SDK, if there is one. Without an SDK, the API's own tracer would make useless spans. */
function findTracer(): Tracer | undefined {
  const provider = api.getTracerProvider();
  // `instanceof` would fail, because an SDK may contain its own copy of the API.
  return 'getDelegateTracer' in provider
    ? (provider as ProxyTracerProvider).getDelegateTracer('stekkerdoos')
    : provider.getTracer('stekkerdoos');
}

/** Later versions may append fields, but the known fields do not change. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Reads the trace headers of the caller. Only valid values are returned, because they are sent to other systems. */
function readTraceHeaders(headers: Pick<Headers, 'get'>): HeadersToSend {
  const traceparent = headers.get('traceparent');
  if (traceparent === null) return NO_HEADERS;
  const [, traceId, spanId, flags, appended] = TRACEPARENT.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return NO_HEADERS;
  if (appended !== undefined && traceparent.startsWith('00')) return NO_HEADERS;
  const tracestate = headers.get('tracestate');
  return headersOf(
    `00-${traceId}-${spanId}-${flags}`,
    tracestate === null ? undefined : createTraceState(tracestate).serialize(),
  );
}

function headersOf(traceparent: string, tracestate: string | undefined): HeadersToSend {
  return tracestate === undefined || tracestate === '' ? { traceparent } : { traceparent, tracestate };
}

function contextOf({ traceparent, tracestate }: HeadersToSend): Context {
  if (traceparent === undefined) return ROOT_CONTEXT;
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-');
  return api.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }),
  });
}
