import { createHmac, createSecretKey, hash } from 'node:crypto';
import type { SourceStatus } from '../loaders/provenance.js';

/** Who received which personal data, and for what purpose. It does not identify the person. */
export interface AuditEntry {
  requestId: string;
  caller: string;
  purpose: string;
  operation: AuditedOperation;
  /** `Customer.id` of each customer in the answer: encrypted, so that only the gateway can resolve it. */
  customers: readonly string[];
  /** The terms of a search for customers, such as NAME, without their values. Undefined: no customers were searched. */
  terms?: readonly string[];
  /** Categories of personal data by outcome. */
  categories: {
    granted: readonly string[];
    masked: readonly string[];
    withheld: readonly string[];
  };
  sources: Readonly<Record<string, Exclude<SourceStatus, 'skipped'>>>;
  /** Whether the response came from the response cache. */
  cached: boolean;
  /** The bulk job that the line is about. Undefined: the line is about an answer. */
  job?: AuditedJob;
  /** The error code, if the answer was not sent. */
  because?: string;
}

/** An act of a caller on a bulk job. */
export interface AuditedJob {
  readonly id: string;
  readonly act: 'submit' | 'cancel' | 'fetch' | 'deliver';
  /** The number of its lines that the act is about. */
  readonly lines: number;
  /** The endpoint that receives them. */
  readonly endpoint?: string;
}

export interface AuditedOperation {
  readonly name: string | null;
  /** The id of the persisted operation, or the SHA-256 of the document. */
  readonly id: string;
}

/** The reference to a line in the next line. */
export interface Link {
  seq: number;
  hash: string;
}

/** The predecessor of the first line of a chain. */
export const BEGINNING: Link = { seq: 0, hash: '0'.repeat(64) };

/** Computes the hash of a text: 64 hexadecimal digits. */
export type Seal = (text: string | Uint8Array) => string;

/** SHA-256, or with a secret HMAC-SHA-256, which can be computed only with the secret. */
export function createSeal(secret: string | undefined): Seal {
  if (secret === undefined) return sha256;
  const key = createSecretKey(secret, 'utf8');
  return (text) => createHmac('sha256', key).update(text).digest('hex');
}

export function sha256(bytes: string | Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}

/** Number of customers in a line; more are only counted. A line is at most 250 kB, or 1.3 MB if JSON escapes every character. */
const MAX_CUSTOMERS = 1_000;
/** Length of each text in a line; longer texts are cut. */
const MAX_TEXT_CHARACTERS = 200;

/** The part of a line that does not depend on the lines before it. */
export function bodyOf(entry: AuditEntry, timeMs: number): string {
  const {
    requestId,
    caller,
    purpose,
    operation,
    customers,
    categories,
    sources,
    cached,
    because,
    terms,
    job,
  } = entry;
  const omitted = customers.length - MAX_CUSTOMERS;
  const included = (omitted > 0 ? customers.slice(0, MAX_CUSTOMERS) : customers).map(cut);
  // Written member by member: one JSON.stringify of all takes nearly twice as long, and every answer waits for its line.
  return `"time":"${isoOf(timeMs)}","requestId":${textOf(requestId)},"caller":${textOf(caller)},"purpose":${textOf(purpose)},"operation":${cachedTextOf(operation)},"customers":${JSON.stringify(included)}${
    omitted > 0 ? `,"customersOmitted":${omitted}` : ''
  }${terms === undefined ? '' : `,"terms":${JSON.stringify(terms)}`},"categories":${cachedTextOf(categories)},"sources":${JSON.stringify(sources)},"cached":${cached}${
    job === undefined ? '' : `,"job":${JSON.stringify(job)}`
  }${because === undefined ? '' : `,"because":${textOf(because)}`}`;
}

const texts = new WeakMap<object, string>();

let lastSecond = { ms: NaN, text: '' };

/** ISO 8601 in UTC. The text of the last second is cached, because formatting it took half of the time of a line. */
function isoOf(timeMs: number): string {
  const ms = Math.floor(timeMs / 1000) * 1000;
  if (ms !== lastSecond.ms) lastSecond = { ms, text: new Date(ms).toISOString().slice(0, -4) };
  return `${lastSecond.text}${String(Math.trunc(timeMs - ms)).padStart(3, '0')}Z`;
}

function textOf(text: string): string {
  return JSON.stringify(cut(text));
}

function cutTexts(_: string, value: unknown): unknown {
  return typeof value === 'string' ? cut(value) : value;
}

/** The JSON text of an object that occurs in many lines, cached by object. */
function cachedTextOf(part: object): string {
  let text = texts.get(part);
  if (text === undefined) texts.set(part, (text = JSON.stringify(part, cutTexts)));
  return text;
}

/** The body of a repair line: it records that the bytes before it are from a crash. */
export function repairBody(torn: Uint8Array, timeMs: number): string {
  return `"time":"${isoOf(timeMs)}","repaired":true,"bytes":${torn.length},"sha256":"${sha256(torn)}"`;
}

function cut(text: string): string {
  return text.length > MAX_TEXT_CHARACTERS ? text.slice(0, MAX_TEXT_CHARACTERS) : text;
}

/**
 * Makes the next line. The hash covers the bytes of the line up to `,"hash":`, including the hash of the previous line.
 * Hashing bytes instead of parsed JSON leaves no ambiguity.
 */
export function nextLine(before: Link, body: string, seal: Seal): { text: string; link: Link } {
  const seq = before.seq + 1;
  const sealed = `{"seq":${seq},${body},"prev":"${before.hash}"`;
  const link = { seq, hash: seal(sealed) };
  return { text: `${sealed},"hash":"${link.hash}"}\n`, link };
}

export interface AuditLine extends Link {
  time: string;
  prev: string;
  /** The bytes that the hash covers. */
  sealed: Uint8Array;
  /** In a repair line: length and digest of the bytes that a crash left before it. */
  repaired: { bytes: number; sha256: string } | undefined;
}

// Start and end of a line have fixed forms. Quotation marks inside JSON texts are escaped, so no text can imitate them.
const START =
  /^\{"seq":([1-9]\d{0,14}),"time":"([\d:.TZ-]{1,32})",(?:"repaired":true,"bytes":(\d{1,15}),"sha256":"([0-9a-f]{64})",)?/;
const END = /,"prev":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}$/;
const END_BYTES = 9 + 64 + 10 + 64 + 2;
const HASH_BYTES = 9 + 64 + 2;
/** Maximum length of the start of a line. */
const START_BYTES = 200;

/** Parses a line without its line break; undefined if it has another form. Does not verify the hash. */
export function readLine(line: Buffer): AuditLine | undefined {
  const start = START.exec(line.toString('latin1', 0, START_BYTES));
  const end = END.exec(line.toString('latin1', Math.max(0, line.length - END_BYTES)));
  const [, seq, time, bytes, digest] = start ?? [];
  const [, prev, lineHash] = end ?? [];
  if (seq === undefined || time === undefined || prev === undefined || lineHash === undefined)
    return undefined;
  return {
    seq: Number(seq),
    time,
    prev,
    hash: lineHash,
    sealed: line.subarray(0, line.length - HASH_BYTES),
    repaired:
      bytes === undefined || digest === undefined ? undefined : { bytes: Number(bytes), sha256: digest },
  };
}

const LINE_BREAK = 10;

/**
 * The last complete line in the bytes, and the bytes after it that a crash left. `isEnded` is false if only the line
 * break of that line is missing.
 */
export function lastLine(bytes: Buffer): { line: AuditLine; isEnded: boolean; after: Buffer } | undefined {
  for (let end = bytes.length; end > 0;) {
    const start = bytes.lastIndexOf(LINE_BREAK, end - 1) + 1;
    const line = readLine(bytes.subarray(start, end));
    if (line !== undefined)
      return { line, isEnded: end < bytes.length, after: bytes.subarray(Math.min(end + 1, bytes.length)) };
    end = start - 1;
  }
  return undefined;
}
