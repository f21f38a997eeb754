import {
  existsSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { AuditError, ConfigError } from '../../src/errors.js';
import {
  auditDestination,
  createAuditLog,
  type AuditLog,
  type WriteSome,
} from '../../src/privacy/audit-log.js';
import { verifyAudit } from '../../src/privacy/audit-verify.js';
import { entry, linesIn, SECRET, temporaryFolder, writeEntries } from './audit-entries.js';

const REFUSAL = 'The audit log could not be written, so the answer is not sent.';

/** Imitates a disk or a stream with space for a limited number of bytes. Bytes in a stream cannot be removed. */
function limited(writeBytes: (fd: number, bytes: Uint8Array) => void) {
  const left = { room: 0 };
  const write: WriteSome = (fd, what) => {
    if (left.room === 0) return Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' }));
    const bytes = Buffer.from(what);
    const written = Math.min(bytes.length, left.room);
    writeBytes(fd, bytes.subarray(0, written));
    left.room -= written;
    return Promise.resolve(written);
  };
  return { write, left };
}

function newFile(): string {
  return join(temporaryFolder(), 'audit.log');
}

describe('a line of the audit log', () => {
  test('records the caller, the customer, the data, the purpose and the time', async () => {
    const file = newFile();
    await writeEntries(file, [entry()], { now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) });
    expect(linesIn(file)).toEqual([
      {
        seq: 1,
        time: '2026-01-02T03:04:05.006Z',
        ...entry(),
        prev: '0'.repeat(64),
        hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      },
    ]);
  });

  test('has the time to the millisecond, independent of the line before it', async () => {
    const newest = Date.UTC(2100, 0);
    const nearby = fc
      .tuple(fc.integer({ min: 0, max: newest }), fc.array(fc.integer({ min: -2_000, max: 2_000 })))
      .map(([at, steps]) => [at, ...steps.map((step) => Math.max(0, at + step))]);
    await fc.assert(
      fc.asyncProperty(nearby, async (times) => {
        const file = newFile();
        const left = [...times];
        await writeEntries(
          file,
          times.map(() => entry()),
          { now: () => left.shift() ?? 0 },
        );
        expect(linesIn(file).map(({ time }) => time)).toEqual(
          times.map((time) => new Date(time).toISOString()),
        );
      }),
      { numRuns: 50 },
    );
  });

  test('stays one line if a text has line breaks or quotation marks', async () => {
    const file = newFile();
    const texts = ['two\nlines', 'a "quotation"', '\u2028', '","prev":"', '\uD800', '💶'];
    await writeEntries(
      file,
      texts.map((requestId) => entry({ requestId })),
    );
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(texts.length + 1);
    expect(linesIn(file).map(({ requestId }) => requestId)).toEqual(texts);
  });

  test('has a limited length: it names at most 1,000 customers, counts the others, and cuts long texts', async () => {
    const file = newFile();
    const customers = Array.from({ length: 25_000 }, (_, index) => `customer ${index} `.padEnd(300, 'x'));
    const requestId = 'r'.repeat(1_000_000);
    await writeEntries(file, [entry({ customers, requestId, caller: 'c'.repeat(500) })]);
    const [line] = linesIn(file);
    expect(line?.customers).toHaveLength(1_000);
    expect(line?.customersOmitted).toBe(24_000);
    expect(line?.requestId).toHaveLength(200);
    expect(line?.caller).toHaveLength(200);
    expect(statSync(file).size).toBeLessThan(250_000);
    expect((await verifyAudit([file], { secret: SECRET })).problems).toEqual([]);
  });

  test.each([
    ['control characters', '\u0001'],
    ['characters of several bytes', '€'],
  ])('is bounded when its texts are %s', async (_, character) => {
    const file = newFile();
    const customers = Array.from({ length: 1_000 }, () => character.repeat(300));
    await writeEntries(file, [entry({ customers }), entry()]);
    expect(statSync(file).size).toBeLessThan(1_300_000);
    expect(await verifyAudit([file], { secret: SECRET })).toMatchObject({ problems: [], lines: 2 });
  });

  test('can be read only by the user of the gateway', async () => {
    const file = newFile();
    await writeEntries(file, [entry()]);
    for (const name of [file, `${file}.head`]) expect(statSync(name).mode & 0o777).toBe(0o600);
  });
});

describe('the lines of the audit log', () => {
  test('are in the order of the answers, also after a restart and with many answers at once', async () => {
    const file = newFile();
    const ids = Array.from({ length: 3_000 }, (_, index) => `r-${index}`);
    for (let start = 0; start < ids.length; start += 1_000)
      await writeEntries(
        file,
        ids.slice(start, start + 1_000).map((requestId) => entry({ requestId })),
      );
    expect(linesIn(file).map(({ requestId }) => requestId)).toEqual(ids);
    expect(linesIn(file).map(({ seq }) => seq)).toEqual(ids.map((_, index) => index + 1));
  });

  test('are in the file before the log acknowledges them, and all are written before it closes', async () => {
    const file = newFile();
    const log = createAuditLog({ to: { file }, secret: SECRET });
    await log.append(entry({ requestId: 'first' }));
    expect(linesIn(file)).toHaveLength(1);
    const waiting = log.append(entry({ requestId: 'second' }));
    expect(log.state()).toEqual({ written: 1, failed: 0, waiting: 1 });
    await log.close();
    await waiting;
    expect(linesIn(file).map(({ requestId }) => requestId)).toEqual(['first', 'second']);
    // The entry is refused before anything is written, because another file may have reused the closed file descriptor.
    await expect(log.append(entry())).rejects.toThrow('The audit log is closed');
    expect(log.state()).toEqual({ written: 2, failed: 1, waiting: 0 });
  });

  test('of several answers follow an unterminated line without a blank line in between', async () => {
    const file = newFile();
    await writeEntries(file, [entry()]);
    truncateSync(file, statSync(file).size - 1);
    await writeEntries(file, [entry(), entry(), entry()]);
    expect(readFileSync(file, 'utf8')).not.toContain('\n\n');
    expect(await verifyAudit([file], { secret: SECRET })).toMatchObject({ problems: [], lines: 4, torn: 0 });
  });

  test('go to standard output only if callers authenticate and no file is set', () => {
    expect(auditDestination('audit.log', false)).toEqual({ file: 'audit.log' });
    expect(auditDestination('audit.log', true)).toEqual({ file: 'audit.log' });
    expect(auditDestination(undefined, true)).toBe('stdout');
    expect(auditDestination(undefined, false)).toBeUndefined();
  });
});

describe('an audit log on a full disk', () => {
  test.runIf(existsSync('/dev/full'))('refuses every answer, and logs each refusal', async () => {
    const log = createAuditLog({ to: { file: '/dev/full' }, secret: SECRET });
    const results = await Promise.allSettled([1, 2, 3].map(() => log.append(entry())));
    for (const outcome of results)
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { code: 'AUDIT_UNAVAILABLE', message: REFUSAL },
      });
    expect(log.state()).toEqual({ written: 0, failed: 3, waiting: 0 });
    await log.close();
  });

  /** Phases, each with its free space in bytes and its number of answers. The last phase has space for all answers. */
  const phases = fc
    .array(fc.tuple(fc.nat({ max: 1_200 }), fc.integer({ min: 1, max: 4 })), { minLength: 1, maxLength: 6 })
    .map((full) => [...full, [1_000_000, 1] as const]);

  async function runPhases(
    log: AuditLog,
    left: { room: number },
    inputs: readonly (readonly [number, number])[],
  ) {
    const [written, refused]: [string[], string[]] = [[], []];
    let count = 0;
    for (const [room, amount] of inputs) {
      left.room = room;
      const ids = Array.from({ length: amount }, () => `r-${(count += 1)}`);
      await Promise.all(
        ids.map((requestId) =>
          log.append(entry({ requestId })).then(
            () => written.push(requestId),
            () => refused.push(requestId),
          ),
        ),
      );
    }
    await log.close();
    expect(log.state()).toEqual({ written: written.length, failed: refused.length, waiting: 0 });
    expect(written.length + refused.length).toBe(count);
    expect(written.at(-1)).toBe(`r-${count}`);
    return written;
  }

  test('removes a partial line, and continues when there is space again', async () => {
    const folder = temporaryFolder();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(phases, async (inputs) => {
        const file = join(folder, `${(run += 1)}.log`);
        const { write, left } = limited((fd, bytes) => void writeSync(fd, bytes));
        const written = await runPhases(
          createAuditLog({ to: { file }, secret: SECRET, write }),
          left,
          inputs,
        );
        expect(linesIn(file).map(({ requestId }) => requestId)).toEqual(written);
        expect(await verifyAudit([file], { secret: SECRET })).toMatchObject({
          problems: [],
          torn: 0,
          lines: written.length,
          endIsKnown: true,
        });
      }),
    );
  });

  test('reports partial lines that it cannot remove, and continues when there is space again', async () => {
    const file = newFile();
    await fc.assert(
      fc.asyncProperty(phases, async (inputs) => {
        let output = Buffer.alloc(0);
        const { write, left } = limited((_, bytes) => {
          output = Buffer.concat([output, bytes]);
        });
        const log = createAuditLog({ to: { file: '/dev/null' }, secret: SECRET, write });
        const written = await runPhases(log, left, inputs);
        writeFileSync(file, output);
        const ids = linesIn(file).flatMap(({ requestId }) => requestId ?? []);
        // A line without its line break counts as written, although its answer was refused.
        expect(ids.filter((id) => written.includes(id))).toEqual(written);
        expect(ids.length).toBeLessThanOrEqual(written.length + inputs.length);
        expect((await verifyAudit([file], { secret: SECRET, head: false })).problems).toEqual([]);
      }),
    );
  });

  test('continues after a line without its line break, even on a nearly full disk', async () => {
    const file = newFile();
    const run = async (inputs: readonly (readonly [number, number])[]) => {
      let output = Buffer.alloc(0);
      const { write, left } = limited((_, bytes) => {
        output = Buffer.concat([output, bytes]);
      });
      await runPhases(createAuditLog({ to: { file: '/dev/null' }, secret: SECRET, write }), left, inputs);
      return output;
    };
    const length = (await run([[10_000, 1]])).length;
    for (const little of [0, 1, 2, 3, length, length + 1]) {
      writeFileSync(
        file,
        await run([
          [length - 1, 1],
          [little, 2],
          [1, 1],
          [10_000, 2],
        ]),
      );
      const { problems } = await verifyAudit([file], { secret: SECRET, head: false });
      expect(problems, String(little)).toEqual([]);
    }
  });

  test('does not change the lines of an older file, and the next line reports its partial last line', async () => {
    const file = newFile();
    await writeEntries(file, [entry({ requestId: 'older' })]);
    writeFileSync(file, '{"seq":2,"ti', { flag: 'a' });
    const before = readFileSync(file);
    const { write, left } = limited((fd, bytes) => void writeSync(fd, bytes));
    const log = createAuditLog({ to: { file }, secret: SECRET, write });
    left.room = 40;
    await expect(log.append(entry())).rejects.toThrow(REFUSAL);
    expect(readFileSync(file).equals(before)).toBe(true);
    left.room = 10_000;
    await log.append(entry());
    await log.close();
    expect(await verifyAudit([file], { secret: SECRET })).toMatchObject({ problems: [], torn: 1, lines: 3 });
  });

  test('continues in a new file after a crash has torn its first line', async () => {
    const file = newFile();
    await writeEntries(file, [entry()]);
    renameSync(file, `${file}.1`);
    writeFileSync(file, '{"seq":2,"ti');
    await writeEntries(file, [entry()]);
    expect(await verifyAudit([`${file}.1`, file], { secret: SECRET })).toMatchObject({
      problems: [],
      torn: 1,
      lines: 3,
    });
  });

  test('refuses further answers while the disk is blocked, so that they cannot fill the memory', async () => {
    let unblock: () => void = () => undefined;
    const blocked = new Promise<void>((resolve) => {
      unblock = resolve;
    });
    const write: WriteSome = () => blocked.then(() => Promise.reject(new Error('The disk was removed.')));
    const log = createAuditLog({ to: { file: newFile() }, secret: SECRET, write });
    const results = Array.from({ length: 12_000 }, () =>
      log.append(entry()).catch((error: unknown) => error),
    );
    expect(log.state()).toMatchObject({ written: 0, failed: 2_000, waiting: 10_000 });
    expect(await results.at(-1)).toBeInstanceOf(AuditError);
    unblock();
    for (const outcome of await Promise.all(results)) expect(outcome).toBeInstanceOf(AuditError);
    await log.close();
  });
});

describe('an audit log on a full pipe', () => {
  test('delays answers, but does not refuse any', async () => {
    let [full, output] = [5, ''];
    const write: WriteSome = (_, what) => {
      if (output !== '' && full-- > 0)
        return Promise.reject(Object.assign(new Error('try again'), { code: 'EAGAIN' }));
      const bytes = Buffer.from(what);
      output += bytes.subarray(0, 100).toString();
      return Promise.resolve(Math.min(100, bytes.length));
    };
    const log = createAuditLog({ to: { file: '/dev/null' }, secret: SECRET, write });
    await log.append(entry());
    expect(output).toMatch(/^\{.*\}\n$/);
    expect(full).toBeLessThanOrEqual(0);
    await log.close();
  });
});

describe('a file that the audit log cannot continue', () => {
  const problemWith = (file: string, { secret }: { secret?: string } = { secret: SECRET }): string => {
    try {
      void createAuditLog({ to: { file }, secret }).close();
    } catch (error) {
      if (error instanceof ConfigError) return error.problems.join();
      throw error;
    }
    return 'none';
  };

  test('is a file in a missing folder', () => {
    expect(problemWith(join(temporaryFolder(), 'nowhere', 'audit.log'))).toMatch(
      /^AUDIT_FILE cannot .*ENOENT/,
    );
  });

  test.each(['some other text\n', '{"level":30}\n'.repeat(10_000), 'no line break'])(
    'is a file of another program, which stays unchanged',
    (content) => {
      const file = newFile();
      writeFileSync(file, content);
      expect(problemWith(file)).toContain('it is not an audit log');
      expect(readFileSync(file, 'utf8')).toBe(content);
      expect(existsSync(`${file}.lock`)).toBe(false);
    },
  );

  test('is a log that was started with another secret, or without one', async () => {
    const file = newFile();
    await writeEntries(file, [entry()]);
    expect(problemWith(file, { secret: 'another secret of the tests' })).toContain(
      'If AUDIT_SECRET was changed',
    );
    expect(problemWith(file, {})).toContain('If AUDIT_SECRET was changed');
  });

  test('is a log with a damaged head file', async () => {
    const file = newFile();
    await writeEntries(file, [entry()]);
    writeFileSync(`${file}.head`, 'nonsense');
    expect(problemWith(file)).toContain('is not a valid head of an audit log');
  });

  test('is a log that another machine has locked, until its lock is removed', () => {
    const file = newFile();
    writeFileSync(`${file}.lock`, JSON.stringify({ pid: 1, host: `not-${hostname()}` }));
    expect(problemWith(file)).toContain(`process 1 on not-${hostname()} has taken it`);
    expect(problemWith(file)).toContain('If that process has ended, remove the lock');
  });

  test('is a log that a process of another user has locked', () => {
    const file = newFile();
    writeFileSync(`${file}.lock`, JSON.stringify({ pid: process.ppid, host: hostname() }));
    const signal = vi.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error('not permitted'), { code: 'EPERM' });
    });
    onTestFinished(() => {
      signal.mockRestore();
    });
    expect(problemWith(file)).toContain(`process ${process.ppid} is writing it`);
  });

  test('is not a log that an ended process has locked, even if its process id is in use again', async () => {
    const file = newFile();
    writeFileSync(
      `${file}.lock`,
      JSON.stringify({ pid: process.pid, host: hostname(), started: 'long ago' }),
    );
    await writeEntries(file, [entry()]);
    expect(linesIn(file)).toHaveLength(1);
  });
});

describe('an audit file with missing lines', () => {
  test('reports the loss permanently, also after the gateway has continued the file', async () => {
    const file = newFile();
    await writeEntries(file, [entry(), entry(), entry()]);
    truncateSync(file, readFileSync(file, 'utf8').indexOf('\n') + 1);
    await writeEntries(file, [entry()]);
    const { problems } = await verifyAudit([file], { secret: SECRET });
    expect(problems).toMatchObject([{ line: 2, damage: 'removed' }]);
  });
});
