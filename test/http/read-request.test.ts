import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Caller } from '../../src/context/caller.js';
import {
  createRequestReader,
  MAX_DROPPED_BYTES,
  readBody,
  readNodeBody,
} from '../../src/http/read-request.js';

const reader = createRequestReader({ maxBodyBytes: 100, documents: new Map([['sha256:a', '{ known }']]) });
const any = { operations: 'any' } as Caller;
const persisted = { operations: 'persisted' } as Caller;
const signal = new AbortController().signal;
const head = (headers: Record<string, string>, method = 'POST', url = 'http://gateway/graphql') => ({
  method,
  url,
  headers: new Headers(headers),
  signal,
});
const refusal = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    const { code, http } = (error as { extensions: { code: string; http: { status: number } } }).extensions;
    return `${http.status} ${code}`;
  }
  return undefined;
};
const JSON_TYPE = { 'content-type': 'application/json' };

/** A request whose body is a stream. */
function streaming(body: ReadableStream): Request {
  // The types of Node.js lack `duplex`, which fetch needs for a stream.
  return new Request('http://gateway', { method: 'POST', body, duplex: 'half' } as RequestInit);
}

describe('the headers of a request', () => {
  it.each<[Record<string, string>, string | undefined]>([
    [JSON_TYPE, undefined],
    [{ 'content-type': 'Application/JSON; Charset="UTF-8"' }, undefined],
    [{ 'content-type': 'application/json; charset=utf-16' }, '415 BAD_REQUEST'],
    [{ 'content-type': 'application/json-patch+json' }, '415 BAD_REQUEST'],
    [{ 'content-type': 'text/plain' }, '415 BAD_REQUEST'],
    [{}, '415 BAD_REQUEST'],
    [{ ...JSON_TYPE, 'content-encoding': 'identity' }, undefined],
    [{ ...JSON_TYPE, 'content-encoding': 'gzip' }, '415 BAD_REQUEST'],
    [{ ...JSON_TYPE, 'content-length': '100' }, undefined],
    [{ ...JSON_TYPE, 'content-length': '101' }, '413 LIMIT_EXCEEDED'],
  ])('%j: %s', (headers, expected) => {
    expect(
      refusal(() => {
        reader.checkHeaders(head(headers));
      }),
    ).toBe(expected);
  });

  it('need no content type without a body', () => {
    reader.checkHeaders(head({}, 'GET'));
  });
});

describe('the parameters of a request', () => {
  const posted = (params: unknown, caller = any) =>
    reader.posted(Buffer.from(JSON.stringify(params)), caller);

  it.each<[unknown, object]>([
    [{ query: '{ a }' }, { query: '{ a }' }],
    [
      { query: '{ a }', documentId: null, operationName: 'A', variables: { v: 1 }, extensions: { e: 1 } },
      { query: '{ a }', operationName: 'A', variables: { v: 1 }, extensions: { e: 1 } },
    ],
    [{ query: '{ a }', operationName: null, variables: null, extensions: null }, { query: '{ a }' }],
    [
      { documentId: 'sha256:a', variables: {} },
      { query: '{ known }', variables: {} },
    ],
  ])('%j are read as %j', (params, expected) => {
    expect(posted(params)).toEqual(expected);
  });

  it.each<[unknown, string]>([
    [[{ query: '{ a }' }], '400 BAD_REQUEST'],
    ['{ a }', '400 BAD_REQUEST'],
    [null, '400 BAD_REQUEST'],
    [{}, '400 BAD_REQUEST'],
    [{ query: '{ a }', documentId: 'sha256:a' }, '400 BAD_REQUEST'],
    [{ query: '' }, '400 BAD_REQUEST'],
    [{ query: 1 }, '400 BAD_REQUEST'],
    [{ documentId: 1 }, '400 BAD_REQUEST'],
    [{ documentId: 'sha256:b' }, '404 PERSISTED_DOCUMENT_NOT_FOUND'],
    [{ query: '{ a }', operationName: 1 }, '400 BAD_REQUEST'],
    [{ query: '{ a }', variables: [] }, '400 BAD_REQUEST'],
    [{ query: '{ a }', variables: 'v' }, '400 BAD_REQUEST'],
    [{ query: '{ a }', extensions: [] }, '400 BAD_REQUEST'],
    [{ query: '{ a }', extensions: 'e' }, '400 BAD_REQUEST'],
  ])('%j are refused with %s', (params, expected) => {
    expect(refusal(() => posted(params))).toBe(expected);
  });

  it('may have a query only if the caller may send any', () => {
    expect(refusal(() => posted({ query: '{ known }' }, persisted))).toBe('403 FORBIDDEN');
    expect(posted({ documentId: 'sha256:a' }, persisted)).toEqual({ query: '{ known }' });
  });

  it('are read from the URL of a GET', () => {
    const get = (query: string) => () =>
      reader.parameters(head({}, 'GET', `http://gateway/graphql?${query}`), any);
    expect(get('documentId=sha256:a&operationName=A&variables={"v":1}&extensions={"e":1}')()).toEqual({
      query: '{ known }',
      operationName: 'A',
      variables: { v: 1 },
      extensions: { e: 1 },
    });
    expect(get('query={a}&variables=')()).toEqual({ query: '{a}' });
    expect(refusal(get('query={a}&variables={'))).toBe('400 BAD_REQUEST');
    expect(refusal(get('query={a}&extensions={'))).toBe('400 BAD_REQUEST');
  });
});

describe('a body of at most 10 bytes', () => {
  const nodeRequest = () =>
    Object.assign(new PassThrough(), { socket: new EventEmitter() }) as unknown as IncomingMessage &
      PassThrough;
  const CHUNK = Buffer.alloc(1024 * 1024);

  it.each([
    [['12345', '67890'], '1234567890'],
    [['1234567890'], '1234567890'],
    [[], ''],
  ])('is read from %j', async (chunks, expected) => {
    const request = nodeRequest();
    for (const chunk of chunks) request.write(chunk);
    request.end();
    expect(String(await readNodeBody(request, 10))).toBe(expected);
    const body = chunks.length === 0 ? null : chunks.join('');
    const fetched = new Request('http://gateway', { method: 'POST', body });
    expect(String(await readBody(fetched, 10))).toBe(expected);
  });

  it('is refused with one more byte, after the rest was read', async () => {
    const request = nodeRequest();
    request.write('1234567890');
    request.write('1');
    request.end();
    await expect(readNodeBody(request, 10)).rejects.toThrow('at most 10 bytes');
    const fetched = new Request('http://gateway', { method: 'POST', body: '12345678901' });
    await expect(readBody(fetched, 10)).rejects.toThrow('at most 10 bytes');
  });

  it('is refused if the connection ends before it does', async () => {
    const request = nodeRequest();
    request.write('123');
    const read = readNodeBody(request, 10);
    request.destroy();
    await expect(read).rejects.toThrow('ended before the whole body was received');
    const failing = new ReadableStream({
      pull: (controller) => {
        controller.error(new Error('gone'));
      },
    });
    await expect(readBody(streaming(failing), 10)).rejects.toThrow(
      'ended before the whole body was received',
    );
  });

  it('is not read further than the bytes that may be dropped', async () => {
    const request = nodeRequest();
    const read = readNodeBody(request, 10);
    read.catch(() => undefined);
    for (let bytes = 0; bytes <= MAX_DROPPED_BYTES; bytes += CHUNK.length) request.write(CHUNK);
    await expect(read).rejects.toThrow('at most 10 bytes');
    expect(request.isPaused()).toBe(true);
    let pulled = 0;
    const endless = new ReadableStream({
      pull: (controller) => {
        pulled += 1;
        if (pulled > 50) controller.close();
        else controller.enqueue(CHUNK);
      },
    });
    await expect(readBody(streaming(endless), 10)).rejects.toThrow('at most 10 bytes');
    expect(pulled).toBeLessThan(25);
  });
});
