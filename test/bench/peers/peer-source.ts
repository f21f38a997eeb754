import { buildSchema, execute, parse, type DocumentNode } from 'graphql';
import { z } from 'zod';
import { serveHttp, type HttpAnswer, type HttpCall } from '../../../sources/stand-ins/http.js';
import type { Started } from '../bench-process.js';
import { createRecords } from './records.js';
import { executableSdl } from './subgraphs.js';
import { answersOf, PEER_SYSTEMS, URL_SETTINGS, type Answers } from './systems.js';

const requestBody = z.object({ query: z.string(), variables: z.record(z.string(), z.unknown()).nullish() });
const listed = z.object({ by: z.array(z.record(z.string(), z.string())) });
const condition = z.object({ latencyMs: z.number() });

/**
 * One system that serves the same records by REST and by GraphQL. It counts its calls and adds latency. `/control` has
 * the protocol of the fault control.
 */
export async function startPeerSource(): Promise<Started> {
  const system = z.enum(PEER_SYSTEMS).parse(process.env['BENCH_SYSTEM']);
  const answers = answersOf(system, createRecords());
  const run = subgraph(executableSdl(system), answers.root);
  let calls = 0;
  let latencyMs = 0;

  const control = ({ method, body }: HttpCall): HttpAnswer => {
    if (method === 'PUT') ({ latencyMs } = condition.parse(JSON.parse(body)));
    if (method === 'DELETE') latencyMs = 0;
    return json({ sources: { [system]: { calls } } });
  };
  const { url, close } = await serveHttp(() => async (call) => {
    if (call.path.startsWith('/control')) return control(call);
    calls += 1;
    if (latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, latencyMs));
    return call.path === '/graphql' ? json(await run(call.body)) : json(readByRest(answers, call));
  });
  return { ready: { url: `${url}/control`, settings: { [URL_SETTINGS[system]]: url } }, close };
}

function readByRest(
  { path: recordsPath, findBy }: Answers,
  { path, method, query, body }: HttpCall,
): unknown {
  const first = Number(query.get('first') ?? 10);
  for (const [parameter, find] of Object.entries(findBy)) {
    if (path !== recordsPath) break;
    // A client that cannot put a list into a URL sends it in the body.
    if (method === 'POST')
      return find(
        listed.parse(JSON.parse(body)).by.map((by) => by[parameter] ?? ''),
        first,
      );
    const keys = query.getAll(parameter).flatMap((text) => text.split(','));
    if (keys.length > 0) return find(keys, first);
  }
  throw new Error(`There is nothing at ${method} ${path}.`);
}

/** Executes queries. Parses each text once, as servers do for repeated queries, and does not validate them. */
function subgraph(sdl: string, root: object) {
  const schema = buildSchema(sdl, { assumeValidSDL: true });
  const documents = new Map<string, DocumentNode>();
  return (body: string) => {
    const { query, variables } = requestBody.parse(JSON.parse(body));
    const document = documents.get(query) ?? parse(query, { noLocation: true });
    documents.set(query, document);
    return execute({ schema, document, rootValue: root, variableValues: variables ?? {} });
  };
}

function json(body: unknown): HttpAnswer {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
