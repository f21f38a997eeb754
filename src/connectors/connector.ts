import type { RateLimitInfo } from '../rate-limit-info.js';
import type { Setting, SettingsReader } from '../settings.js';
import type { CallSignal } from '../v8/call-signal.js';
import type { Logger } from '../telemetry/logger.js';

/** What the calls of one batch go through, and where a client tells what it learns on the way. */
export interface CallScope {
  /**
   * Runs one call to the system under the source's limits: the call must stop when the signal aborts, and the
   * promise rejects at the timeout whether it does or not. A call that failed for the moment may be run again. A library that
   * takes an AbortSignal gets `toAbortSignal(signal)`.
   */
  run<T>(call: (signal: CallSignal) => Promise<T>): Promise<T>;
  /** Reports what the system said about how many more calls it accepts. */
  slowDown(info: RateLimitInfo): void;
  /** The system said for how long what it answered holds. */
  holds(maxAgeMs: number): void;
  /** What goes on to a system that speaks HTTP: the trace that the call is a part of. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What a connector gets to open its connection with. */
export interface ConnectorOptions {
  /** The source's name, for errors. */
  source: string;
  /** The longest a call may take, for systems that can be told so themselves. */
  timeoutMs: number;
  /** The most calls under way at once. A pool holds as many connections, since a call that waits in it has no priority. */
  concurrency?: number | undefined;
  /** A larger answer is an error of its source, not a full memory of the gateway. */
  maxAnswerBytes: number;
  logger: Logger;
}

/** Asks one source system, in the words of its protocol, on behalf of one batch. */
export interface Client {
  /** Throws a SourceError when the system cannot be asked. */
  ping(): Promise<void>;
}

/** Connections to one source system. Nothing is opened before the first call. */
export interface Connection<C extends Client> {
  /** A view of the connection; making one costs next to nothing. */
  client(scope: CallScope): C;
  /** Drops what the connection itself keeps of answers. Default: it keeps nothing. */
  forget?(): void;
  close(): Promise<void>;
}

/** Speaks one protocol. A connector is a declaration until `connect` is called. */
export interface Connector<C extends Client> {
  /** The settings it needs, given those that are there. */
  settings(reader: SettingsReader): readonly Setting<unknown>[];
  connect(settings: SettingsReader, options: ConnectorOptions): Connection<C>;
}
