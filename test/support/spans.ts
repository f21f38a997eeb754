import {
  trace as api,
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
  type SpanKind,
  type SpanOptions,
  type SpanStatus,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api';

export interface Recorded {
  name: string;
  kind: SpanKind | undefined;
  parent: SpanContext | undefined;
  attributes: Attributes;
  status: SpanStatus | undefined;
  ends: number;
}

/** A minimal OpenTelemetry SDK that records all spans. */
export class RecordingProvider implements TracerProvider, Tracer {
  readonly spans: Recorded[] = [];

  getTracer(): Tracer {
    return this;
  }

  startActiveSpan(): never {
    throw new Error('The context of a request must be passed explicitly.');
  }

  startSpan(name: string, options: SpanOptions = {}, context?: Context): Span {
    const parent = context === undefined ? undefined : api.getSpanContext(context);
    const recorded: Recorded = {
      name,
      kind: options.kind,
      parent,
      attributes: { ...options.attributes },
      status: undefined,
      ends: 0,
    };
    const number = this.spans.push(recorded);
    const spanContext: SpanContext = {
      traceId: parent?.traceId ?? 'f'.repeat(32),
      spanId: String(number).padStart(16, '0'),
      traceFlags: parent?.traceFlags ?? 1,
      ...(parent?.traceState === undefined ? {} : { traceState: parent.traceState }),
    };
    const span: Span = {
      spanContext: () => spanContext,
      setAttribute: (key, value) => span.setAttributes({ [key]: value }),
      setAttributes: (attributes) => {
        Object.assign(recorded.attributes, attributes);
        return span;
      },
      addEvent: () => span,
      addLink: () => span,
      addLinks: () => span,
      setStatus: (status) => {
        recorded.status = status;
        return span;
      },
      updateName: (newName) => {
        recorded.name = newName;
        return span;
      },
      end: () => {
        recorded.ends++;
      },
      isRecording: () => recorded.ends === 0,
      recordException: () => undefined,
    };
    return span;
  }
}
