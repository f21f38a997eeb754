import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BEGINNING,
  bodyOf,
  createSeal,
  lastLine,
  nextLine,
  readLine,
  repairBody,
  sha256,
} from '../../src/privacy/audit-line.js';
import { entries, entry } from './audit-entries.js';

const TIME = Date.UTC(2026, 11, 1, 9, 30, 0, 7);
const parsed = (body: string) => JSON.parse(`{${body}}`) as Record<string, unknown>;
const seal = createSeal('a secret of the tests');

describe('the body of an audit line', () => {
  test('has each member of the entry once, in a fixed order', () => {
    const all = entry({ because: 'TIMEOUT' });
    expect(parsed(bodyOf(all, TIME))).toEqual({ time: '2026-12-01T09:30:00.007Z', ...all });
    expect(Object.keys(parsed(bodyOf(all, TIME)))).toEqual([
      'time',
      'requestId',
      'caller',
      'purpose',
      'operation',
      'customers',
      'categories',
      'sources',
      'cached',
      'because',
    ]);
    expect(parsed(bodyOf(entry(), TIME))).not.toHaveProperty('because');
  });

  test.each([
    [999, undefined],
    [1_000, undefined],
    [1_001, 1],
    [1_500, 500],
  ])('about %i customers omits %s of them', (count, omitted) => {
    const customers = Array.from({ length: count }, (_, index) => `c-${index}`);
    const line = parsed(bodyOf(entry({ customers }), TIME));
    expect(line['customers']).toEqual(customers.slice(0, 1_000));
    expect(line['customersOmitted']).toBe(omitted);
  });

  test('cuts every text after 200 characters', () => {
    const long = 'x'.repeat(201);
    const line = parsed(
      bodyOf(
        entry({
          requestId: long,
          caller: long,
          purpose: long,
          operation: { name: long, id: long },
          customers: [long],
          categories: { granted: [long], masked: [long], withheld: [long] },
          because: long,
        }),
        TIME,
      ),
    );
    expect(
      JSON.stringify(line)
        .match(/x+/g)
        ?.map(({ length }) => length),
    ).toEqual(Array.from({ length: 10 }, () => 200));
    const exact = 'y'.repeat(200);
    expect(parsed(bodyOf(entry({ caller: exact }), TIME))['caller']).toBe(exact);
  });

  test('has the name and id of its operation, even after other operations', () => {
    const [first, second] = [
      { name: 'One', id: '1' },
      { name: null, id: '2' },
    ];
    for (const operation of [first, second, first, second])
      expect(parsed(bodyOf(entry({ operation }), TIME))['operation']).toEqual(operation);
  });

  test('about a repair has the length of the partial line in bytes, and its digest', () => {
    const torn = Buffer.from('{"seq":2,"ti');
    expect(parsed(repairBody(torn, TIME))).toEqual({
      time: '2026-12-01T09:30:00.007Z',
      repaired: true,
      bytes: torn.length,
      sha256: sha256(torn),
    });
  });
});

test('the seal of an audit line is SHA-256 without a secret, and depends on the secret if there is one', () => {
  expect(createSeal(undefined)('abc')).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
  expect(new Set([undefined, 'a', 'b'].map((secret) => createSeal(secret)('abc'))).size).toBe(3);
  expect(createSeal('key')(Buffer.from('abc'))).toBe(createSeal('key')('abc'));
});

test('an audit line is parsed into its members and the bytes that its seal covers', () => {
  fc.assert(
    fc.property(entries, fc.nat(1e14), fc.boolean(), (entry, before, isRepair) => {
      const torn = Buffer.from(entry.requestId);
      const body = isRepair ? repairBody(torn, TIME) : bodyOf(entry, TIME);
      const { text, link } = nextLine({ seq: before, hash: 'a'.repeat(64) }, body, seal);
      expect(text.endsWith('\n')).toBe(true);
      const line = readLine(Buffer.from(text.slice(0, -1)));
      expect(line).toEqual({
        seq: before + 1,
        time: '2026-12-01T09:30:00.007Z',
        prev: 'a'.repeat(64),
        hash: link.hash,
        sealed: expect.any(Buffer) as Buffer,
        repaired: isRepair ? { bytes: torn.length, sha256: sha256(torn) } : undefined,
      });
      expect(seal(line?.sealed ?? '')).toBe(link.hash);
    }),
  );
});

const { text: FIRST, link } = nextLine(BEGINNING, bodyOf(entry(), TIME), seal);
const { text: SECOND } = nextLine(link, bodyOf(entry(), TIME), seal);
const WHOLE = FIRST.trimEnd();

test.each<[string, string]>([
  ['empty', ''],
  ['cut at its end', WHOLE.slice(0, -1)],
  ['cut at its start', WHOLE.slice(1)],
  ['followed by a blank', `${WHOLE} `],
  ['preceded by a blank', ` ${WHOLE}`],
  ['without a hash of the line before', WHOLE.replace(/,"prev":"0+"/, '')],
  ['without its hash', WHOLE.replace(/,"hash":"\w+"/, '')],
  ['with a short hash', WHOLE.replace(/0"}$/, '"}').replace(/[1-9a-f]"}$/, '"}')],
  ['numbered 0', WHOLE.replace('"seq":1', '"seq":0')],
  ['numbered 01', WHOLE.replace('"seq":1', '"seq":01')],
  ['without a number', WHOLE.replace('"seq":1,', '')],
  ['without a time', WHOLE.replace(/"time":"[^"]+",/, '')],
])('an audit line that is %s is refused', (_, text) => {
  expect(readLine(Buffer.from(text))).toBeUndefined();
});

describe('the last complete line of an audit file', () => {
  test.each<[string, string, number | undefined, boolean, string]>([
    ['of nothing', '', undefined, true, ''],
    ['of a line break', '\n', undefined, true, ''],
    ['of another format', 'some\nother text\n', undefined, true, ''],
    ['of one line', FIRST, 1, true, ''],
    ['of one line without its line break', WHOLE, 1, false, ''],
    ['of two lines', FIRST + SECOND, 2, true, ''],
    ['of two lines, the last without its line break', FIRST + SECOND.trimEnd(), 2, false, ''],
    ['before a partial line', FIRST + SECOND.slice(0, 30), 1, true, SECOND.slice(0, 30)],
    ['before several partial lines', `${FIRST}{"a\n{"b\n`, 1, true, '{"a\n{"b\n'],
    ['before an empty line', `${FIRST}\n`, 1, true, '\n'],
    ['after a partial line', `{"a\n${FIRST}`, 1, true, ''],
  ])('is found, or is missing: the last line %s', (_, text, seq, isEnded, after) => {
    const found = lastLine(Buffer.from(text));
    expect(found?.line.seq).toBe(seq);
    if (found === undefined) return;
    expect(found.isEnded).toBe(isEnded);
    expect(found.after.toString()).toBe(after);
  });
});
