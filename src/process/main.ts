import { GATEWAY_SETTINGS } from '../config.js';
import { ConfigError } from '../errors.js';
import { isProject } from '../project/project-folder.js';
import { closeParentChannel, stopOnSignal, reportStarted } from './started.js';
import { SettingsReader } from '../settings.js';
import { createLogger } from '../telemetry/logger.js';

/** Workers get this time to stop, beyond `DRAIN_MS`. Then they are killed. */
const WORKER_STOP_MARGIN_MS = 60_000;

// The files of a project folder may set these too.
const settings = new SettingsReader(
  isProject(process.cwd())
    ? (await import('../project/gateway-file.js')).readProjectSettings(process.cwd(), process.env).environment
    : process.env,
);
// The gateway reports a wrong setting, together with all other problems.
const count = settings.read(GATEWAY_SETTINGS.workers) ?? 1;
// A single process needs no cluster.
const cluster = count > 1 ? (await import('node:cluster')).default : undefined;

try {
  if (cluster?.isPrimary === true) await runPrimary();
  else {
    const { serve } = await import('./serve.js');
    await serve(cluster === undefined ? undefined : (await import('./worker.js')).linkToPrimary(count));
  }
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  // Open handles would otherwise prevent the process from ending.
  process.exit(1);
}

/** Runs workers that serve. This process stays small: it loads no gateway. */
async function runPrimary(): Promise<void> {
  const { startWorkers } = await import('./workers.js');
  const logger = createLogger(settings.read(GATEWAY_SETTINGS.logLevel) ?? 'info');
  const workers = startWorkers({
    count,
    logger,
    stopWithinMs: (settings.read(GATEWAY_SETTINGS.drainMs) ?? 0) + WORKER_STOP_MARGIN_MS,
    onStarted: (started) => {
      reportStarted(logger, started);
    },
  });
  stopOnSignal(logger, () => {
    workers.stop();
  });
  process.on('SIGHUP', () => {
    workers.reload();
  });
  process.exitCode = await workers.ended;
  closeParentChannel();
}
