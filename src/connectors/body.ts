import { SourceContractError } from '../errors.js';
import { yieldToOthers } from '../chunked-work.js';
import type { Exchanged } from './exchange.js';

/** What the body of an answer says. */

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Reading so much, with all that follows, takes some milliseconds: answers that come at one moment are read one by one. */
const LONG_BODY_BYTES = 50_000;

/** Reads the JSON of a body by `readJson`. */
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

export function asItCame(bytes: Buffer): Buffer {
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

/** The JSON of an answer that is an error anyway; undefined when it is none. */
export function parseLeniently(body: Exchanged['body']): unknown {
  try {
    return JSON.parse(String(body)) as unknown;
  } catch {
    return undefined;
  }
}
