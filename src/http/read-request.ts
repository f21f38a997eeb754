import type { IncomingMessage } from 'node:http';
import type { GraphQLParams } from 'graphql-yoga';
import type { Caller } from '../context/caller.js';
import { httpError } from '../operation/request-error.js';
import type { RequestHead } from './node-request.js';

/** Bytes of a too large body that are read and dropped. Then the connection is closed. */
export const MAX_DROPPED_BYTES = 16 * 1024 * 1024;

export interface RequestReaderOptions {
  maxBodyBytes: number;
  /** The persisted operations, by `documentId`. */
  documents: ReadonlyMap<string, string>;
}

/**
 * Reads the GraphQL parameters of a request: from the URL of a GET, or from the JSON of a POST. Other content types are
 * refused, because browsers send them for any site without a CORS preflight.
 */
export interface RequestReader {
  /** Throws if the headers of a POST do not allow its body to be read. */
  checkHeaders(head: RequestHead): void;
  /** Reads the parameters of a GET. */
  parameters(head: RequestHead, caller: Caller): GraphQLParams;
  /** Reads the parameters of a POST. */
  posted(body: Uint8Array, caller: Caller): GraphQLParams;
  /** Reads the body of a Request. Yoga's own readers would quote the body in their errors. */
  body(request: Request): Promise<Uint8Array>;
}

export function createRequestReader({ maxBodyBytes, documents }: RequestReaderOptions): RequestReader {
  const finish = (params: unknown, caller: Caller): GraphQLParams => {
    const { query, documentId, ...rest } = checkParams(params);
    if (documentId !== undefined) return { ...rest, query: find(documentId) };
    if (caller.operations === 'persisted') throw onlyPersisted();
    return { ...rest, ...(query === undefined ? {} : { query }) };
  };
  const find = (documentId: string): string => {
    const document = documents.get(documentId);
    if (document !== undefined) return document;
    throw httpError(
      'PERSISTED_DOCUMENT_NOT_FOUND',
      'No operation has this "documentId". It was changed, or it needs a system that is not plugged in.',
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

function onlyPersisted() {
  return httpError(
    'FORBIDDEN',
    'This caller may send persisted operations only. Send the "documentId" of one instead of a "query".',
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
  const charset = parameters.map((text) => text.trim()).find((text) => text.startsWith('charset='));
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

/** Reads the body of a `Request`. */
export async function readBody({ body }: Request, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = body?.getReader();
  try {
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
      size += read.value.byteLength;
      // Most clients read the answer only after they sent the whole body. So the excess is read and dropped, within a
      // limit.
      if (size <= maxBytes) chunks.push(read.value);
      else if (size > maxBytes + MAX_DROPPED_BYTES) break;
    }
  } catch {
    throw incompleteBody();
  }
  if (size > maxBytes) throw tooLarge(maxBytes);
  return Buffer.concat(chunks);
}

/** Reads the body of a request of node:http, without a `Request`. */
export function readNodeBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    const end = (): void => {
      const [first] = chunks;
      if (size > maxBytes) reject(tooLarge(maxBytes));
      else resolve(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks));
    };
    const add = (chunk: Uint8Array): void => {
      size += chunk.byteLength;
      if (size <= maxBytes) chunks.push(chunk);
      else if (size > maxBytes + MAX_DROPPED_BYTES) {
        request.off('data', add).pause();
        end();
      }
    };
    request.on('data', add).once('end', end);
    request.once('close', () => {
      if (!request.readableEnded) reject(incompleteBody());
    });
  });
}

function incompleteBody() {
  return httpError(
    'BAD_REQUEST',
    'The connection ended before the whole body was received. Send the request again.',
  );
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(body)) as unknown;
  } catch {
    throw httpError('BAD_REQUEST', 'The body is not JSON in UTF-8.');
  }
}

type CheckedParams = GraphQLParams & { documentId?: string };

/** Checks the parameters. The operation is in "query", or is named by "documentId" (GraphQL over HTTP, appendix A). */
function checkParams(params: unknown): CheckedParams {
  if (Array.isArray(params)) {
    throw httpError(
      'BAD_REQUEST',
      'A request has one operation. Send the operations of this list one by one.',
    );
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
