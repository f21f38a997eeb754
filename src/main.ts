import { setTimeout as delay } from 'node:timers/promises';
import { sources } from '../sources/index.js';
import { ConfigError } from './errors.js';
import { createGateway } from './gateway.js';
import { keepHeapSmall } from './server/heap.js';
import { listen } from './server/http.js';

keepHeapSmall();
try {
  const gateway = createGateway({ sources });
  const server = await listen(gateway.handler, gateway.config).catch(async (error: unknown) => {
    await gateway.close();
    throw error;
  });
  gateway.logger.info({ sources: gateway.sources }, `ready ${server.url}/graphql`);
  // A defect in one request is no reason to end all others. Its message is left out: it may quote what it stumbled over.
  process.on('unhandledRejection', (reason) => {
    const frames =
      reason instanceof Error ? reason.stack?.split('\n').filter((line) => line.startsWith('    at ')) : [];
    gateway.logger.error(
      { name: reason instanceof Error ? reason.name : typeof reason, frames },
      'unhandled defect',
    );
  });
  let stopping = false;
  const stop = (reason: string) => {
    if (stopping) return;
    stopping = true;
    gateway.logger.info(`${reason}: answering what is under way, then stopping`);
    gateway.drain();
    void delay(gateway.config.drainMs)
      .then(() => server.stop())
      .then(async () => {
        await gateway.close();
        // The channel to the program that started us would keep this process alive.
        if (process.connected) process.disconnect();
      });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  if (process.send !== undefined) {
    // Started by another program, as the demo does: it is told where, and its end is ours.
    process.send(server.url);
    process.once('disconnect', () => {
      stop('the program that started the gateway has ended');
    });
  }
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
