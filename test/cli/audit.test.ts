import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { compiledFolder } from '../support/compiled.js';
import { entry, SECRET, temporaryFolder, writeEntries } from '../privacy/audit-entries.js';

/** Runs `stekkerdoos audit <args>`. */
async function audit(args: string[], environment: Record<string, string> = { AUDIT_SECRET: SECRET }) {
  const child = spawn(process.execPath, [join(await compiledFolder(), 'src/cli/cli.js'), 'audit', ...args], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, error, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { out, error, code };
}

async function fileWith(count: number): Promise<string> {
  const file = join(temporaryFolder(), 'audit.log');
  const now = () => Date.UTC(2026, 0, 2);
  await writeEntries(
    file,
    Array.from({ length: count }, () => entry()),
    { now },
  );
  return file;
}

test('reports the last line of an unchanged log, and exits with 0', async () => {
  const { out, error, code } = await audit(['verify', await fileWith(3)]);
  expect(out).toMatch(
    /^3 lines; numbers 1 to 3, 2026-01-02T00:00:00.000Z to 2026-01-02T00:00:00.000Z; nothing is missing or changed; last hash [0-9a-f]{64}\.\n$/,
  );
  expect({ error, code }).toEqual({ error: '', code: 0 });
});

test('reports the problem of each line, and exits with 1', async () => {
  const file = await fileWith(6);
  const lines = readFileSync(file, 'utf8').split(/(?<=\n)/);
  const [a = '', b = '', , d = '', e = ''] = lines;
  writeFileSync(file, [a, b.replace('SERVICE', 'MARKETING'), d, e].join(''));
  const { out, code } = await audit(['verify', file]);
  expect(out.split('\n').slice(0, 4)).toEqual([
    `${file}:2: changed: the line was changed after it was written`,
    `${file}:3: removed: the line numbered 3 is missing before it`,
    `${file}:4: truncated: the line numbered 6 is missing at the end`,
    expect.stringMatching(/^4 lines; .*; 3 problems; last hash /),
  ]);
  expect(code).toBe(1);
});

test('reads several files as one log, or a later file alone with an option', async () => {
  const older = await fileWith(2);
  const file = `${older}.2`;
  copyFileSync(`${older}.head`, `${file}.head`);
  await writeEntries(file, [entry(), entry()]);
  expect(await audit(['verify', older, file])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^4 lines/) as string,
  });
  expect(await audit(['verify', file])).toMatchObject({ code: 1 });
  expect(await audit(['verify', '--no-begin', file])).toMatchObject({ code: 0 });
});

test('reports that it needs the secret of the lines, without revealing it', async () => {
  const file = await fileWith(2);
  const without = await audit(['verify', file], {});
  expect(without.out).toContain('If they were written with an AUDIT_SECRET, set it.');
  expect(without.code).toBe(1);
  const another = await audit(['verify', file], { AUDIT_SECRET: 'another secret for the lines' });
  expect(another.out).toContain('Check that AUDIT_SECRET is the secret they were written with.');
  const short = await audit(['verify', file], { AUDIT_SECRET: 'too short' });
  expect(short).toMatchObject({ code: 2, out: '' });
  expect(short.error).toContain('AUDIT_SECRET is invalid');
  for (const { out, error } of [without, another, short])
    expect(out + error).not.toMatch(/another secret|too short|^ +at /m);
});

test('requires the head file of the log, or an option that skips its check', async () => {
  const file = await fileWith(2);
  const head = `${file}.moved`;
  copyFileSync(`${file}.head`, head);
  rmSync(`${file}.head`);
  const unknown = await audit(['verify', file]);
  expect(unknown.out).toContain('There is no head beside the last file, so lines may be missing at the end.');
  expect(unknown.code).toBe(1);
  expect(await audit(['verify', '--head', head, file])).toMatchObject({ code: 0 });
  const result = await audit(['verify', '--no-head', file]);
  expect(result.out).toContain('the end was not compared with a head');
  expect(result.code).toBe(0);
});

test('exits with 2 if the check is impossible, and reports the reason in one line', async () => {
  const file = await fileWith(2);
  writeFileSync(`${file}.head`, 'nonsense');
  const wrong: [string[], RegExp][] = [
    [['verify'], /files.*See: stekkerdoos --help/i],
    [['verify', join(temporaryFolder(), 'nowhere.log')], /ENOENT/],
    [
      ['verify', '--head', join(temporaryFolder(), 'nowhere.head'), file],
      /nowhere.head does not exist. Name another/,
    ],
    [['verify', temporaryFolder()], /EISDIR/],
    [['verify', file], /is not a valid head of an audit log/],
    [['show'], /show.*See: stekkerdoos --help/],
  ];
  for (const [args, reason] of wrong) {
    const { out, error, code } = await audit(args);
    expect({ out, code }, args.join(' ')).toEqual({ out: '', code: 2 });
    expect(error).toMatch(reason);
    expect(error).toMatch(/^.*\n$/);
  }
});
