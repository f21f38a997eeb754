import { GATEWAY_SETTINGS } from '../config.js';
import { ConfigError } from '../errors.js';
import { closeParentChannel, stopOnSignal, reportStarted } from './started.js';
import { SettingsReader } from '../settings.js';
import { createLogger } from '../telemetry/logger.js';

/** Beyond what a worker takes to stop by itself. */
const STOPS_WITHIN_MS = 60_000;

const settings = new SettingsReader(process.env);
// A setting that is not right is told by the gateway, with all others that are not.
const count = settings.read(GATEWAY_SETTINGS.workers) ?? 1;
// One process is a gateway by itself, and loads nothing of this.
const cluster = count > 1 ? (await import('node:cluster')).default : undefined;

try {
  if (cluster?.isPrimary === true) await lead();
  else {
    const { serve } = await import('./serve.js');
    await serve(cluster === undefined ? undefined : (await import('./worker.js')).linkToPrimary(count));
  }
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  // What was opened before it came out would keep the process alive.
  process.exit(1);
}

/** Has workers serve. This process stays small: it loads no gateway. */
async function lead(): Promise<void> {
  const { startWorkers } = await import('./workers.js');
  const logger = createLogger(settings.read(GATEWAY_SETTINGS.logLevel) ?? 'info');
  const workers = startWorkers({
    count,
    logger,
    stopWithinMs: (settings.read(GATEWAY_SETTINGS.drainMs) ?? 0) + STOPS_WITHIN_MS,
    onStarted: (started) => {
      reportStarted(logger, started);
    },
  });
  stopOnSignal(logger, () => {
    workers.stop();
  });
  process.exitCode = await workers.ended;
  closeParentChannel();
}
