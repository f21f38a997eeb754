import type { Setting, SettingsReader } from '../config.js';
import type { Logger } from '../telemetry/logger.js';

/**
 * Runs one call to the system under the source's limits: the call must stop when the signal aborts, and the
 * promise rejects at the timeout whether it does or not.
 */
export type Guard = <T>(call: (signal: AbortSignal) => Promise<T>) => Promise<T>;

/** What a connector gets to open its connection with. */
export interface ConnectorOptions {
  /** The source's name, for errors. */
  source: string;
  guard: Guard;
  /** The longest a call may take, for systems that can be told so themselves. */
  timeoutMs: number;
  logger: Logger;
}

/** A live connection to one source system, in the words of its protocol. */
export interface Client {
  /** Throws a SourceError when the system cannot be asked. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Speaks one protocol. A connector is a declaration until `connect` is called; nothing is opened before the first
 * call, so that a system that is down does not keep the gateway from starting.
 */
export interface Connector<C extends Client> {
  /** The settings it needs, given those that are there. */
  settings(reader: SettingsReader): readonly Setting<unknown>[];
  connect(settings: SettingsReader, options: ConnectorOptions): C;
}
