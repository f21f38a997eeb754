import { SourceContractError } from '../errors.js';
import { yieldToOthers } from '../chunked-work.js';
import type { Exchanged } from './exchange.js';

/** Parses the bodies of answers. */

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Parsing a longer body takes some milliseconds. The process yields to the event loop before each, so that several do
 * not block it together.
 */
const LONG_BODY_BYTES = 50_000;

/** Parses a body as JSON with `readJson`. */
export function parseYielding(readJson: (text: string) => unknown) {
  return (bytes: Buffer, source: string): unknown =>
    bytes.length > LONG_BODY_BYTES
      ? yieldToOthers().then(() => parse(bytes, source, readJson))
      : parse(bytes, source, readJson);
}

function parse(bytes: Buffer, source: string, readJson: (text: string) => unknown): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return readJson(utf8.decode(bytes));
  } catch (error) {
    throw new SourceContractError(source, `${source} sent an answer that is not JSON.`, {
      cause: error,
      kind: 'wrong-format',
    });
  }
}

/** Returns the bytes unchanged. */
export function asRawBytes(bytes: Buffer): Buffer {
  return bytes;
}

export function parseText(bytes: Buffer, source: string): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw new SourceContractError(source, `${source} sent an answer that is not text.`, {
      cause: error,
      kind: 'wrong-format',
    });
  }
}

/** The JSON of an error answer; undefined if it is not JSON. */
export function parseLeniently(body: Exchanged['body']): unknown {
  try {
    return JSON.parse(String(body)) as unknown;
  } catch {
    return undefined;
  }
}
