import { randomBytes } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import type { SharedEntry } from '../../../src/cache/shared-cache.js';
import { createEncoding, type Encoding } from '../../../src/cache/shared-cache/encoding.js';

const SECRET = 'a secret of the test';
const KILOBYTES_100 = 100 * 1024;

/** An encoding whose functions can be taken apart. */
function encodingWith(secret?: string) {
  const encoding = createEncoding(secret);
  return {
    encode: (...all: Parameters<Encoding['encode']>) => encoding.encode(...all),
    decode: (...all: Parameters<Encoding['decode']>) => encoding.decode(...all),
  };
}

const entryOf = (value: unknown): SharedEntry => ({
  value,
  fetchedAt: 1_700_000_000_000,
  maxAgeMs: 5_000,
  tags: ['tag-a', 'tag-b'],
});

describe('an encoded answer', () => {
  it.each<[string, unknown]>([
    ['null', null],
    ['undefined', undefined],
    ['a text with a line break and a comma', 'é 😀 \n ,'],
    ['a record', { id: 1, names: ['a', null] }],
    ['a compressed record', { text: 'x'.repeat(2_000) }],
    ['a record that is compressed in the thread pool', { text: 'x'.repeat(KILOBYTES_100) }],
    ['a text that cannot be compressed', randomBytes(KILOBYTES_100).toString('base64')],
  ])('is decoded as it was, with and without a secret: %s', async (_, value) => {
    for (const secret of [undefined, SECRET]) {
      const { encode, decode } = encodingWith(secret);
      const encoded = await encode('key', entryOf(value), 42);
      expect(encoded.subarray(0, encoded.indexOf('\n')).toString('latin1')).toBe('42,tag-a,tag-b');
      expect(await createEncoding(secret).decode('key', encoded)).toEqual(entryOf(value));
      expect(await decode('key', await encode('key', { ...entryOf(value), tags: [] }, 42))).toEqual({
        ...entryOf(value),
        tags: [],
      });
    }
  });

  it('is compressed from 1 KB on, and blocks the event loop for small answers only', async () => {
    const { encode, decode } = encodingWith();
    const lengthOf = async (length: number) => (await encode('key', entryOf('x'.repeat(length)), 1)).length;
    expect(await lengthOf(900)).toBeGreaterThan(900);
    expect(await lengthOf(1_100)).toBeLessThan(200);
    expect(await lengthOf(KILOBYTES_100)).toBeLessThan(1_000);
    for (const [length, isLarge] of [
      [1_100, false],
      [60_000, false],
      [70_000, true],
    ] as const) {
      const encoded = encode('key', entryOf('x'.repeat(length)), 1);
      expect(encoded instanceof Promise).toBe(isLarge);
      const decoded = decode('key', await encoded);
      expect(decoded instanceof Promise).toBe(isLarge);
      await decoded;
    }
  });

  it('is refused if it is larger than 64 MB', () => {
    // Bytes in place of a text, which would take a second to make.
    const json = new ArrayBuffer(64 * 1024 * 1024 + 1) as unknown as string;
    const stringify = vi.spyOn(JSON, 'stringify').mockReturnValue(json);
    try {
      expect(() => createEncoding(undefined).encode('key', entryOf('large'), 1)).toThrow(RangeError);
    } finally {
      stringify.mockRestore();
    }
  });

  it.each([20, 2_000, KILOBYTES_100])(
    'does not contain its text if there is a secret: %i',
    async (length) => {
      const text = 'jan@example.nl'.padEnd(length, ' jan');
      const { encode } = encodingWith(SECRET);
      const [encoded, again] = [await encode('key', entryOf(text), 1), await encode('key', entryOf(text), 1)];
      expect(encoded.includes('jan')).toBe(false);
      expect(encoded.equals(again)).toBe(false);
    },
  );
});

describe('a stored answer is treated as missing', () => {
  it.each([20, 2_000, KILOBYTES_100])(
    'under another key, with other tags or another since, or with another secret: %i',
    async (length) => {
      const { encode, decode } = encodingWith(SECRET);
      const encoded = await encode('key', entryOf('x'.repeat(length)), 1);
      const withHead = (head: string) =>
        Buffer.concat([Buffer.from(`${head}\n`), encoded.subarray(encoded.indexOf('\n') + 1)]);
      expect(await decode('key', withHead('1,tag-a,tag-b'))).toBeDefined();
      expect(await decode('another', encoded)).toBeUndefined();
      expect(await decode('key', withHead('1,tag-a'))).toBeUndefined();
      expect(await decode('key', withHead('2,tag-a,tag-b'))).toBeUndefined();
      expect(await createEncoding('another secret').decode('key', encoded)).toBeUndefined();
      expect(await createEncoding(undefined).decode('key', encoded)).toBeUndefined();
    },
  );

  it('if it is not encrypted and there is a secret', async () => {
    const encoded = await createEncoding(undefined).encode('key', entryOf('forged'), 1);
    expect(await createEncoding(SECRET).decode('key', encoded)).toBeUndefined();
  });

  it.each([20, 2_000, KILOBYTES_100])('after any byte was changed or lost: %i', async (length) => {
    const { encode, decode } = encodingWith(SECRET);
    const encoded = await encode('key', entryOf('x'.repeat(length)), 1);
    const places = [...Array.from({ length: 48 }, (_, at) => at), encoded.length - 1];
    for (const at of places) {
      const changed = Buffer.from(encoded);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect([at, await decode('key', changed)]).toEqual([at, undefined]);
      expect([at, await decode('key', encoded.subarray(0, at))]).toEqual([at, undefined]);
    }
  });

  const plain = (json: string) => Buffer.concat([Buffer.from('1,tag\n'), Buffer.of(0), Buffer.from(json)]);
  it.each([
    ['no text', ''],
    ['no JSON', 'nothing'],
    ['no list', '{"fetchedAt": 1}'],
    ['a text in place of the time', '["1", 2, "value"]'],
    ['a text in place of the maxAge', '[1, "2", "value"]'],
    ['no maxAge', '[1]'],
  ])('if it contains %s', async (_, json) => {
    const { decode } = encodingWith();
    expect(await decode('key', plain(json))).toBeUndefined();
    expect(await decode('key', plain('[1, 2, "value"]'))).toEqual({
      value: 'value',
      fetchedAt: 1,
      maxAgeMs: 2,
      tags: ['tag'],
    });
  });

  it.each([2_000, KILOBYTES_100])('if it is larger than it declares: %i', async (length) => {
    const { encode, decode } = encodingWith();
    const encoded = await encode('key', entryOf('x'.repeat(length)), 1);
    const at = encoded.indexOf('\n') + 2;
    encoded.writeUInt32BE(encoded.readUInt32BE(at) - 1, at);
    expect(await decode('key', encoded)).toBeUndefined();
  });
});
