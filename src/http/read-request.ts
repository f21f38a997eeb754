import type { IncomingMessage } from 'node:http';
import type { GraphQLParams } from 'graphql-yoga';
import type { Caller } from '../context/caller.js';
import { httpError } from '../operation/request-error.js';
import type { RequestHead } from './node-request.js';

/** So much of a body that is too large is dropped while the client sends it; then its connection ends. */
export const MAX_DROPPED_BYTES = 16 * 1024 * 1024;

export interface RequestReaderOptions {
  maxBodyBytes: number;
  /** The persisted operations, by `documentId`. */
  documents: ReadonlyMap<string, string>;
}

/**
 * Reads what is asked out of a request: GET with parameters in the address, or POST with JSON. Nothing else is taken:
 * a browser sends the other kinds of body for any site, without asking us whether it may.
 */
export interface RequestReader {
  /** Throws when the body of a POST will not be read. */
  checkHeaders(head: RequestHead): void;
  /** What GET asks. */
  parameters(head: RequestHead, caller: Caller): GraphQLParams;
  /** What POST asks. */
  posted(body: Uint8Array, caller: Caller): GraphQLParams;
  /** The body of a Request. Yoga's own readers quote the whole body in their errors. */
  body(request: Request): Promise<Uint8Array>;
}

export function createRequestReader({ maxBodyBytes, documents }: RequestReaderOptions): RequestReader {
  const finish = (params: unknown, caller: Caller): GraphQLParams => {
    const { query, documentId, ...rest } = checkParams(params);
    if (documentId !== undefined) return { ...rest, query: find(documentId) };
    if (caller.operations === 'persisted') throw ownOperation();
    return { ...rest, ...(query === undefined ? {} : { query }) };
  };
  const find = (documentId: string): string => {
    const document = documents.get(documentId);
    if (document !== undefined) return document;
    throw httpError(
      'PERSISTED_DOCUMENT_NOT_FOUND',
      'There is no operation of this "documentId". It was changed since, or asks what no system here has.',
      404,
    );
  };
  return {
    checkHeaders: ({ method, headers }) => {
      if (method === 'POST') checkHeaders(headers, maxBodyBytes);
    },
    parameters: (head, caller) => finish(readParameters(head), caller),
    posted: (body, caller) => finish(parseJson(body), caller),
    body: (request) => readBody(request, maxBodyBytes),
  };
}

function ownOperation() {
  return httpError(
    'FORBIDDEN',
    'You may ask for persisted operations only: send the "documentId" of one, instead of a "query".',
    403,
  );
}

function readParameters({ url }: RequestHead): Record<string, unknown> {
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
  return {
    query: parameters.get('query'),
    documentId: parameters.get('documentId'),
    operationName: parameters.get('operationName'),
    variables: json('variables'),
    extensions: json('extensions'),
  };
}

function checkHeaders(headers: Pick<Headers, 'get'>, maxBodyBytes: number): void {
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
      // What is too much is read to its end, and dropped: most clients read the answer only then. But not gigabytes.
      if (size <= maxBytes) chunks.push(read.value);
      else if (size > maxBytes + MAX_DROPPED_BYTES) break;
    }
  } catch {
    throw brokenOff();
  }
  if (size > maxBytes) throw tooLarge(maxBytes);
  return Buffer.concat(chunks);
}

/** The same, straight from the connection. */
export function readNodeBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    const end = (): void => {
      const [first] = chunks;
      if (size > maxBytes) reject(tooLarge(maxBytes));
      else resolve(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks));
    };
    const take = (chunk: Uint8Array): void => {
      size += chunk.byteLength;
      if (size <= maxBytes) chunks.push(chunk);
      else if (size > maxBytes + MAX_DROPPED_BYTES) {
        request.off('data', take).pause();
        end();
      }
    };
    request.on('data', take).once('end', end);
    request.once('close', () => {
      if (!request.readableEnded) reject(brokenOff());
    });
  });
}

function brokenOff() {
  return httpError('BAD_REQUEST', 'The body broke off.');
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(body)) as unknown;
  } catch {
    throw httpError('BAD_REQUEST', 'The body is not JSON in UTF-8.');
  }
}

type Asked = GraphQLParams & { documentId?: string };

/** What is asked stands in a "query", or is named by a "documentId" (GraphQL over HTTP, appendix A). */
function checkParams(params: unknown): Asked {
  if (Array.isArray(params)) {
    throw httpError('BAD_REQUEST', 'One request holds one operation; batches in a list are not taken.');
  }
  if (!isRecord(params)) throw httpError('BAD_REQUEST', 'The body must be a JSON object with a "query".');
  const { query, documentId, operationName, variables, extensions } = params;
  if ((query != null) === (documentId != null)) {
    throw httpError('BAD_REQUEST', 'There must be either a "query" or a "documentId".');
  }
  if (query != null && (typeof query !== 'string' || query === '')) {
    throw httpError('BAD_REQUEST', '"query" must be text that is not empty.');
  }
  if (documentId != null && typeof documentId !== 'string') {
    throw httpError('BAD_REQUEST', '"documentId" must be text.');
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
    ...(query == null ? {} : { query }),
    ...(documentId == null ? {} : { documentId }),
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
