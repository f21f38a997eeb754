import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createAuditLog } from '../../src/privacy/audit-log.js';
import { verifyAudit } from '../../src/privacy/audit-verify.js';
import { isThorough } from '../support/thorough.js';
import { entry, linesIn, SECRET, temporaryFolder, writeEntries } from './audit-entries.js';

const KILLS = isThorough ? 20 : 3;

/** A process that writes audit lines until it is killed. */
function startWriting(file: string, run: string) {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'test/privacy/audit-process.ts', file, run, SECRET],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let [acknowledged, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (acknowledged += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const closed = once(child, 'close');
  const kill = async (): Promise<string[]> => {
    child.kill('SIGKILL');
    await closed;
    return acknowledged.split('\n').slice(0, -1);
  };
  onTestFinished(async () => {
    await kill();
  });
  return {
    kill,
    closed,
    stderr: () => stderr,
    /** Waits until the log has acknowledged this number of entries. */
    taken: (amount: number) =>
      vi.waitFor(
        () => {
          if (acknowledged.split('\n').length <= amount) throw new Error(`not enough entries yet: ${stderr}`);
        },
        { timeout: 20_000, interval: 2 },
      ),
  };
}

test('a gateway that is killed repeatedly does not lose a written line', { timeout: 120_000 }, async () => {
  const file = join(temporaryFolder(), 'audit.log');
  const acknowledged: string[] = [];

  for (let times = 0; times < KILLS; times += 1) {
    const writer = startWriting(file, `run-${times}`);
    // Each kill comes slightly later, at another point of writing.
    await writer.taken(1 + times * 37);
    acknowledged.push(...(await writer.kill()));
    const verification = await verifyAudit([file], { secret: SECRET });
    expect(verification).toMatchObject({ problems: [], endIsKnown: true });
  }
  const written = linesIn(file).flatMap(({ requestId }) => requestId ?? []);
  expect(new Set(written).size).toBe(written.length);

  const stored = new Set(written);
  expect(acknowledged.length).toBeGreaterThan(isThorough ? 1_000 : 100);
  expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
});

test('a second gateway cannot use the audit file of a running gateway, even under another name', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'audit.log');
  const otherName = join(folder, 'same-audit.log');
  symlinkSync(file, otherName);
  const log = createAuditLog({ to: { file }, secret: SECRET });
  await log.append(entry());
  for (const name of [file, otherName]) {
    const second = startWriting(name, 'second');
    const [code] = (await second.closed) as [number];
    expect(code).not.toBe(0);
    expect(second.stderr()).toMatch(/AUDIT_FILE cannot be written to: process \d+ is writing it/);
    expect(second.stderr()).toContain('Two gateways would break the chain');
  }
  expect(() => createAuditLog({ to: { file }, secret: SECRET })).toThrow('Two gateways');
  await log.append(entry());
  await log.close();
  await writeEntries(otherName, [entry()]);
  for (const name of [file, otherName])
    expect(await verifyAudit([name], { secret: SECRET })).toMatchObject({
      lines: 3,
      problems: [],
      endIsKnown: true,
    });
  expect(readdirSync(folder).sort()).toEqual(['audit.log', 'audit.log.head', 'same-audit.log']);
});

test('lines on standard output are not mixed with other output, and form a chain', async () => {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'test/privacy/audit-process.ts', '-', 'out', SECRET],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const closed = once(child, 'close');
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdout.setEncoding('utf8');
  let output = '';
  // The test reads small pieces, so that the pipe is full most of the time.
  for await (const text of child.stdout as AsyncIterable<string>) {
    output += text;
    if (output.length > 8_000_000) break;
    await new Promise(setImmediate);
  }
  child.kill('SIGKILL');
  await closed;
  const lines = output.split('\n').slice(0, -1);
  const audit = lines.filter((line) => line.startsWith('{"seq":'));
  expect(audit.length).toBeGreaterThan(100);
  expect(lines.length).toBeGreaterThan(audit.length);
  for (const line of lines) expect(() => JSON.parse(line) as unknown).not.toThrow();
  const file = join(temporaryFolder(), 'collected.log');
  writeFileSync(file, audit.map((line) => `${line}\n`).join(''));
  expect(await verifyAudit([file], { secret: SECRET, head: false })).toMatchObject({ problems: [], torn: 0 });
});
