import { createHmac, createPublicKey, timingSafeEqual, verify } from 'node:crypto';
import { z } from 'zod';
import { setting, type Setting } from '../settings.js';

/** Parts of a message, concatenated and signed. */
export type Signed = readonly (string | Uint8Array)[];

/** Tolerated difference between the signed time and the current time. */
export const MAX_CLOCK_SKEW_MS = 5 * 60_000;

const listed = (text: string) => text.split(/[\s,]+/).filter((part) => part !== '');

/**
 * Declares the secrets of a webhook, separated by commas or blanks. A signature by any of them is valid, so that secrets can be
 * rotated. `example` describes a valid secret, for the error message.
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

/** Compares two texts in constant time. */
export function isSameText(a: string, b: string): boolean {
  const [bytes, others] = [Buffer.from(a), Buffer.from(b)];
  return bytes.length === others.length && timingSafeEqual(bytes, others);
}

/** Returns the HMAC-SHA256 of the parts. */
export function hmac(secret: string | Uint8Array, signed: Signed, encoding: 'hex' | 'base64'): string {
  const digest = createHmac('sha256', secret);
  for (const part of signed) digest.update(part);
  return digest.digest(encoding);
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
  // All secrets are tried, so that the time does not reveal which one matched.
  return secrets.filter((secret) => isSameText(hmac(secret, signed, encoding), signature)).length > 0;
}

/** Whether a signed time is at most MAX_CLOCK_SKEW_MS from the current time. */
export function isWithinTolerance(timeMs: number, nowMs: number): boolean {
  return Math.abs(nowMs - timeMs) <= MAX_CLOCK_SKEW_MS;
}

/**
 * A verification key of Standard Webhooks: `whsec_` and a shared secret (24 to 64 bytes in base64), or `whpk_` and the sender's
 * public ed25519 key (32 bytes in base64). https://www.standardwebhooks.com
 */
export const STANDARD_VERIFYING_KEY = /^(whsec_[A-Za-z\d+/]{32,}={0,2}|whpk_[A-Za-z\d+/]{43}=)$/;

/** The DER prefix of a public ed25519 key (RFC 8410). The 32 bytes of the key follow. */
const PUBLIC_DER = Buffer.from('302a300506032b6570032100', 'hex');

interface StandardMessage {
  /** `webhook-id`: the same for each attempt. */
  id: string;
  /** `webhook-timestamp`: seconds since 1970, of this attempt. */
  timestamp: number | string;
  /** The body as sent. */
  body: string | Uint8Array;
}

/** Verifies that a signature matches a key, and that its time is within the tolerance. */
export function verifyStandard(
  keys: readonly string[],
  headers: Pick<Headers, 'get'>,
  body: Uint8Array,
  nowMs: number,
): 'valid' | 'stale' | 'invalid' {
  const id = headers.get('webhook-id') ?? '';
  const timestamp = headers.get('webhook-timestamp') ?? '';
  // A dot separates the signed parts, so it must not occur in them.
  if (!/^[^.\s]+$/.test(id) || !/^\d{1,12}$/.test(timestamp)) return 'invalid';
  const signed = standardText({ id, timestamp, body });
  const signatures = (headers.get('webhook-signature') ?? '').split(' ').slice(0, 20);
  const matching = keys.filter((key) => signatures.some((signature) => isStandardBy(key, signed, signature)));
  if (matching.length === 0) return 'invalid';
  return isWithinTolerance(Number(timestamp) * 1_000, nowMs) ? 'valid' : 'stale';
}

function isStandardBy(key: string, signed: Signed, signature: string): boolean {
  if (key.startsWith('whsec_')) {
    return isSameText(`v1,${hmac(bytesOf(key), signed, 'base64')}`, signature);
  }
  const [, encoded] = /^v1a,([A-Za-z\d+/]{86}==)$/.exec(signature) ?? [];
  if (encoded === undefined) return false;
  const der = Buffer.concat([PUBLIC_DER, bytesOf(key)]);
  const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' });
  return verify(null, joined(signed), publicKey, Buffer.from(encoded, 'base64'));
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
