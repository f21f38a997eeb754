/**
 * Entry point of a process that runs one of the peers, as its manual shows. Plain JavaScript without type checks,
 * because the packages of the peers are installed for the bench only.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import process from 'node:process';
import { serveBench } from '../serve-bench.js';

const HOST = '127.0.0.1';

const peers = {
  hive: (supergraph) => startHive({ supergraph }),
  'hive-jit': async (supergraph) => {
    const { useJIT } = await import('@graphql-mesh/plugin-jit');
    return startHive({ supergraph, plugins: () => [useJIT()] });
  },
  'hive-rust-planner': async (supergraph) => {
    const { unifiedGraphHandler } = await import('@graphql-hive/router-runtime');
    return startHive({ supergraph, unifiedGraphHandler });
  },
  apollo: startApollo,
};

const supergraph = await readFile(process.env.BENCH_SUPERGRAPH, 'utf8');
serveBench(await peers[process.argv[2]](supergraph));

/** What `hive-gateway supergraph` does with this configuration, without reading it from files. */
async function startHive(config) {
  const { createGatewayRuntime } = await import('@graphql-hive/gateway');
  const runtime = createGatewayRuntime({ logging: false, ...config });
  await runtime.getSchema();
  const server = createServer(runtime);
  await new Promise((resolve) => server.listen(0, HOST, resolve));
  return {
    ready: { url: `http://${HOST}:${server.address().port}/graphql` },
    close: async () => {
      await runtime[Symbol.asyncDispose]();
    },
  };
}

async function startApollo(supergraphSdl) {
  const { ApolloServer } = await import('@apollo/server');
  const { startStandaloneServer } = await import('@apollo/server/standalone');
  const { ApolloGateway } = await import('@apollo/gateway');
  const server = new ApolloServer({ gateway: new ApolloGateway({ supergraphSdl }) });
  const { url } = await startStandaloneServer(server, { listen: { host: HOST, port: 0 } });
  return { ready: { url }, close: () => server.stop() };
}
