import { createHmac, createPublicKey, timingSafeEqual, verify } from 'node:crypto';
import { z } from 'zod';
import { setting, type Setting } from '../settings.js';

/** Texts and bytes that are signed as they follow each other. */
export type Signed = readonly (string | Uint8Array)[];

/** So far may the moment that a system signs lie from ours, before or after. */
export const TOLERANCE_MS = 5 * 60_000;

const listed = (text: string) => text.split(/[\s,]+/).filter((part) => part !== '');

/**
 * The secrets of a webhook, with commas or blanks between them: a message is taken when it is signed with any. While a
 * secret is rotated there are two. `example` says what one looks like, for the message when it is wrong.
 */
export function webhookSecrets(
  variable: string,
  { pattern = /^\S{8,}$/, example = 'of at least 8 characters' }: { pattern?: RegExp; example?: string } = {},
): Setting<readonly string[]> {
  return setting(
    variable,
    z
      .string()
      .transform(listed)
      .pipe(z.array(z.string().regex(pattern)).min(1)),
    `a list of secrets ${example}`,
    { secret: true },
  );
}

/** Whether both are the same text, in a time that tells nothing of where they differ. */
export function isSameText(one: string, other: string): boolean {
  const [bytes, others] = [Buffer.from(one), Buffer.from(other)];
  return bytes.length === others.length && timingSafeEqual(bytes, others);
}

/** HMAC-SHA256 of the parts. */
export function hmac(secret: string | Uint8Array, signed: Signed, encoding: 'hex' | 'base64'): string {
  const made = createHmac('sha256', secret);
  for (const part of signed) made.update(part);
  return made.digest(encoding);
}

/** Whether a signature is the HMAC-SHA256 of the parts by any of the secrets. */
export function isHmacOf(
  signed: Signed,
  {
    secrets,
    signature,
    encoding,
  }: { secrets: readonly string[]; signature: string | null; encoding: 'hex' | 'base64' },
): boolean {
  if (signature === null) return false;
  // All are tried, so that the time does not tell which one it was.
  return secrets.filter((secret) => isSameText(hmac(secret, signed, encoding), signature)).length > 0;
}

/** Whether a signed moment is of now. */
export function isWithinTolerance(timeMs: number, nowMs: number): boolean {
  return Math.abs(nowMs - timeMs) <= TOLERANCE_MS;
}

/**
 * A key of Standard Webhooks, for who receives: `whsec_` and a secret (24 to 64 bytes in base64) that both sides know, or
 * `whpk_` and the public ed25519 key of who sends, which has 32 bytes. https://www.standardwebhooks.com
 */
export const STANDARD_VERIFYING_KEY = /^(whsec_[A-Za-z\d+/]{32,}={0,2}|whpk_[A-Za-z\d+/]{43}=)$/;

/** How a public ed25519 key begins in DER (RFC 8410). Its 32 bytes follow. */
const PUBLIC_DER = Buffer.from('302a300506032b6570032100', 'hex');

interface StandardMessage {
  /** `webhook-id`: the same whenever the message is sent again. */
  id: string;
  /** `webhook-timestamp`: seconds since 1970, of this attempt. */
  timestamp: number | string;
  /** The bytes as they are sent. */
  body: string | Uint8Array;
}

/** Whether one of the signatures is by one of the keys, and of now. */
export function verifyStandard(
  keys: readonly string[],
  headers: Pick<Headers, 'get'>,
  body: Uint8Array,
  nowMs: number,
): 'valid' | 'stale' | 'invalid' {
  const id = headers.get('webhook-id') ?? '';
  const timestamp = headers.get('webhook-timestamp') ?? '';
  // With a dot in it, a part of one could be read as a part of the next.
  if (!/^[^.\s]+$/.test(id) || !/^\d{1,12}$/.test(timestamp)) return 'invalid';
  const signed = standardText({ id, timestamp, body });
  const given = (headers.get('webhook-signature') ?? '').split(' ').slice(0, 20);
  const right = keys.filter((key) => given.some((signature) => isStandardBy(key, signed, signature)));
  if (right.length === 0) return 'invalid';
  return isWithinTolerance(Number(timestamp) * 1_000, nowMs) ? 'valid' : 'stale';
}

function isStandardBy(key: string, signed: Signed, signature: string): boolean {
  if (key.startsWith('whsec_')) {
    return isSameText(`v1,${hmac(bytesOf(key), signed, 'base64')}`, signature);
  }
  const [, given] = /^v1a,([A-Za-z\d+/]{86}==)$/.exec(signature) ?? [];
  if (given === undefined) return false;
  const der = Buffer.concat([PUBLIC_DER, bytesOf(key)]);
  const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return verify(null, joined(signed), publicKey, Buffer.from(given, 'base64'));
}

function standardText({ id, timestamp, body }: StandardMessage): Signed {
  return [`${id}.${timestamp}.`, body];
}

function bytesOf(key: string): Buffer {
  return Buffer.from(key.slice(key.indexOf('_') + 1), 'base64');
}

function joined(signed: Signed): Buffer {
  return Buffer.concat(signed.map((part) => Buffer.from(part)));
}
