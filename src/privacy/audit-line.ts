import { createHmac, createSecretKey, hash } from 'node:crypto';
import type { SourceStatus } from '../loaders/provenance.js';

/** Who was told what about whom, and why. Nothing in it says who the person is. */
export interface AuditEntry {
  requestId: string;
  caller: string;
  purpose: string;
  operation: AuditedOperation;
  /** `Customer.id` of everybody in the answer: sealed, so that only the gateway can tell whose it is. */
  customers: readonly string[];
  /** Categories of personal data, by what became of them. */
  categories: {
    granted: readonly string[];
    masked: readonly string[];
    withheld: readonly string[];
  };
  sources: Readonly<Record<string, Exclude<SourceStatus, 'skipped'>>>;
  /** The whole answer was kept, and no part of it was made anew. */
  cached: boolean;
  /** Why it was not given after all, as the code of an error. */
  because?: string;
}

export interface AuditedOperation {
  readonly name: string | null;
  /** The id of the persisted operation, or the SHA-256 of the document. */
  readonly id: string;
}

/** One line as the next one refers to it. */
export interface Link {
  seq: number;
  hash: string;
}

/** What the first line of all comes after. */
export const BEGINNING: Link = { seq: 0, hash: '0'.repeat(64) };

/** Sums up a text in 64 hexadecimal digits. */
export type Seal = (text: string | Uint8Array) => string;

/** SHA-256; with a secret HMAC-SHA-256, which nobody can work out without it. */
export function createSeal(secret: string | undefined): Seal {
  if (secret === undefined) return sha256;
  const key = createSecretKey(secret, 'utf8');
  return (text) => createHmac('sha256', key).update(text).digest('hex');
}

export function sha256(bytes: string | Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}

/** More is counted only: a line stays below 250 kB, or 1.3 MB if JSON had to write every character as six. */
const MAX_CUSTOMERS = 1_000;
const MAX_TEXT = 200;

/** The part of a line that does not depend on the lines before it. */
export function bodyOf(entry: AuditEntry, timeMs: number): string {
  const { requestId, caller, purpose, operation, customers, categories, sources, cached, because } = entry;
  const omitted = customers.length - MAX_CUSTOMERS;
  const told = (omitted > 0 ? customers.slice(0, MAX_CUSTOMERS) : customers).map(cut);
  // Member by member: one object of all of it takes JSON nearly twice as long, and every answer waits for its line.
  return `"time":"${isoOf(timeMs)}","requestId":${textOf(requestId)},"caller":${textOf(caller)},"purpose":${textOf(purpose)},"operation":${textOfLasting(operation)},"customers":${JSON.stringify(told)}${
    omitted > 0 ? `,"customersOmitted":${omitted}` : ''
  },"categories":${textOfLasting(categories)},"sources":${JSON.stringify(sources)},"cached":${cached}${
    because === undefined ? '' : `,"because":${textOf(because)}`
  }`;
}

const texts = new WeakMap<object, string>();

let lastSecond = { ms: NaN, text: '' };

/** ISO 8601 in UTC. Making it anew took half of the time of a line; most are of the second of the one before. */
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

/** Of what is the same object in many lines. */
function textOfLasting(part: object): string {
  let text = texts.get(part);
  if (text === undefined) texts.set(part, (text = JSON.stringify(part, cutTexts)));
  return text;
}

/** The body of a line which says that bytes before it are what is left of lines that a crash cut off. */
export function repairBody(torn: Uint8Array, timeMs: number): string {
  return `"time":"${isoOf(timeMs)}","repaired":true,"bytes":${torn.length},"sha256":"${sha256(torn)}"`;
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text;
}

/**
 * The line that comes after another. What is sealed are its bytes up to `,"hash":`, the hash of the line before among
 * them, so that there are no two ways to write what is sealed.
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
  /** The bytes that the hash is over. */
  sealed: Uint8Array;
  /** What a line after a crash says about the bytes before it. */
  repaired: { bytes: number; sha256: string } | undefined;
}

// The ends of a line have fixed forms, and a quotation mark within a JSON text is escaped: nothing inside looks like them.
const START =
  /^\{"seq":([1-9]\d{0,14}),"time":"([\d:.TZ-]{1,32})",(?:"repaired":true,"bytes":(\d{1,15}),"sha256":"([0-9a-f]{64})",)?/;
const END = /,"prev":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}$/;
const END_BYTES = 9 + 64 + 10 + 64 + 2;
const HASH_BYTES = 9 + 64 + 2;
/** As much of a line as its start may take. */
const START_BYTES = 200;

/** Reads a line, without its line break; undefined when it has not the form of one. Whether its hash is right is not looked at. */
export function readLine(line: Buffer): AuditLine | undefined {
  const start = START.exec(line.toString('latin1', 0, START_BYTES));
  const end = END.exec(line.toString('latin1', Math.max(0, line.length - END_BYTES)));
  const [, seq, time, bytes, digest] = start ?? [];
  const [, prev, own] = end ?? [];
  if (seq === undefined || time === undefined || prev === undefined || own === undefined) return undefined;
  return {
    seq: Number(seq),
    time,
    prev,
    hash: own,
    sealed: line.subarray(0, line.length - HASH_BYTES),
    repaired:
      bytes === undefined || digest === undefined ? undefined : { bytes: Number(bytes), sha256: digest },
  };
}

const LINE_BREAK = 10;

/**
 * The last whole line among bytes, and what comes after it: nothing, or what a crash left of further lines.
 * `isEnded` is false when the crash took no more than its line break.
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
