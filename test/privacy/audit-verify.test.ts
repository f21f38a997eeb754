import { appendFileSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HeadError } from '../../src/privacy/audit-head.js';
import { verifyAudit } from '../../src/privacy/audit-verify.js';
import { runCount } from '../support/thorough.js';
import { entries, entry, SECRET, temporaryFolder, writeEntries } from './audit-entries.js';

/** Writes a file with `count` lines, and its head. */
async function fileWith(count: number, folder = temporaryFolder(), ids = 'r'): Promise<string> {
  const file = join(folder, 'audit.log');
  await writeEntries(
    file,
    Array.from({ length: count }, (_, index) => entry({ requestId: `${ids}-${index + 1}` })),
  );
  return file;
}

function changeLines(file: string, change: (lines: string[]) => string[]): void {
  const lines = readFileSync(file, 'utf8').split(/(?<=\n)/);
  writeFileSync(file, change(lines).join(''));
}

/** The problems of a file, each as `line: damage`. */
async function problemsIn(file: string, options: Parameters<typeof verifyAudit>[1] = {}): Promise<string[]> {
  const { problems } = await verifyAudit([file], { secret: SECRET, ...options });
  return problems.map(({ line, damage }) => `${line}: ${damage}`);
}

describe('an unchanged audit log', () => {
  test('verifies, and reports its first and last line', async () => {
    const verification = await verifyAudit([await fileWith(3)], { secret: SECRET });
    expect(verification).toMatchObject({ lines: 3, problems: [], torn: 0, endIsKnown: true });
    expect(verification).toMatchObject({ first: { seq: 1 }, last: { seq: 3 } });
  });

  test('verifies when it has no lines yet', async () => {
    const verification = await verifyAudit([await fileWith(0)], { secret: SECRET });
    expect(verification).toMatchObject({ lines: 0, problems: [], first: undefined, endIsKnown: true });
  });

  test('verifies across rotated files, oldest first, and reports a missing one', async () => {
    const folder = temporaryFolder();
    const file = await fileWith(2, folder);
    const older = ['1', '2'].map((name) => join(folder, `audit.${name}.log`));
    for (const moved of older) {
      copyFileSync(file, moved);
      rmSync(file);
      await writeEntries(file, [entry(), entry()]);
    }
    const verify = (files: string[], fromBeginning = true) =>
      verifyAudit(files, { secret: SECRET, fromBeginning });
    expect(await verify([...older, file])).toMatchObject({ lines: 6, problems: [] });
    const [first, second] = older as [string, string];
    expect(await verify([first, file])).toMatchObject({
      problems: [
        { file, line: 1, damage: 'removed', detail: 'the lines numbered 3 to 4 are missing before it' },
      ],
    });
    expect(await verify([second, file])).toMatchObject({
      problems: [{ file: second, line: 1, damage: 'removed' }],
    });
    expect(await verify([second, file], false)).toMatchObject({ lines: 4, problems: [] });
    expect((await verify([second, first, file], false)).problems).not.toEqual([]);
  });

  test('verifies while the gateway writes further lines', async () => {
    const file = join(temporaryFolder(), 'audit.log');
    const writing = writeEntries(
      file,
      Array.from({ length: 400 }, () =>
        entry({ customers: Array.from({ length: 100 }, () => 'sealed'.repeat(10)) }),
      ),
    );
    for (let times = 0; times < 5; times += 1) expect(await problemsIn(file)).toEqual([]);
    await writing;
    expect(await problemsIn(file)).toEqual([]);
  });
});

describe('verifying an audit log', () => {
  const changesOfOneLine: [string, (lines: string[]) => string[], string[]][] = [
    ['removed', ([a = '', , ...rest]) => [a, ...rest], ['2: removed']],
    ['removed at the beginning', ([, ...rest]) => rest, ['1: removed']],
    ['removed at the end', (lines) => lines.slice(0, -1), ['4: truncated']],
    ['changed', (lines) => lines.map((line) => line.replace('r-3', 'r-9')), ['3: changed']],
    ['moved', ([a = '', b = '', c = '', ...rest]) => [a, c, b, ...rest], ['3: out of order']],
    ['written twice', ([a = '', b = '', ...rest]) => [a, b, b, ...rest], ['3: duplicated']],
    ['written twice, at the end', (lines) => [...lines, lines[1] ?? ''], ['6: duplicated']],
    ['inserted', ([a = '', ...rest]) => [a, '{"seq":2}\n', ...rest], ['2: unreadable']],
    ['empty', ([a = '', ...rest]) => [a, '\n', ...rest], ['2: unreadable']],
    ['cut off', ([a = '', b = '', ...rest]) => [a, `${b.slice(0, 60)}\n`, ...rest], ['2: unreadable']],
  ];
  test.each(changesOfOneLine)('reports the place of a line that was %s', async (_, change, problems) => {
    const file = await fileWith(5);
    changeLines(file, change);
    expect(await problemsIn(file)).toEqual(problems);
  });

  test('reports that all lines were removed', async () => {
    const file = await fileWith(5);
    writeFileSync(file, '');
    expect(await problemsIn(file)).toEqual(['0: truncated']);
  });

  test('reports lines that were sealed with another secret, or without a secret', async () => {
    const file = await fileWith(2);
    expect(await problemsIn(file, { secret: 'another secret of the tests' })).toEqual([
      '1: changed',
      '2: changed',
    ]);
    expect(await problemsIn(file, { secret: undefined })).toContain('1: changed');
  });

  test('reports lines that come from another log of the same gateway', async () => {
    const file = await fileWith(3);
    // With the same time and the same ids, the lines would be equal.
    const other = await fileWith(3, temporaryFolder(), 'other');
    const [, second = ''] = readFileSync(other, 'utf8').split(/(?<=\n)/);
    changeLines(file, ([a = '', , c = '']) => [a, second, c]);
    expect(await problemsIn(file)).toContain('2: changed');
    copyFileSync(other, file);
    expect(await problemsIn(file)).toEqual(['3: changed']);
  });

  test('is not verified against a head that does not exist', async () => {
    const file = await fileWith(1);
    const verification = verifyAudit([file], { secret: SECRET, head: `${file}.other` });
    await expect(verification).rejects.toThrow(HeadError);
    await expect(verification).rejects.toThrow('does not exist');
  });

  test('reports that the end is unknown if the file has no head', async () => {
    const file = await fileWith(3);
    changeLines(file, (lines) => lines.slice(0, 2));
    expect(await verifyAudit([file], { secret: SECRET, head: false })).toMatchObject({
      problems: [],
      endIsKnown: false,
    });
    rmSync(`${file}.head`);
    expect(await verifyAudit([file], { secret: SECRET })).toMatchObject({ problems: [], endIsKnown: false });
  });

  test('lists at most 100 problems of a file with many damaged lines', async () => {
    const file = await fileWith(300);
    changeLines(file, (lines) => lines.map((line) => line.replace('shop', 'Shop')));
    const { problems, problemsOmitted } = await verifyAudit([file], { secret: SECRET });
    expect(problems).toHaveLength(100);
    expect(problemsOmitted).toBe(200);
  });
});

describe('the partial line of an interrupted write to an audit log', () => {
  /** A file with three lines and a part of a fourth line. */
  async function tornFile(part: number | undefined): Promise<string> {
    const file = await fileWith(4);
    const [lines, last] = [
      readFileSync(file, 'utf8')
        .split(/(?<=\n)/)
        .slice(0, 3),
      readFileSync(file, 'utf8'),
    ];
    const whole = lines.join('');
    writeFileSync(file, whole + last.slice(whole.length).slice(0, part));
    const { seq, hash } = JSON.parse(lines[2] ?? '') as { seq: number; hash: string };
    writeFileSync(`${file}.head`, `${`{"seq":${seq},"hash":"${hash}"}`.padEnd(119)}\n`);
    return file;
  }

  test.each([1, 7, 100, -2])('is counted as torn, not as damage (%s)', async (part) => {
    const file = await tornFile(part);
    expect(await verifyAudit([file], { secret: SECRET })).toMatchObject({ problems: [], torn: 1, lines: 3 });
    await writeEntries(file, [entry(), entry()]);
    expect(await verifyAudit([file], { secret: SECRET })).toMatchObject({ problems: [], torn: 1, lines: 6 });
  });

  test('is complete if only its line break is missing', async () => {
    const file = await tornFile(-1);
    expect(await verifyAudit([file], { secret: SECRET })).toMatchObject({ problems: [], torn: 0, lines: 4 });
    await writeEntries(file, [entry()]);
    expect(await verifyAudit([file], { secret: SECRET })).toMatchObject({ problems: [], torn: 0, lines: 5 });
  });

  test('is reported as damage if it is changed later', async () => {
    const torn = async () => {
      const file = await tornFile(50);
      await writeEntries(file, [entry()]);
      return file;
    };
    const changed = await torn();
    changeLines(changed, (lines) =>
      lines.map((line, index) => (index === 3 ? line.replace('seq', 'sek') : line)),
    );
    expect(await problemsIn(changed)).toEqual(['4: changed']);
    const removed = await torn();
    changeLines(removed, (lines) => lines.filter((_, index) => index !== 3));
    expect(await problemsIn(removed)).toEqual(['4: removed']);
  });
});

/** Changes the content of a file at places between 0 (start) and 1 (end), by an amount. */
type Tampering = (content: Buffer, places: readonly [number, number], amount: number) => Buffer;

function splice(content: Buffer, from: number, to: number, inserted: Uint8Array = Buffer.alloc(0)): Buffer {
  return Buffer.concat([content.subarray(0, from), inserted, content.subarray(to)]);
}

/** Creates a change of whole lines. */
function lineTampering(
  change: (lines: string[], number: number, other: number, amount: number) => string[],
): Tampering {
  return (content, [first, second], amount) => {
    const lines = content.toString('latin1').split(/(?<=\n)/);
    const at = (place: number) => Math.floor(place * lines.length);
    return Buffer.from(change(lines, at(first), at(second), amount).join(''), 'latin1');
  };
}

const tamperings: Record<string, Tampering> = {
  removeLines: lineTampering((lines, number, _, amount) => lines.toSpliced(number, 1 + (amount % 3))),
  truncateLines: lineTampering((lines, number) => lines.slice(0, number)),
  swapLines: lineTampering((lines, number, other) =>
    lines.with(number, lines[other] ?? '').with(other, lines[number] ?? ''),
  ),
  moveLine: lineTampering((lines, number, other) =>
    lines.toSpliced(number, 1).toSpliced(other, 0, lines[number] ?? ''),
  ),
  repeatLine: lineTampering((lines, number, other) => lines.toSpliced(other, 0, lines[number] ?? '')),
  insertLine: lineTampering((lines, number, other) =>
    lines.toSpliced(number, 0, (lines[other] ?? '').replace('"caller":"', '"caller":"x')),
  ),
  renumberLine: lineTampering((lines, number, _, amount) =>
    lines.with(number, (lines[number] ?? '').replace(/"seq":\d+/, `"seq":${amount + 1}`)),
  ),
  reverse: lineTampering((lines) => lines.toReversed()),
  changeByte: (content, [place], amount) => {
    const at = Math.floor(place * content.length);
    return splice(content, at, at + 1, Buffer.of((content[at] ?? 0) ^ (1 + (amount % 255))));
  },
  removeBytes: (content, [place], amount) => {
    const at = Math.floor(place * content.length);
    return splice(content, at, at + 1 + amount);
  },
  insertBytes: (content, [place, value], amount) => {
    const at = Math.floor(place * content.length);
    return splice(content, at, at, Buffer.alloc(1 + (amount % 9), Math.floor(value * 256)));
  },
  truncateBytes: (content, [place]) => content.subarray(0, Math.floor(place * content.length)),
};

/** Returns the numbers of the first and the last line of the tampered file that differ. */
function changedLines(original: Buffer, tampered: Buffer): [first: number, last: number] {
  const [here, other] = [original, tampered].map((bytes) => bytes.toString('latin1').split(/(?<=\n)/)) as [
    string[],
    string[],
  ];
  let first = 0;
  while (first < other.length && here[first] === other[first]) first += 1;
  let same = 0;
  while (same < Math.min(here.length, other.length) - first && here.at(-1 - same) === other.at(-1 - same))
    same += 1;
  return [first + 1, other.length - same];
}

test(
  'verifying reports any change of bytes or lines of a file, and its place',
  { timeout: 120_000 },
  async () => {
    const folder = temporaryFolder();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(entries, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 3 }),
        fc.array(fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 20 }), {
          minLength: 3,
          maxLength: 3,
        }),
        fc.array(
          fc.record({
            how: fc.constantFrom(...Object.keys(tamperings)),
            places: fc.tuple(
              fc.double({ min: 0, max: 0.999, noNaN: true }),
              fc.double({ min: 0, max: 0.999, noNaN: true }),
            ),
            amount: fc.nat({ max: 300 }),
          }),
          { minLength: 12, maxLength: 12 },
        ),
        fc.boolean(),
        async (starts, crashes, changes, hasCrashes) => {
          const file = join(folder, `${(run += 1)}.log`);
          for (const [index, auditEntries] of starts.entries()) {
            if (hasCrashes && index > 0) appendFileSync(file, crashes[index] ?? '');
            await writeEntries(file, auditEntries);
          }
          const original = readFileSync(file);
          const untouched = await verifyAudit([file], { secret: SECRET });
          expect(untouched.problems).toEqual([]);
          expect(untouched.torn).toBe(hasCrashes ? starts.length - 1 : 0);
          for (const { how, places, amount } of changes) {
            const tampered = tamperings[how]?.(original, places, amount) ?? original;
            // An interrupted write can leave a line without its line break. This is not damage.
            if (tampered.equals(original) || tampered.equals(original.subarray(0, -1))) continue;
            writeFileSync(file, tampered);
            const { problems } = await verifyAudit([file], { secret: SECRET });
            expect(problems, `${how} at ${places.join(', ')} by ${amount}`).not.toEqual([]);
            const [first, last] = changedLines(original, tampered);
            const lines = tampered.toString('latin1').split('\n').length;
            // Partial lines are reported at their first line, and a missing line at the line after them.
            const tolerance = hasCrashes ? 20 : 1;
            const reported = problems.filter(
              ({ line }) =>
                line >= Math.min(first, lines) - tolerance && line <= Math.max(first, last) + tolerance,
            );
            expect(reported, `${how} reported at ${problems.map(({ line }) => line).join()}`).not.toEqual([]);
          }
        },
      ),
      { numRuns: runCount(150) },
    );
  },
);

test('verifying reports a file without line breaks as damaged, not as torn by a crash', async () => {
  const file = join(temporaryFolder(), 'audit.log');
  writeFileSync(file, 'x'.repeat(5 * 1024 * 1024));
  expect(await verifyAudit([file], { secret: SECRET })).toMatchObject({
    torn: 0,
    lines: 0,
    problems: [{ line: 1, damage: 'unreadable' }],
  });
});
