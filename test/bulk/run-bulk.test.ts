import { parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import { bulkOperation } from '../../src/bulk/bulk-operation.js';
import { readCsvLines, readJsonLines, type InputLine } from '../../src/bulk/read-lines.js';
import { runBulk, type BulkOptions, type Row } from '../../src/bulk/run-bulk.js';
import type { Answer, OperationRequest } from '../../src/operation/answer.js';
import type { Prepared } from '../../src/operation/prepare.js';
import { buildSchema, print } from 'graphql';

const schema = buildSchema(`
  input CustomerKey { email: String, customerNumber: String }
  type Customer { name: String, friend(by: CustomerKey): Customer }
  type Query { customer(by: CustomerKey!): Customer, customers(by: [CustomerKey!]!): [Customer] }
`);
const TEXT = 'query Card($by: CustomerKey!) { person: customer(by: $by) { name } }';
const operation = bulkOperation('Card', TEXT, schema);

const linesOf = (count: number): InputLine[] =>
  Array.from({ length: count }, (_, i) => ({ line: i + 1, key: { email: `p${i + 1}@example.com` } }));

interface Run {
  rows: Row[];
  /** The number of keys of each answer. */
  sizes: number[];
  waits: number[];
}

/** Runs with a runner that returns the e-mail address of each key as the name. */
async function run(
  count: number,
  changes: Partial<BulkOptions> & {
    refuse?: (call: number) => number | undefined;
    onRow?: (row: Row, advance: (ms: number) => void) => void;
  } = {},
): Promise<Run> {
  const { refuse, onRow, ...options } = changes;
  const [sizes, waits]: [number[], number[]] = [[], []];
  let now = 0;
  let call = 0;
  const rows: Row[] = [];
  const lines = runBulk(linesOf(count), {
    operation,
    prepared: {
      cost: ({ by }: Record<string, unknown>) => ({ requested: (by as unknown[]).length * 10 }),
    } as unknown as Prepared,
    principal: { caller: { maxCost: 100_000, costPerMinute: 100_000 } } as BulkOptions['principal'],
    requestId: 'r',
    variables: {},
    maxCustomers: 1_000,
    signal: undefined,
    clock: { now: () => now },
    now: () => 1_000_000,
    wait: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
    runner: {
      answer: (_: Prepared, { variables }: OperationRequest): Promise<Answer> => {
        call += 1;
        const retryAfter = refuse?.(call);
        if (retryAfter !== undefined) {
          const error = { message: 'spent', extensions: { code: 'RATE_LIMITED', retryAfter } };
          return Promise.resolve({ result: { errors: [error] }, outcome: 'refused' } as unknown as Answer);
        }
        const by = variables?.['by'] as { email: string }[];
        sizes.push(by.length);
        const data = { person: by.map(({ email }) => ({ name: `${email} ${call}` })) };
        return Promise.resolve({ result: { data }, outcome: 'ok' } as Answer);
      },
    },
    ...options,
  });
  for await (const row of lines) {
    rows.push(row);
    onRow?.(row, (ms) => (now += ms));
  }
  return { rows, sizes, waits };
}

describe('runBulk', () => {
  test('answers a few lines first, then as many together as the gateway allows', async () => {
    const { rows, sizes } = await run(2_350);
    expect(sizes).toEqual([100, 1_000, 1_000, 250]);
    expect(rows.map(({ line }) => line)).toEqual(Array.from({ length: 2_350 }, (_, i) => i + 1));
  });

  const bounds: [string, Partial<BulkOptions>, number[]][] = [
    ['the most customers of a list', { maxCustomers: 120 }, [100, 100, 50]],
    [
      'the maximum cost of the caller',
      { principal: { caller: { maxCost: 550, costPerMinute: 100_000 } } as BulkOptions['principal'] },
      [50, 50, 50, 50, 50],
    ],
    [
      "the caller's points of a minute",
      { principal: { caller: { maxCost: 100_000, costPerMinute: 1_050 } } as BulkOptions['principal'] },
      [100, 100, 50],
    ],
  ];
  test.each(bounds)('answers no more lines together than %s', async (_, options, sizes) => {
    expect((await run(250, options)).sizes).toEqual(sizes);
  });

  test("waits until the caller's budget has points again, and loses no line", async () => {
    const { rows, waits } = await run(150, { refuse: (call) => (call === 2 ? 37 : undefined) });
    expect(waits).toEqual([37_000]);
    expect(rows).toHaveLength(150);
    expect(rows.every(({ errors }) => errors === undefined)).toBe(true);
  });

  test('ends when the client disconnects, and cancels only the part that is being answered', async () => {
    const listeners: (() => void)[] = [];
    const signal: NonNullable<BulkOptions['signal']> = {
      addEventListener: (_, listener) => void listeners.push(listener),
    };
    const cancelled: number[] = [];
    let calls = 0;
    const runner: BulkOptions['runner'] = {
      answer: (_, request) => {
        const call = (calls += 1);
        request.signal?.addEventListener('abort', () => cancelled.push(call), { once: true });
        if (call === 3) for (const listener of listeners) listener();
        return Promise.resolve({ result: { data: { person: [] } }, outcome: 'ok' } as unknown as Answer);
      },
    };
    const { rows } = await run(5_100, { signal, runner });
    expect(listeners).toHaveLength(1);
    expect(cancelled).toEqual([3]);
    // The rest is not answered.
    expect({ calls, rows: rows.length }).toEqual({ calls: 3, rows: 1_100 });
  });

  test('answers lines again that waited for the client for more than 5 seconds', async () => {
    const { rows, sizes } = await run(10, {
      onRow: ({ line }, advance) => {
        advance(line === 3 ? 5_001 : 1);
      },
    });
    expect(sizes).toEqual([10, 7]);
    expect(rows.map(({ data }) => data?.['person'])).toEqual(
      Array.from({ length: 10 }, (_, i) => ({ name: `p${i + 1}@example.com ${i < 3 ? 1 : 2}` })),
    );
  });
});

describe('bulkOperation', () => {
  test('rewrites one customer to a list, under the same name', () => {
    expect(print(operation.document)).toBe(
      print(parse('query Card($by: [CustomerKey!]!) { person: customers(by: $by) { name } }')),
    );
  });

  const unsuitable: [string, string][] = [
    [
      'two fields',
      'query Card($by: CustomerKey!) { a: customer(by: $by) { name } b: customer(by: $by) { name } }',
    ],
    ['a fixed key', 'query Card { customer(by: { email: "p@example.com" }) { name } }'],
    [
      'another use of the key',
      'query Card($by: CustomerKey!) { customer(by: $by) { friend(by: $by) { name } } }',
    ],
    [
      'a directive',
      'query Card($by: CustomerKey!, $s: Boolean!) { customer(by: $by) @skip(if: $s) { name } }',
    ],
  ];
  test.each(unsuitable)('refuses %s', (_, text) => {
    expect(() => bulkOperation('Card', text, schema)).toThrow('cannot run in bulk');
  });
});

describe('reading lines', () => {
  const kinds = new Set(['email', 'customerNumber']);

  test('reads quoted values, line ends in quotes and a byte order mark in a CSV of several parts', () => {
    const rows = Array.from({ length: 1_200 }, (_, i) => `"note, ${i}\nsecond",p${i}@example.com`);
    const lines = [...readCsvLines(`\ufeffnote,email\n${rows.join('\n')}`, kinds)];
    expect(lines).toHaveLength(1_200);
    expect(lines[1_199]).toEqual({
      line: 1_201,
      input: { note: 'note, 1199\nsecond', email: 'p1199@example.com' },
      key: { email: 'p1199@example.com' },
    });
  });

  test('ends with a problem where the text is no longer a CSV', () => {
    const lines = [...readCsvLines(`email\n${'p@example.com\n'.repeat(600)}"open`, kinds)];
    expect(lines.at(-1)?.problem).toContain('From here, the body is not a CSV');
    expect(lines.length).toBeGreaterThan(400);
  });

  test('takes numbers as identifiers, and refuses long lines', () => {
    expect([...readJsonLines(`{"customerNumber":1042}\n{"email":"${'x'.repeat(10_000)}"}`, kinds)]).toEqual([
      { line: 1, input: { customerNumber: 1042 }, key: { customerNumber: '1042' } },
      { line: 2, problem: 'The line is not a JSON object of at most 10000 characters.' },
    ]);
  });
});
