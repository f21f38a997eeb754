import { describe, expect, it, vi } from 'vitest';
import { ChunkedWork } from '../../src/chunked-work.js';
import { KeyGroup, PendingField } from '../../src/loaders/key-group.js';

const broken = new Error('broken');

function groupOf(load: (group: KeyGroup) => readonly unknown[] | Promise<readonly unknown[]>) {
  const group = new KeyGroup(load, new ChunkedWork());
  for (const key of ['a', 'b']) group.add({ key }, key);
  const read = vi.fn((record: unknown) => `field of ${String(record)}`);
  return { group, read, fieldOf: (text: string) => new PendingField(group, text, read) };
}

describe('keys that a request loads together', () => {
  it('are loaded once, after the last was added, and each has its own value or error', async () => {
    const load = vi.fn((group: KeyGroup) => [`value of ${group.texts.join()}`, broken]);
    const { group } = groupOf(load);
    group.add({ key: 'c' }, 'c');
    expect(group.answers).toBeUndefined();
    expect(await group.loaded).toEqual(['value of a,b,c', broken]);
    expect(load.mock.calls).toEqual([[group]]);
    expect(group.keys).toEqual([{ key: 'a' }, { key: 'b' }, { key: 'c' }]);
    expect(group.valueOf('a')).toBe('value of a,b,c');
    expect(() => group.valueOf('b')).toThrow(broken);
    expect(group.valueOf('c')).toBeUndefined();
  });

  it.each<[string, () => Promise<readonly unknown[]>]>([
    ['rejects', () => Promise.reject(broken)],
    [
      'throws',
      () => {
        throw broken;
      },
    ],
  ])('all have the error if loading %s', async (_, load) => {
    const { group, fieldOf } = groupOf(load);
    const field = fieldOf('b');
    expect(await group.loaded).toEqual([broken, broken]);
    await expect(field).rejects.toBe(broken);
  });
});

describe('a field of a record that is being loaded', () => {
  it('is set when the record is loaded, with its value or its error', async () => {
    const { group, fieldOf } = groupOf(() => ['A', broken]);
    const set: unknown[] = [];
    for (const text of ['a', 'b', 'a'])
      expect(fieldOf(text).whenLoaded((value) => set.push(value))).toBe(true);
    await group.loaded;
    await new Promise((resolve) => setImmediate(resolve));
    expect(set).toEqual(['field of A', broken, 'field of A']);
  });

  it('has the error of its reader', async () => {
    const { group } = groupOf(() => ['A', 'B']);
    const field = new PendingField(group, 'a', () => {
      throw broken;
    });
    const set = vi.fn();
    field.whenLoaded(set);
    await group.loaded;
    await new Promise((resolve) => setImmediate(resolve));
    expect(set.mock.calls).toEqual([[broken]]);
    await expect(field).rejects.toBe(broken);
  });

  it('must be awaited by a second reader, and if the record is loaded', async () => {
    const { group, fieldOf } = groupOf(() => ['A', 'B']);
    const [field, later] = [fieldOf('a'), fieldOf('b')];
    const set = vi.fn();
    expect([field.whenLoaded(set), field.whenLoaded(set)]).toEqual([true, false]);
    await group.loaded;
    expect(later.whenLoaded(set)).toBe(false);
    expect(await Promise.all([field, later])).toEqual(['field of A', 'field of B']);
    await new Promise((resolve) => setImmediate(resolve));
    expect(set.mock.calls).toEqual([['field of A']]);
  });
});
