import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createChainCheck, type ChainResult } from '../../src/privacy/audit-chain.js';
import {
  BEGINNING,
  bodyOf,
  createSeal,
  nextLine,
  repairBody,
  type Link,
} from '../../src/privacy/audit-line.js';
import { entry } from './audit-entries.js';

const seal = createSeal('a secret of the tests');
const TIME = Date.UTC(2026, 11, 1);

/** The lines of one chain; `LINES[0]` has sequence number 1. */
const LINKS: Link[] = [];
const LINES: string[] = [];
for (let before = BEGINNING, seq = 1; seq <= 130; seq += 1) {
  const { text, link } = nextLine(before, bodyOf(entry({ requestId: `r-${seq}` }), TIME), seal);
  LINES.push(text.trimEnd());
  LINKS.push(link);
  before = link;
}
const line = (seq: number): string => LINES[seq - 1] ?? '';
const link = (seq: number): Link => LINKS[seq - 1] ?? BEGINNING;
/** Line `seq` with a wrong hash of the previous line. */
const forked = (seq: number): string =>
  nextLine({ seq: seq - 1, hash: 'f'.repeat(64) }, bodyOf(entry(), TIME), seal).text.trimEnd();
const changed = (seq: number): string => line(seq).replace('"r-', '"s-');
/** The line after `seq`, which records the partial line of an interrupted write. */
const repair = (seq: number, torn: string): string =>
  nextLine(link(seq), repairBody(Buffer.from(torn), TIME), seal).text.trimEnd();

interface Given {
  fromBeginning?: boolean;
  head?: Link;
}

/** Files of lines. Each line has its line break. `rest` is text after the last line of a file. */
function check(
  files: { lines: string[]; rest?: string }[],
  { fromBeginning = true, head }: Given = {},
): ChainResult {
  const chain = createChainCheck(seal, fromBeginning, head);
  for (const [index, { lines, rest = '' }] of files.entries()) {
    chain.begin(`file-${index}`);
    for (const line of lines) chain.line(Buffer.from(line));
    chain.end(Buffer.from(rest));
  }
  return chain.result();
}
const problemsOf = (lines: string[], input?: Given): string[] =>
  check([{ lines }], input).problems.map(({ line: at, damage, detail }) => `${at} ${damage}: ${detail}`);

describe('the problems of an audit log', () => {
  test.each<[string, string[], string[]]>([
    ['none', [line(1), line(2), line(3)], []],
    ['no lines', [], []],
    [
      'a changed line',
      [line(1), changed(2), line(3)],
      ['2 changed: the line was changed after it was written'],
    ],
    ['a changed first line', [changed(1), line(2)], ['1 changed: the line was changed after it was written']],
    ['a removed line', [line(1), line(3)], ['2 removed: the line numbered 2 is missing before it']],
    [
      'several removed',
      [line(1), line(5), line(6)],
      ['2 removed: the lines numbered 2 to 4 are missing before it'],
    ],
    ['a removed first line', [line(2), line(3)], ['1 removed: the line numbered 1 is missing before it']],
    [
      'one twice',
      [line(1), line(2), line(2), line(3)],
      ['3 duplicated: the line numbered 2 is present already'],
    ],
    ['a repeated first line', [line(1), line(1)], ['2 duplicated: the line numbered 1 is present already']],
    [
      'two swapped lines',
      [line(1), line(3), line(2), line(4)],
      ['3 out of order: the line numbered 2 comes late'],
    ],
    [
      'a missing line that occurs later',
      [line(1), line(6), line(3), line(7)],
      [
        '2 removed: the line numbered 2 is missing before it',
        '2 removed: the lines numbered 4 to 5 are missing before it',
        '3 out of order: the line numbered 3 comes late',
      ],
    ],
    [
      'missing lines that all occur later',
      [line(4), line(3), line(1), line(2), line(5)],
      [
        '2 out of order: the line numbered 3 comes late',
        '3 out of order: the line numbered 1 comes late',
        '4 out of order: the line numbered 2 comes late',
      ],
    ],
    [
      'a missing line that occurs later twice',
      [line(1), line(4), line(2), line(2)],
      [
        '2 removed: the line numbered 3 is missing before it',
        '3 out of order: the line numbered 2 comes late',
        '4 duplicated: the line numbered 2 is present already',
      ],
    ],
    [
      'a line that was written after another line',
      [line(1), forked(2)],
      ['2 changed: its hash of the previous line does not match'],
    ],
    [
      'a line of another format',
      [line(1), 'notes', line(2)],
      ['2 unreadable: this is not an audit line, and no crash is recorded for it'],
    ],
    [
      'several lines of another format, reported once',
      [line(1), 'notes', 'of somebody', line(2)],
      ['2 unreadable: this is not an audit line, and no crash is recorded for it'],
    ],
    [
      'a line that was overwritten with another format',
      [line(1), 'notes', line(3)],
      ['2 unreadable: this is not an audit line, and no crash is recorded for it'],
    ],
    [
      'a changed line before a missing line',
      [line(1), changed(2), line(4)],
      [
        '2 changed: the line was changed after it was written',
        '3 removed: the line numbered 3 is missing before it',
      ],
    ],
    [
      'another format before a changed line',
      ['notes', changed(1)],
      [
        '1 unreadable: this is not an audit line, and no crash is recorded for it',
        '2 changed: the line was changed after it was written',
      ],
    ],
    [
      'another format at the end',
      [line(1), 'notes'],
      ['2 unreadable: this is not an audit line, and no crash is recorded for it'],
    ],
    [
      'a repair without its partial line',
      [line(1), repair(1, '{"seq"')],
      ['2 removed: the 6 bytes before it that a crash left are missing'],
    ],
    [
      'a repair of other bytes',
      [line(1), '{"sex"', repair(1, '{"seq"')],
      ['2 changed: the bytes that a crash left were changed'],
    ],
    [
      'a repair of more bytes',
      [line(1), '{"se', repair(1, '{"seq"')],
      ['2 changed: the bytes that a crash left were changed'],
    ],
  ])('are reported: %s', (_, lines, problems) => {
    expect(problemsOf(lines)).toEqual(problems);
  });

  test('are also found in a log whose first lines are archived', () => {
    expect(problemsOf([line(5), line(6)], { fromBeginning: false })).toEqual([]);
    expect(problemsOf([line(5), line(7)], { fromBeginning: false })).toEqual([
      '2 removed: the line numbered 6 is missing before it',
    ]);
    expect(problemsOf([line(5), line(4)], { fromBeginning: false })).toEqual([
      '2 out of order: the line numbered 4 comes late',
    ]);
    expect(problemsOf([line(5), line(5)], { fromBeginning: false })).toEqual([
      '2 duplicated: the line numbered 5 is present already',
    ]);
  });

  test('are listed by file and line, in that order', () => {
    const files = [
      { lines: [line(1), line(2), line(4)] },
      { lines: [line(5), changed(6), line(8)] },
      { lines: [line(9), line(9), line(11)] },
    ];
    expect(check(files).problems.map(({ file, line: at, damage }) => `${file} ${at} ${damage}`)).toEqual([
      'file-0 3 removed',
      'file-1 2 changed',
      'file-1 3 removed',
      'file-2 2 duplicated',
      'file-2 3 removed',
    ]);
  });

  test('are listed up to a hundred, and counted beyond that', () => {
    const result = check([{ lines: LINES.map((_, index) => changed(index + 1)) }]);
    expect(result.problems).toHaveLength(100);
    expect(result.problemsOmitted).toBe(30);
    expect(
      check([{ lines: LINES.slice(0, 100).map((_, index) => changed(index + 1)) }]).problemsOmitted,
    ).toBe(0);
  });
});

describe('torn lines of an audit log', () => {
  test.each<[string, string[]]>([
    ['one', ['{"seq"']],
    ['two', ['{"seq"', '{"s']],
    ['an empty one', ['']],
  ])('are counted if the next line records them (%s)', (_, torn) => {
    const result = check([{ lines: [line(1), ...torn, repair(1, torn.join('\n'))] }]);
    expect(result).toMatchObject({ problems: [], torn: 1, lines: 2 });
  });

  test('are counted at the end of the last file', () => {
    const result = check([{ lines: [line(1)], rest: '{"seq"' }]);
    expect(result).toMatchObject({ problems: [], torn: 1, lines: 1 });
    expect(check([{ lines: [line(1)], rest: line(2) }])).toMatchObject({ problems: [], torn: 0, lines: 2 });
  });
});

describe('the head of an audit log', () => {
  test.each<[string, number, Link, string[]]>([
    ['is the last line', 3, link(3), []],
    ['is behind', 3, link(2), []],
    ['is one line ahead', 3, link(4), ['3 truncated: the line numbered 4 is missing at the end']],
    ['is three lines ahead', 3, link(6), ['3 truncated: the lines numbered 4 to 6 are missing at the end']],
    [
      'has a different line',
      3,
      { seq: 2, hash: 'f'.repeat(64) },
      ['2 changed: the head has a different line with number 2'],
    ],
    [
      'is ahead of an empty file',
      0,
      link(2),
      ['0 truncated: the lines numbered 1 to 2 are missing at the end'],
    ],
  ])('%s', (_, count, head, problems) => {
    expect(problemsOf(LINES.slice(0, count), { head })).toEqual(problems);
  });

  test('accepts the number of a changed line, which is reported once as changed', () => {
    expect(problemsOf([line(1), changed(2)], { head: link(2) })).toEqual([
      '2 changed: the line was changed after it was written',
    ]);
  });
});

test('the check of an audit log names its first and last valid line, and counts all lines', () => {
  expect(check([{ lines: [changed(1), line(2), line(3), changed(4)] }])).toMatchObject({
    lines: 4,
    first: { ...link(2), time: '2026-12-01T00:00:00.000Z' },
    last: { ...link(3), time: '2026-12-01T00:00:00.000Z' },
    torn: 0,
    problemsOmitted: 0,
  });
  expect(check([])).toEqual({
    lines: 0,
    first: undefined,
    last: undefined,
    torn: 0,
    problems: [],
    problemsOmitted: 0,
  });
});

test('the check of an audit log uses the secret of the log', () => {
  const chain = createChainCheck((text) => createHash('sha256').update(text).digest('hex'), true, undefined);
  chain.begin('file');
  chain.line(Buffer.from(line(1)));
  chain.end(Buffer.alloc(0));
  expect(chain.result().problems).toMatchObject([{ damage: 'changed' }]);
});
