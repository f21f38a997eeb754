import { createServer } from 'node:http';
import { createSchema, createYoga } from 'graphql-yoga';
import { listen } from '../../../src/http/http.js';
import type { Started } from '../bench-process.js';

const ANY_PORT = { host: '127.0.0.1', port: 0 };

/** The minimum cost of a GraphQL server on Yoga: `{ __typename }`. */
export async function startYoga(): Promise<Started> {
  const yoga = createYoga({
    schema: createSchema({ typeDefs: 'type Query { hello: String }' }),
    logging: false,
    graphiql: false,
  });
  const server = await listen((request, response) => void yoga(request, response), ANY_PORT);
  return { ready: { url: `${server.url}/graphql` }, close: () => Promise.resolve() };
}

/** The minimum cost of any server on Node: it reads the body of the request and answers with fixed bytes. */
export async function startStatic(): Promise<Started> {
  const body = Buffer.from(process.env.BENCH_STATIC_BODY ?? '');
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
      response.end(body);
    });
  });
  const { url } = await listen((request, response) => server.emit('request', request, response), ANY_PORT);
  return { ready: { url }, close: () => Promise.resolve() };
}
