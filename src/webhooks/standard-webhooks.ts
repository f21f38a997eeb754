import { createHmac, createPrivateKey, sign as signAsymmetric, type KeyObject } from 'node:crypto';

/** The keys of an endpoint. Each delivery is signed with all of them. */
export interface SigningKeys {
  /** Secrets shared with the endpoint, 24 to 64 bytes each. Two during rotation. */
  secrets: readonly Buffer[];
  /** An ed25519 key, for endpoints that verify with the public key. */
  privateKey?: KeyObject;
}

/** The headers of Standard Webhooks 1.0.0: https://www.standardwebhooks.com */
export function signedHeaders(
  { secrets, privateKey }: SigningKeys,
  { id, body, now }: { id: string; body: string | Uint8Array; now: number },
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const timestamp = String(Math.floor(now / 1000));
  const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), Buffer.from(body)]);
  const signatures = secrets.map(
    (secret) => `v1,${createHmac('sha256', secret).update(content).digest('base64')}`,
  );
  if (privateKey !== undefined)
    signatures.push(`v1a,${signAsymmetric(null, content, privateKey).toString('base64')}`);
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

/** Parses a secret: `whsec_` and 24 to 64 bytes in base64. Returns undefined if it is not valid. */
export function secretOf(text: string): Buffer | undefined {
  const bytes = bytesOf(text, 'whsec_');
  return bytes !== undefined && bytes.length >= 24 && bytes.length <= 64 ? bytes : undefined;
}

/** The header of an ed25519 private key in PKCS #8 (RFC 8410), before its 32 bytes. */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Parses a private key: `whsk_` and base64 of 32 bytes, or of 64 bytes that end with the public key. */
export function privateKeyOf(text: string): KeyObject | undefined {
  const bytes = bytesOf(text, 'whsk_');
  if (bytes === undefined || (bytes.length !== 32 && bytes.length !== 64)) return undefined;
  const key = Buffer.concat([PKCS8_ED25519, bytes.subarray(0, 32)]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

function bytesOf(text: string, prefix: string): Buffer | undefined {
  if (!text.startsWith(prefix)) return undefined;
  const encoded = text.slice(prefix.length);
  const bytes = Buffer.from(encoded, 'base64');
  // Buffer.from ignores characters that are not base64.
  return bytes.toString('base64') === encoded ? bytes : undefined;
}
