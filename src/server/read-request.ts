import type { GraphQLParams, Plugin } from 'graphql-yoga';
import { httpError } from './request-error.js';

/**
 * Reads what is asked out of a request: GET with parameters in the address, or POST with JSON. Nothing else is taken:
 * a browser sends the other kinds of body for any site, without asking us whether it may.
 *
 * Yoga's own readers tell the whole body in their errors, and pipe it through a stream to measure it.
 */
export function useRequestReader(maxBodyBytes: number): Plugin {
  return {
    onRequestParse({ request, setRequestParser }) {
      if (request.method === 'GET') setRequestParser(readParameters);
      else if (request.method === 'POST') {
        checkHeaders(request.headers, maxBodyBytes);
        setRequestParser(async (posted) => checkParams(parseJson(await readBody(posted, maxBodyBytes))));
      }
    },
  };
}

function readParameters({ url }: Request): GraphQLParams {
  const parameters = new URL(url).searchParams;
  const json = (name: string): unknown => {
    const text = parameters.get(name) ?? '';
    if (text === '') return null;
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw httpError('BAD_REQUEST', `The parameter "${name}" is not JSON.`);
    }
  };
  return checkParams({
    query: parameters.get('query'),
    operationName: parameters.get('operationName'),
    variables: json('variables'),
    extensions: json('extensions'),
  });
}

function checkHeaders(headers: Headers, maxBodyBytes: number): void {
  const [type, ...parameters] = (headers.get('content-type') ?? '').toLowerCase().split(';');
  const charset = parameters.map((one) => one.trim()).find((one) => one.startsWith('charset='));
  const encoding = headers.get('content-encoding') ?? 'identity';
  if (
    type?.trim() !== 'application/json' ||
    !/^(charset="?utf-8"?)?$/.test(charset ?? '') ||
    encoding !== 'identity'
  ) {
    throw httpError('BAD_REQUEST', 'Send the body as content-type application/json, in UTF-8.', 415);
  }
  if (Number(headers.get('content-length') ?? 0) > maxBodyBytes) throw tooLarge(maxBodyBytes);
}

async function readBody({ body }: Request, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = body?.getReader();
  try {
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
      size += read.value.byteLength;
      // What is too much is read to its end, and dropped: most clients read the answer only then.
      if (size <= maxBytes) chunks.push(read.value);
    }
  } catch {
    throw httpError('BAD_REQUEST', 'The body broke off.');
  }
  if (size > maxBytes) throw tooLarge(maxBytes);
  return Buffer.concat(chunks);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(body)) as unknown;
  } catch {
    throw httpError('BAD_REQUEST', 'The body is not JSON in UTF-8.');
  }
}

function checkParams(params: unknown): GraphQLParams {
  if (Array.isArray(params)) {
    throw httpError('BAD_REQUEST', 'One request holds one operation; batches in a list are not taken.');
  }
  if (!isRecord(params)) throw httpError('BAD_REQUEST', 'The body must be a JSON object with a "query".');
  const { query, operationName, variables, extensions } = params;
  if (typeof query !== 'string' || query === '') {
    throw httpError('BAD_REQUEST', 'There must be a "query", as text.');
  }
  if (operationName != null && typeof operationName !== 'string') {
    throw httpError('BAD_REQUEST', '"operationName" must be text.');
  }
  if (variables != null && !isRecord(variables)) {
    throw httpError('BAD_REQUEST', '"variables" must be a JSON object.');
  }
  if (extensions != null && !isRecord(extensions)) {
    throw httpError('BAD_REQUEST', '"extensions" must be a JSON object.');
  }
  return {
    query,
    ...(operationName ? { operationName } : {}),
    ...(variables ? { variables } : {}),
    ...(extensions ? { extensions } : {}),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function tooLarge(maxBytes: number) {
  return httpError('LIMIT_EXCEEDED', `A request may have at most ${maxBytes} bytes.`, 413);
}
