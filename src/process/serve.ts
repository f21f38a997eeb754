import { setTimeout as delay } from 'node:timers/promises';
import { sources } from '../../sources/index.js';
import { createGateway } from '../gateway.js';
import { listen } from '../http/http.js';
import { closeParentChannel, stopOnSignal, reportStarted } from './started.js';
import type { PrimaryLink } from './worker.js';
import { isTracing } from '../telemetry/tracing.js';

/** Runs a gateway on its port, in this process, until it is stopped. Throws a ConfigError if it cannot start. */
export async function serve(primary?: PrimaryLink): Promise<void> {
  const gateway = createGateway({ sources, worker: primary });
  const { authentication, config, logger, metrics, sources: pluggedIn, settings } = gateway;
  const server = await gateway.opened
    .then(() => listen(gateway.handler, { ...config, origins: authentication.origins }))
    .catch(async (error: unknown) => {
      await gateway.close();
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
  stopOnSignal(logger, () => {
    gateway.drain();
    void delay(config.drainMs)
      .then(() => server.stop())
      .then(() => gateway.close())
      .then(closeParentChannel);
  });
  const started = { url: server.url, sources: pluggedIn, settings, isOpen: config.auth === 'off' };
  if (primary === undefined) reportStarted(logger, started);
  else primary.started(started, () => metrics.values());
}
