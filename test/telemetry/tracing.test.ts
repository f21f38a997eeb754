import { createTraceState, SpanKind, SpanStatusCode, trace as api } from '@opentelemetry/api';
import { afterEach, describe, expect, test } from 'vitest';
import {
  endRequest,
  endSourceCall,
  nameOperation,
  startRequest,
  startSourceCall,
  traceHeaders,
} from '../../src/telemetry/tracing.js';
import { RecordingProvider } from '../support/spans.js';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
const TRACEPARENT = `00-${TRACE_ID}-${CALLER}-01`;

function register(): RecordingProvider {
  const provider = new RecordingProvider();
  api.setGlobalTracerProvider(provider);
  return provider;
}

afterEach(() => {
  api.disable();
});

const kvkCall = { source: 'kvk', loader: 'companies', batchSize: 50 };

describe('tracing with an SDK', () => {
  test('creates a span for a request, with its operation', () => {
    const { spans } = register();
    const request = startRequest(new Headers());
    nameOperation(request, 'query', 'PageView');
    endRequest(request, 'ok');
    endRequest(request, 'errors');
    expect(spans).toEqual([
      {
        name: 'graphql query',
        kind: SpanKind.SERVER,
        parent: undefined,
        attributes: {
          'graphql.operation.type': 'query',
          'graphql.operation.name': 'PageView',
          'stekkerdoos.outcome': 'ok',
        },
        status: undefined,
        ends: 1,
      },
    ]);
  });

  test('creates a span for a call to a source, within the span of its request', () => {
    const { spans } = register();
    const request = startRequest(new Headers());
    const call = startSourceCall(request, kvkCall);
    endSourceCall(call, 'SOURCE_TIMEOUT', 2);
    endSourceCall(call, 'CANCELLED');
    expect(spans[1]).toEqual({
      name: 'source kvk',
      kind: SpanKind.CLIENT,
      parent: request.span?.spanContext(),
      attributes: {
        'stekkerdoos.source': 'kvk',
        'stekkerdoos.loader': 'companies',
        'stekkerdoos.batch_size': 50,
        'stekkerdoos.outcome': 'SOURCE_TIMEOUT',
        'stekkerdoos.retries': 2,
      },
      status: { code: SpanStatusCode.ERROR, message: 'SOURCE_TIMEOUT' },
      ends: 1,
    });
    expect(spans[0]?.ends).toBe(0);
  });

  test('sets no error status for a successful call', () => {
    const { spans } = register();
    endSourceCall(startSourceCall(startRequest(new Headers()), kvkCall), 'ok');
    expect(spans[1]).toMatchObject({ status: undefined, attributes: { 'stekkerdoos.retries': 0 } });
  });

  test('sets an error status for a request with errors, and none for a refused request', () => {
    const { spans } = register();
    endRequest(startRequest(new Headers()), 'errors');
    endRequest(startRequest(new Headers()), 'refused');
    expect(spans.map(({ name, status }) => [name, status?.code])).toEqual([
      ['graphql', SpanStatusCode.ERROR],
      ['graphql', undefined],
    ]);
  });

  test('continues the trace of the caller in the request, and the trace of the request in each call', () => {
    const { spans } = register();
    const headers = new Headers({ traceparent: TRACEPARENT, tracestate: 'vendor=1,other=2' });
    const request = startRequest(headers);
    expect(spans[0]?.parent).toMatchObject({
      traceId: TRACE_ID,
      spanId: CALLER,
      traceFlags: 1,
      isRemote: true,
    });
    const call = startSourceCall(request, kvkCall);
    expect(traceHeaders(call)).toEqual({
      traceparent: `00-${TRACE_ID}-0000000000000002-01`,
      tracestate: 'vendor=1,other=2',
    });
  });

  test('omits an invalid operation name', () => {
    const { spans } = register();
    const request = startRequest(new Headers());
    nameOperation(request, 'mutation', 'jan@example.nl');
    expect(spans[0]?.attributes).toEqual({ 'graphql.operation.type': 'mutation' });
  });

  test('leaves the trace of the caller unchanged if the span of the SDK is invalid', () => {
    const provider = register();
    provider.startSpan = () => api.wrapSpanContext({ traceId: '', spanId: '', traceFlags: 0 });
    expect(traceHeaders(startRequest(new Headers({ traceparent: TRACEPARENT })))).toEqual({
      traceparent: TRACEPARENT,
    });
  });

  test('starts even if the SDK is registered after the first request', () => {
    const before = startRequest(new Headers());
    const { spans } = register();
    endSourceCall(startSourceCall(before, kvkCall), 'ok');
    endRequest(before, 'ok');
    expect(spans).toEqual([]);
    startRequest(new Headers());
    expect(spans).toHaveLength(1);
  });
});

describe('tracing without an SDK', () => {
  test('creates no span for a request', () => {
    const request = startRequest(new Headers());
    nameOperation(request, 'query', 'PageView');
    const call = startSourceCall(request, kvkCall);
    endSourceCall(call, 'ok');
    endRequest(request, 'ok');
    expect(call).toBe(startRequest(new Headers()));
    expect(traceHeaders(call)).toEqual({});
  });

  test('sends the trace of the caller to the systems unchanged', () => {
    const request = startRequest(new Headers({ traceparent: TRACEPARENT, tracestate: 'vendor=1' }));
    expect(traceHeaders(startSourceCall(request, kvkCall))).toEqual({
      traceparent: TRACEPARENT,
      tracestate: 'vendor=1',
    });
  });

  test('sends a trace of a later version of the standard in the supported version', () => {
    const request = startRequest(new Headers({ traceparent: `cc-${TRACE_ID}-${CALLER}-01-what-comes-next` }));
    expect(traceHeaders(request)).toEqual({ traceparent: TRACEPARENT });
  });

  test.each([
    ['nothing', ''],
    ['another text', 'jan@example.nl'],
    ['too few parts', `00-${TRACE_ID}-${CALLER}`],
    ['too many parts for its version', `${TRACEPARENT}-00`],
    ['capitals', TRACEPARENT.toUpperCase()],
    ['no trace', `00-${'0'.repeat(32)}-${CALLER}-01`],
    ['no span', `00-${TRACE_ID}-${'0'.repeat(16)}-01`],
    ['the forbidden version ff', `ff-${TRACE_ID}-${CALLER}-01`],
    ['two of them', `${TRACEPARENT}, ${TRACEPARENT}`],
  ])('sends no header of %s, and no trace state beside it', (_, traceparent) => {
    const request = startRequest(new Headers({ traceparent, tracestate: 'vendor=1' }));
    expect(traceHeaders(request)).toEqual({});
  });

  test('omits an invalid trace state', () => {
    for (const tracestate of ['jan@example.nl', 'vendor=é', 'a='.padEnd(600, 'x')]) {
      const headers = { get: (name: string) => (name === 'traceparent' ? TRACEPARENT : tracestate) };
      expect(traceHeaders(startRequest(headers))).toEqual({ traceparent: TRACEPARENT });
    }
    expect(createTraceState('vendor=1').get('vendor')).toBe('1');
  });
});
