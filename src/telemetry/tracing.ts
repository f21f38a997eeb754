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
 * Where in a trace some work happens: made for each request, and handed from call to call. It holds no span unless
 * whoever runs the gateway has registered an OpenTelemetry SDK; the caller's own trace goes on to the systems in any
 * case.
 */
export interface Trace {
  /** The SDK's, looked for once in a request. */
  readonly tracer: Tracer | undefined;
  readonly span: Span | undefined;
  /** What the caller sent; goes on to the systems as long as we add no span of our own. */
  readonly incoming: HeadersToSend;
}

const NO_HEADERS: HeadersToSend = Object.freeze({});

/** No SDK, and nothing came in: shared by all such requests. */
const NO_TRACE: Trace = Object.freeze({ tracer: undefined, span: undefined, incoming: NO_HEADERS });

/**
 * Starts a request's span, in the trace that the caller says it belongs to. Only W3C Trace Context is read and sent:
 * a propagator of the SDK could add baggage, and what callers put there is not for other people's systems.
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

/** Names the request's span, as soon as the document is read. Variables and the document itself are never told. */
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
 * Ends the request's span, the first time that it is called. A request that is refused is no error of ours, so its span
 * is none.
 */
export function endRequest({ span }: Trace, outcome: OperationOutcome): void {
  if (span?.isRecording() !== true) return;
  span.setAttribute('stekkerdoos.outcome', outcome);
  if (outcome === 'errors') span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

/** What one call asks of a system. */
export interface SourceCall {
  source: string;
  loader: string;
  batchSize: number;
}

/** Starts the span of one call to a system, within the request's. A call for several requests is the first one's. */
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
 * Ends a call's span, the first time that it is called. The outcome is `ok`, `CANCELLED`, or the code of the source's
 * error.
 */
export function endSourceCall({ span }: Trace, outcome: string, retries = 0): void {
  if (span?.isRecording() !== true) return;
  span.setAttributes({ 'stekkerdoos.outcome': outcome, 'stekkerdoos.retries': retries });
  if (outcome !== 'ok') span.setStatus({ code: SpanStatusCode.ERROR, message: outcome });
  span.end();
}

/** The headers that tell a system which trace a call belongs to; none when there is no trace. */
export function traceHeaders({ span, incoming }: Trace): HeadersToSend {
  const context = span?.spanContext();
  if (context === undefined || !isSpanContextValid(context)) return incoming;
  const flags = context.traceFlags.toString(16).padStart(2, '0');
  return headersOf(`00-${context.traceId}-${context.spanId}-${flags}`, context.traceState?.serialize());
}

/** Whether an SDK is registered, so that spans are made. */
export function isTracing(): boolean {
  return findTracer() !== undefined;
}

/** The tracer of the SDK, if there is one. Without, the API's own tracer would make spans that go nowhere. */
function findTracer(): Tracer | undefined {
  const provider = api.getTracerProvider();
  // Not instanceof: an SDK may have come with its own copy of the API.
  return 'getDelegateTracer' in provider
    ? (provider as ProxyTracerProvider).getDelegateTracer('stekkerdoos')
    : provider.getTracer('stekkerdoos');
}

/** Later versions may add parts at the end; the parts we know stay as they are. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** What the caller sent, as far as it is what the standard says: it goes on into requests to other people's systems. */
function readTraceHeaders(headers: Pick<Headers, 'get'>): HeadersToSend {
  const traceparent = headers.get('traceparent');
  if (traceparent === null) return NO_HEADERS;
  const [, traceId, spanId, flags, more] = TRACEPARENT.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return NO_HEADERS;
  if (more !== undefined && traceparent.startsWith('00')) return NO_HEADERS;
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
