import { readFile, writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sources } from '../../sources/index.js';
import { faults, type Fault } from '../../sources/stand-ins/fault.js';
import type { FreshnessOptions } from '../../src/cache/freshness.js';
import { fakeClock, type FakeClock } from '../support/clock.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { faultControl, FOUR_SYSTEMS } from '../support/stand-ins.js';
import { everyNth, isThorough } from '../support/thorough.js';

const FRESHNESS: FreshnessOptions = {
  maxAge: '30 s',
  staleWhileRevalidate: '30 s',
  staleIfError: '10 minutes',
};

/** Age in seconds of the cached answer when the fault begins; null if there is none. */
const STATES = [
  { state: 'cold', age: null, row: 'none' },
  { state: 'warm', age: 10, row: 'younger than `maxAge`' },
  { state: 'stale', age: 40, row: 'in `staleWhileRevalidate`' },
  { state: 'old', age: 300, row: 'in `staleIfError`' },
  { state: 'too old', age: 900, row: 'older' },
] as const;

const FIELD_OF: Record<string, string> = {
  'order-system': 'orders',
  webshop: 'cart',
  'contact-centre': 'openTicketCount',
  'crm-hubspot': 'company',
};
const SOURCES = Object.keys(FIELD_OF);

const QUERY = `{
  customer(by: { email: "everywhere@example.nl" }) {
    orders(first: 2) { nodes { number total { amount } } }
    cart { total { amount } }
    openTicketCount { value }
    company { name }
  }
}`;

/** The error of each fault without a cached record. */
function codeOf(fault: Fault | 'none', source: string): string {
  switch (fault) {
    case 'hang':
    case 'drip':
      return 'SOURCE_TIMEOUT';
    case 'rate-limit':
      return 'SOURCE_RATE_LIMITED';
    case 'garbage':
      // Data that is not a PostgreSQL message ends the connection. Data that is not JSON does not.
      return source === 'order-system' ? 'SOURCE_UNAVAILABLE' : 'SOURCE_CONTRACT';
    default:
      return 'SOURCE_UNAVAILABLE';
  }
}

interface Outcome {
  status: 'live' | 'cached' | 'stale' | 'failed';
  age: number;
}

/** The expected outcome of a source with a fault, or of a source that answers. */
function expectedOutcome(age: number | null, isFaulty: boolean): Outcome {
  if (age !== null && age < 30) return { status: 'cached', age };
  if (age !== null && age < 60) return { status: 'stale', age };
  if (!isFaulty) return { status: 'live', age: 0 };
  return age !== null && age < 630 ? { status: 'stale', age } : { status: 'failed', age: 0 };
}

const control = await faultControl([], FOUR_SYSTEMS);

/** A gateway with an empty cache and a short timeout for the faulty system, so that the tests are fast. */
function coldGateway(faulty: string, deadlineMs = 10_000): { gateway: TestGateway; clock: FakeClock } {
  const clock = fakeClock();
  const gateway = createTestGateway(
    { ...control.settings, DEADLINE_MS: String(deadlineMs) },
    {
      clock,
      sources: sources.map((source) => ({
        ...source,
        freshness: FRESHNESS,
        limits: { retries: 0, timeout: source.name === faulty ? '2 s' : `${deadlineMs} ms` },
      })),
    },
  );
  return { gateway, clock };
}

async function send(gateway: TestGateway) {
  const response = await gateway.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-sources': '1' },
    body: JSON.stringify({ query: QUERY }),
  });
  const body = (await response.json()) as {
    data: { customer: Record<string, unknown> };
    errors?: { path: string[]; extensions: Record<string, unknown> }[];
    extensions: { sources: Record<string, Outcome> };
  };
  return { headers: response.headers, ...body };
}

/** The observed outcomes by state and fault, for the table in the README. */
const seen = new Map<string, string[]>();
let whole: Record<string, unknown>;

beforeAll(async () => {
  // The first request also loads and compiles code.
  const { gateway } = coldGateway('', 10_000);
  const { data, errors } = await send(gateway);
  expect(errors).toBeUndefined();
  whole = data.customer;
  for (const field of Object.values(FIELD_OF)) expect(whole[field]).not.toBeNull();
  await gateway.close();
});
afterAll(() => control.close());

const FAULTS = ['none', ...faults] as const;

const WORDS: Record<(typeof FAULTS)[number], string> = {
  none: 'answers',
  down: 'refuses connections',
  hang: 'hangs',
  status: 'sends 500',
  garbage: 'sends garbage',
  drip: 'drips',
  reset: 'resets',
  'rate-limit': 'rate-limits',
};

const cases = FAULTS.flatMap((fault, ofFault) =>
  STATES.flatMap(({ row, ...state }, ofState) =>
    everyNth(SOURCES, SOURCES.length, ofFault + ofState).map((source) => ({
      title: `cached answer: ${row}; ${source} ${WORDS[fault]}`,
      source,
      fault,
      ...state,
    })),
  ),
);

describe('returns the available data of each system', () => {
  test.each(cases.map((item) => [item.title, item] as const))(
    '%s',
    async (_, { source, fault, state, age }) => {
      const { gateway, clock } = coldGateway(source);
      try {
        await control.heal();
        if (age !== null) {
          const { errors } = await send(gateway);
          expect(errors).toBeUndefined();
          clock.advance(age * 1_000);
        }
        if (fault !== 'none') await control.set(source, { fault });
        const { data, errors = [], extensions, headers } = await send(gateway);

        const field = FIELD_OF[source] ?? '';
        const expected = expectedOutcome(age, fault !== 'none');
        const isFailed = expected.status === 'failed';
        expect(data.customer).toEqual(isFailed ? { ...whole, [field]: null } : whole);
        expect(errors.map(({ path }) => path)).toEqual(isFailed ? [['customer', field]] : []);
        for (const error of errors)
          expect(error.extensions).toMatchObject({ code: codeOf(fault, source), source });
        for (const value of SOURCES)
          expect([value, extensions.sources[value]]).toMatchObject([
            value,
            value === source ? expected : expectedOutcome(age, false),
          ]);
        expect(headers.get('age')).toBe(
          String(Math.max(...SOURCES.map((value) => extensions.sources[value]?.age ?? 0))),
        );
        const isFresh = SOURCES.every((value) =>
          ['live', 'cached'].includes(extensions.sources[value]?.status ?? ''),
        );
        expect(headers.get('cache-control')).toBe(isFresh ? 'private, max-age=30' : 'no-store');

        const code = statusOrCode(extensions.sources[source], errors[0]?.extensions);
        const place = `${state} ${fault}`;
        seen.set(place, [...(seen.get(place) ?? []), code]);
      } finally {
        await gateway.close();
      }
    },
  );
});

function statusOrCode(outcome: Outcome | undefined, error: Record<string, unknown> | undefined): string {
  switch (outcome?.status) {
    case 'live':
    case 'cached':
    case 'stale':
      return `\`${outcome.status}\``;
    default:
      return String(error?.code).replace('SOURCE_', '');
  }
}

// The table needs the outcomes of all systems.
if (isThorough)
  describe('src/resilience/README.md', () => {
    const README = new URL('../../src/resilience/README.md', import.meta.url);
    const BLOCK = /(?<=<!-- outcomes -->\n)[^]*(?=<!-- \/outcomes -->)/;

    /** The outcomes for the client. If systems differ, the most frequent outcome is first. */
    function cell(state: string, fault: string): string {
      const inputs = seen.get(`${state} ${fault}`) ?? [];
      const times = (value: string) => inputs.filter((other) => other === value).length;
      return [...new Set(inputs)].sort((a, b) => times(b) - times(a)).join(' or ');
    }

    /** The columns of the table. Faults with the same error share a column. */
    function table(): string {
      const columns = new Map<string, string[]>();
      for (const fault of FAULTS) {
        const cells = STATES.map(({ state }) => cell(state, fault)).join('|');
        columns.set(cells, [...(columns.get(cells) ?? []), WORDS[fault]]);
      }
      const head = ['cached answer', ...[...columns.values()].map((all) => all.join(', '))];
      const rows = STATES.map(({ row }, i) => [
        row,
        ...[...columns.keys()].map((cells) => cells.split('|')[i]),
      ]);
      const line = (cells: readonly (string | undefined)[]) => `| ${cells.join(' | ')} |`;
      return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
    }

    test('contains the results of this test', async () => {
      expect(seen.size).toBe(FAULTS.length * STATES.length);
      const text = await readFile(README, 'utf8');
      const style = await resolveConfig(README);
      const block = `\n${await format(table(), { ...style, parser: 'markdown' })}\n`;
      if (process.env.UPDATE_README === '1') {
        expect(text).toMatch(BLOCK);
        await writeFile(
          README,
          text.replace(BLOCK, () => block),
        );
        return;
      }
      expect(
        BLOCK.exec(text)?.[0],
        'The table differs from the behaviour of the gateway. To renew it: UPDATE_README=1 npx vitest run --config test/long/vitest.config.ts test/gateway/faults-and-freshness.test.ts',
      ).toBe(block);
    });
  });
