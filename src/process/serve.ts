import { setTimeout as delay } from 'node:timers/promises';
import { createGateway, type Gateway } from '../gateway.js';
import { listen } from '../http/http.js';
import { LiveGateway } from './live-gateway.js';
import { readOptions } from './options.js';
import { closeParentChannel, stopOnSignal, reportStarted } from './started.js';
import type { PrimaryLink } from './worker.js';
import { watchProject, watchSecretFiles } from './watch-files.js';
import { isTracing } from '../telemetry/tracing.js';

/** Set to 1 by `stekkerdoos dev`: changes of the project's files reload the gateway. */
export const WATCH = 'STEKKERDOOS_WATCH';

/** Runs a gateway on its port, in this process, until it is stopped. Throws a ConfigError if it cannot start. */
export async function serve(primary?: PrimaryLink): Promise<void> {
  const create = async (predecessor?: Gateway) =>
    createGateway({
      ...(await readOptions()),
      worker: primary,
      ...(predecessor === undefined ? {} : { predecessor, logger: predecessor.logger }),
    });
  const live = new LiveGateway(await create(), create);
  const { config, logger, sources: pluggedIn, settings } = live.current;
  const server = await live.current.opened
    .then(() => listen(live.handler, { ...config, origins: live.origins }))
    .catch(async (error: unknown) => {
      await live.close();
      throw error;
    });
  if (Object.keys(process.env).some((variable) => variable.startsWith('OTEL_')) && !isTracing())
    logger.warn(
      'OTEL_* variables are set, but no OpenTelemetry SDK is registered: no traces are sent. Start the gateway with the otel.mjs of src/telemetry/README.md.',
    );
  // A defect in one request must not end the other requests. Its message is omitted, because it may quote personal data.
  process.on('unhandledRejection', (reason) => {
    const frames =
      reason instanceof Error ? reason.stack?.split('\n').filter((line) => line.startsWith('    at ')) : [];
    logger.error({ name: reason instanceof Error ? reason.name : typeof reason, frames }, 'unhandled defect');
  });
  let stopSecrets: () => void = () => undefined;
  const reload = (reason: string) => {
    live.reload(reason).then(watchSecrets, (error: unknown) => {
      logger.error({ reason: error instanceof Error ? error.message : 'unknown' }, 'the reload failed');
    });
  };
  // A reload may read other files.
  const watchSecrets = () => {
    stopSecrets();
    stopSecrets = watchSecretFiles(live.current.settingFiles, () => {
      reload('the file of a setting has changed');
    });
  };
  watchSecrets();
  process.on('SIGHUP', () => {
    reload('SIGHUP');
  });
  const stopProject =
    process.env[WATCH] === '1'
      ? watchProject(process.cwd(), () => {
          reload('a file has changed');
        })
      : undefined;
  stopOnSignal(logger, () => {
    stopSecrets();
    stopProject?.();
    live.current.drain();
    void delay(config.drainMs)
      .then(() => server.stop())
      .then(() => live.close())
      .then(closeParentChannel);
  });
  const started = { url: server.url, sources: pluggedIn, settings, isOpen: config.auth === 'off' };
  if (primary === undefined) reportStarted(logger, started);
  else primary.started(started, () => live.current.metrics.values());
}
