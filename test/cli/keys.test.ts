import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { createTestAuthentication } from '../support/authentication.js';
import { compiledFolder } from '../support/compiled.js';

/** Runs `stekkerdoos keys new <args>`. */
async function newKey(...args: string[]) {
  const child = spawn(
    process.execPath,
    [join(await compiledFolder(), 'src/cli/cli.js'), 'keys', 'new', ...args],
    {
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const [out, error, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { out, error, code };
}

test('creates a key that authenticates its caller after its entry is configured', async () => {
  const { out, error, code } = await newKey('--name', 'shop', '--role', 'frontend');
  expect(code).toBe(0);
  const [, key = '', entry = ''] = /^key (\S+)\nentry (.*)\n$/.exec(out) ?? [];
  const authentication = createTestAuthentication({ API_KEYS: `[${entry}]` });
  expect(authentication.problems).toEqual([]);
  expect(await authentication.callerOf(key)).toMatchObject({ name: 'shop', roles: ['frontend'] });
  expect(entry).not.toContain(key);
  expect(error).toContain('API_KEYS');
  expect(error).not.toContain(key);
});

test('creates no key that would prevent the start of the gateway', async () => {
  for (const [args, reason] of [
    [['--name', 'shop', '--role', 'king'], /^API_KEYS, key shop, roles: it must be a list of visitor, /],
    [['--name', 'shop', '--role', 'visitor'], /a visitor needs a token/],
    [['--name', 'the shop', '--role', 'frontend'], /^API_KEYS, key 1, name: /],
    [['--name', 'shop'], /role.*See: stekkerdoos --help/i],
  ] as const) {
    const { out, error, code } = await newKey(...args);
    expect({ out, code }).toEqual({ out: '', code: 2 });
    expect(error).toMatch(reason);
    expect(error).not.toMatch(/^ +at /m);
  }
});
