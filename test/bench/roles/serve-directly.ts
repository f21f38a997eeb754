import type { GraphQLSchema } from 'graphql';
import { createYoga } from 'graphql-yoga';
import { listen } from '../../../src/http/http.js';
import type { Started } from '../bench-process.js';
import { createDirectLoaders, createKnown, type DirectLoaders } from '../direct-loaders.js';
import { frozenClock } from '../frozen-clock.js';
import { connectSystems } from '../systems.js';

/** Serves a schema whose resolvers call the systems directly, with only Yoga and loaders for each request. */
export async function serveDirectly(schema: GraphQLSchema): Promise<Started> {
  const systems = connectSystems(process.env);
  const { clock, advance } = frozenClock();
  const known = createKnown(clock);
  const yoga = createYoga<object, DirectLoaders>({
    schema,
    context: () => createDirectLoaders(systems, known),
    multipart: false,
    cors: false,
    logging: false,
    graphiql: false,
    landingPage: false,
  });
  const server = await listen((request, response) => void yoga(request, response), {
    host: '127.0.0.1',
    port: 0,
  });
  return {
    ready: { url: `${server.url}/graphql` },
    forget: advance,
    close: () => systems.close(),
  };
}
