import type { Logger } from '../telemetry/logger.js';

/** What is told of a gateway that takes requests. */
export interface Started {
  /** Such as `http://localhost:4000`. */
  url: string;
  /** The plugged-in sources. */
  sources: readonly string[];
  /** What is set, by variable: secrets are `***`. */
  settings: Readonly<Record<string, string>>;
  /** Nobody has to say who they are. */
  isOpen: boolean;
}

/** Says that requests are taken, and how; to the program that started us as well. */
export function reportStarted(logger: Logger, { url, sources, settings, isOpen }: Started): void {
  if (isOpen)
    logger.warn(
      'AUTH=off: whoever reaches this gateway may ask for everything, of everybody, for any purpose. Set API_KEYS or JWT_ISSUER before it is reached by others.',
    );
  logger.info({ sources, settings }, `ready ${url}/graphql`);
  process.send?.(url);
}

/** How often the gateway checks that its parent process runs. */
const PARENT_CHECK_MS = 250;

/**
 * Stops at a signal, or when the program has ended that started us, as the demo does: its end is ours. `npx` runs a
 * command in a shell, which ends at SIGTERM without passing it on; so a gateway that npm started ends with its parent.
 */
export function stopOnSignal(logger: Logger, stop: () => void): void {
  let isTold = false;
  const tell = (reason: string) => {
    if (isTold) return;
    isTold = true;
    logger.info(`${reason}: answering what is under way, then stopping`);
    stop();
  };
  process.on('SIGTERM', tell);
  process.on('SIGINT', tell);
  if (process.env['npm_execpath'] !== undefined) {
    const parent = process.ppid;
    const check = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(check);
      tell('the program that started the gateway has ended');
    }, PARENT_CHECK_MS).unref();
  }
  if (process.send !== undefined)
    process.once('disconnect', () => {
      tell('the program that started the gateway has ended');
    });
}

/** The channel to the program that started us would keep this process alive. */
export function closeParentChannel(): void {
  if (process.connected) process.disconnect();
}
