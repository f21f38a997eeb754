import type { Logger } from '../telemetry/logger.js';

/** A gateway that accepts requests. */
export interface Started {
  /** Such as `http://localhost:4000`. */
  url: string;
  /** The plugged-in sources. */
  sources: readonly string[];
  /** The settings in effect, by variable. Secrets are `***`. */
  settings: Readonly<Record<string, string>>;
  /** Whether requests need no authentication (`AUTH=off`). */
  isOpen: boolean;
}

/** Logs that the gateway accepts requests, and sends its URL to the program that started it. */
export function reportStarted(logger: Logger, { url, sources, settings, isOpen }: Started): void {
  if (isOpen)
    logger.warn(
      'AUTH=off: every client that can reach this gateway may read all data of all customers, for any purpose. Set API_KEYS or JWT_ISSUER before others can reach it.',
    );
  logger.info({ sources, settings }, `ready ${url}/graphql`);
  process.send?.(url);
}

/** Interval at which the gateway checks that its parent process runs. */
const PARENT_CHECK_INTERVAL_MS = 250;

/**
 * Calls `stop` at a signal, or when the program that started the gateway has ended, such as the demo. `npx` runs a
 * command in a shell, which ends at SIGTERM without forwarding it. So a gateway that npm started stops when its
 * parent ends.
 */
export function stopOnSignal(logger: Logger, stop: () => void): void {
  let isStopping = false;
  const begin = (reason: string) => {
    if (isStopping) return;
    isStopping = true;
    logger.info(`${reason}: the gateway answers its in-flight requests, then stops`);
    stop();
  };
  process.on('SIGTERM', begin);
  process.on('SIGINT', begin);
  if (process.env['npm_execpath'] !== undefined) {
    const parent = process.ppid;
    const check = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(check);
      begin('the program that started the gateway has ended');
    }, PARENT_CHECK_INTERVAL_MS).unref();
  }
  if (process.send !== undefined)
    process.once('disconnect', () => {
      begin('the program that started the gateway has ended');
    });
}

/** Closes the channel to the program that started the gateway. Otherwise this process could not end. */
export function closeParentChannel(): void {
  if (process.connected) process.disconnect();
}
