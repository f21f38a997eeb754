import { sources } from '../sources/index.js';
import { ConfigError } from './errors.js';
import { createGateway } from './gateway.js';
import { listen } from './server/http.js';

try {
  const gateway = createGateway({ sources });
  const server = await listen(gateway.handler, gateway.config).catch(async (error: unknown) => {
    await gateway.close();
    throw error;
  });
  gateway.logger.info({ sources: gateway.sources }, `ready ${server.url}/graphql`);
  const stop = (signal: string) => {
    gateway.logger.info(`${signal}: answering what is under way, then stopping`);
    void server.stop().then(() => gateway.close());
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
