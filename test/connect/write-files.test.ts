import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeTogether } from '../../src/connect/write-files.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-write-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

it('writes all files, with their folders', () => {
  writeTogether(folder, { 'sources/a.yaml': 'a', 'schema/sources/a.graphql': 'b' });
  expect(readFileSync(join(folder, 'sources/a.yaml'), 'utf8')).toBe('a');
  expect(readFileSync(join(folder, 'schema/sources/a.graphql'), 'utf8')).toBe('b');
});

it('restores the former files, and removes new ones, if one cannot be written', () => {
  mkdirSync(join(folder, 'sources'));
  writeFileSync(join(folder, 'sources/a.yaml'), 'former');
  // A folder has the name of the last file.
  mkdirSync(join(folder, 'sources/a.md/x'), { recursive: true });
  const files = { 'sources/a.yaml': 'new', 'sources/a.json': 'new', 'sources/a.md': 'new' };
  expect(() => {
    writeTogether(folder, files);
  }).toThrow(/EISDIR|ENOTEMPTY|ENOTDIR/);
  expect(readFileSync(join(folder, 'sources/a.yaml'), 'utf8')).toBe('former');
  expect(existsSync(join(folder, 'sources/a.json'))).toBe(false);
  expect(readdirSync(join(folder, 'sources')).sort()).toEqual(['a.md', 'a.yaml']);
});
