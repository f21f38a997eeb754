import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import {
  brotliCompress,
  brotliCompressSync,
  brotliDecompress,
  brotliDecompressSync,
  constants,
} from 'node:zlib';
import type { SharedEntry } from '../shared-cache.js';

const COMPRESSED = 1;
const ENCRYPTED = 2;

const COMPRESS_FROM_BYTES = 1024;
/** Larger answers are compressed in the thread pool, so that the event loop is not blocked. */
const ASYNC_FROM_BYTES = 64 * 1024;
const MAX_BYTES = 64 * 1024 * 1024;

const IV_BYTES = 12;
const AUTH_TAG_BYTES = 16;

/** Encodes answers for Redis. The first line is plain text that the scripts read too: `<since>,<tag>,...`. */
export interface Encoding {
  encode(key: string, entry: SharedEntry, since: number): Buffer | Promise<Buffer>;
  /** Undefined for data that was not written in this format, with this secret and under this key. */
  decode(key: string, stored: Buffer): SharedEntry | undefined | Promise<SharedEntry | undefined>;
}

export function createEncoding(secret: string | undefined): Encoding {
  const cipherKey =
    secret === undefined ? undefined : new Uint8Array(hkdfSync('sha256', secret, '', 'answers in Redis', 32));

  const seal = (flags: number, name: string, plain: Buffer, head: Buffer): Buffer => {
    if (cipherKey === undefined) return Buffer.concat([head, Buffer.of(flags), plain]);
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', cipherKey, iv);
    // The additional data binds an answer to its key and tags. So it cannot be decrypted under another customer's
    // key, or after its tags were removed.
    cipher.setAAD(Buffer.concat([Buffer.of(flags), Buffer.from(name), head]));
    const sealed = [cipher.update(plain), cipher.final()];
    return Buffer.concat([head, Buffer.of(flags | ENCRYPTED), iv, cipher.getAuthTag(), ...sealed]);
  };

  const unseal = (flags: number, name: string, sealed: Buffer, head: Buffer): Buffer | undefined => {
    // Any client of Redis can write unencrypted data, so an encrypted cache refuses it.
    if ((cipherKey !== undefined) !== ((flags & ENCRYPTED) !== 0)) return undefined;
    if (cipherKey === undefined) return sealed;
    const text = IV_BYTES + AUTH_TAG_BYTES;
    if (sealed.length < text) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', cipherKey, sealed.subarray(0, IV_BYTES), {
      authTagLength: AUTH_TAG_BYTES,
    });
    decipher.setAAD(Buffer.concat([Buffer.of(flags & ~ENCRYPTED), Buffer.from(name), head]));
    decipher.setAuthTag(sealed.subarray(IV_BYTES, text));
    return Buffer.concat([decipher.update(sealed.subarray(text)), decipher.final()]);
  };

  const decode: Encoding['decode'] = (key, stored) => {
    try {
      const end = stored.indexOf('\n') + 1;
      const head = stored.subarray(0, end);
      const flags = stored[end] ?? 0;
      const plain = unseal(flags, key, stored.subarray(end + 1), head);
      if (plain === undefined) return undefined;
      const [, ...tags] = head.toString('latin1').trimEnd().split(',');
      if ((flags & COMPRESSED) === 0) return parse(plain, tags);
      const size = plain.readUInt32BE(0);
      if (size > MAX_BYTES) return undefined;
      const options = { maxOutputLength: size };
      if (size < ASYNC_FROM_BYTES) return parse(brotliDecompressSync(plain.subarray(4), options), tags);
      return decompressAsync(plain.subarray(4), options)
        .then((json) => parse(json, tags))
        .catch(() => undefined);
    } catch {
      return undefined;
    }
  };

  return {
    encode: (key, { value, fetchedAt, maxAgeMs, tags }, since) => {
      const head = Buffer.from(`${[since, ...tags].join(',')}\n`, 'latin1');
      // JSON has no undefined: the list is then shorter.
      const json = Buffer.from(
        JSON.stringify([fetchedAt, maxAgeMs, ...(value === undefined ? [] : [value])]),
      );
      if (json.length > MAX_BYTES)
        throw new RangeError(
          `The answer is too large for Redis: ${json.length} bytes, and the limit is ${MAX_BYTES}.`,
        );
      if (json.length < COMPRESS_FROM_BYTES) return seal(0, key, json, head);
      const size = Buffer.alloc(4);
      size.writeUInt32BE(json.length);
      const sealCompressed = (compressed: Buffer) =>
        seal(COMPRESSED, key, Buffer.concat([size, compressed]), head);
      if (json.length < ASYNC_FROM_BYTES) return sealCompressed(brotliCompressSync(json, FAST));
      return compressAsync(json, FAST).then(sealCompressed);
    },
    decode,
  };
}

const compressAsync = promisify(brotliCompress);
const decompressAsync = promisify(brotliDecompress);

/** As small as deflate for records of a few kilobytes, in half the time. */
const FAST = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };

function parse(json: Buffer, tags: readonly string[]): SharedEntry | undefined {
  const parsed: unknown = JSON.parse(json.toString());
  if (!Array.isArray(parsed)) return undefined;
  const [fetchedAt, maxAgeMs, value] = parsed as unknown[];
  if (typeof fetchedAt !== 'number' || typeof maxAgeMs !== 'number') return undefined;
  return { value, fetchedAt, maxAgeMs, tags };
}
