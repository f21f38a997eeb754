import type { RateLimitInfo } from '../rate-limit-info.js';
import type { Setting, SettingsReader } from '../settings.js';
import type { CallSignal } from '../v8/call-signal.js';
import type { Logger } from '../telemetry/logger.js';

/** Runs the calls of one batch under the source's limits, and receives what a client learns from the answers. */
export interface CallScope {
  /**
   * Runs one call to the system under the source's limits. The call must stop when the signal aborts; the promise
   * rejects at the timeout in any case. A call that failed temporarily may run again. For a library that needs an
   * AbortSignal, pass `toAbortSignal(signal)`.
   */
  run<T>(call: (signal: CallSignal) => Promise<T>): Promise<T>;
  /** Reports the system's rate-limit info. */
  slowDown(info: RateLimitInfo): void;
  /** Reports how long the answer stays valid according to the system. */
  limitMaxAge(maxAgeMs: number): void;
  /** Headers for systems that speak HTTP: the trace that the call belongs to. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Options for opening a connection. */
export interface ConnectorOptions {
  /** The source's name, for errors. */
  source: string;
  /** The timeout of a call in milliseconds, for systems that accept one. */
  timeoutMs: number;
  /**
   * Maximum of concurrent calls. A pool needs as many connections, because a call that waits inside it has no
   * priority.
   */
  concurrency?: number | undefined;
  /** A larger answer is an error of its source. This bounds the memory of the gateway. */
  maxAnswerBytes: number;
  logger: Logger;
}

/** Calls one source system in its protocol, for one batch. */
export interface Client {
  /** Throws a SourceError if the system cannot be called. */
  ping(): Promise<void>;
}

/** Connections to one source system. They are opened at the first call. */
export interface Connection<C extends Client> {
  /** Returns a client that uses the connection. Creating one is cheap. */
  client(scope: CallScope): C;
  /** Drops answers that the connection itself caches. Default: it caches none. */
  forget?(): void;
  close(): Promise<void>;
}

/** Implements one protocol. A connector has no connection until `connect` is called. */
export interface Connector<C extends Client> {
  /** The settings that it needs, depending on those that are present. */
  settings(reader: SettingsReader): readonly Setting<unknown>[];
  connect(settings: SettingsReader, options: ConnectorOptions): Connection<C>;
}
