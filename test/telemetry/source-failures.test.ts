import { expect, test } from 'vitest';
import {
  InvalidInputError,
  SourceForbiddenError,
  SourceRateLimitedError,
  SourceTimeoutError,
  SourceUnavailableError,
} from '../../src/errors.js';
import { startDeadline } from '../../src/resilience/deadline.js';
import { createSourceFailures } from '../../src/telemetry/source-failures.js';
import { fakeClock } from '../support/clock.js';

interface Line {
  source: string;
  code: string;
  kind: string;
  loader?: string;
  remedy: string;
  suppressed: number;
}

function failures() {
  const clock = fakeClock();
  const lines: Line[] = [];
  const counted: string[] = [];
  const reporter = createSourceFailures({
    logger: { warn: (line: unknown) => void lines.push(line as Line) },
    count: (...labels) => counted.push(labels.join(' ')),
    clock,
  });
  return { clock, lines, counted, ...reporter };
}

const down = (source = 'kvk') => new SourceUnavailableError(source, 'down');
const noGrant = () => new SourceForbiddenError('orders', 'no', { kind: 'missing-grant' });

test('a kind of failure is logged once a minute, with the number of omitted lines', () => {
  const { clock, lines, report } = failures();
  for (let i = 0; i < 5; i += 1) report(down(), 'companies');
  clock.advance(59_999);
  report(down(), 'branches');
  expect(lines).toHaveLength(1);
  clock.advance(1);
  report(down(), 'companies');
  expect(lines.map(({ suppressed }) => suppressed)).toEqual([0, 5]);
  clock.advance(60_000);
  report(down(), 'companies');
  expect(lines.map(({ suppressed }) => suppressed)).toEqual([0, 5, 0]);
});

test('failures of other sources, codes and kinds are logged separately', () => {
  const { lines, report } = failures();
  report(down('kvk'));
  report(down('vies'));
  report(new SourceTimeoutError('kvk', 'late'));
  report(new SourceUnavailableError('kvk', 'broken', { kind: 'server-error' }));
  expect(lines.map(({ source, code, kind }) => [source, code, kind])).toEqual([
    ['kvk', 'SOURCE_UNAVAILABLE', 'unreachable'],
    ['vies', 'SOURCE_UNAVAILABLE', 'unreachable'],
    ['kvk', 'SOURCE_TIMEOUT', 'timeout'],
    ['kvk', 'SOURCE_UNAVAILABLE', 'server-error'],
  ]);
});

test('failures that a retry cannot fix are logged for each loader', () => {
  const { lines, report } = failures();
  report(noGrant(), 'orders');
  report(noGrant(), 'payments');
  report(noGrant(), 'payments');
  expect(lines.map(({ loader }) => loader)).toEqual(['orders', 'payments']);
  expect(lines[0]?.remedy).toContain('Grant SELECT');
});

test('a failure that several requests report is counted once, with the loader of the first report', () => {
  const { clock, counted, lines, recent, report } = failures();
  const failure = new SourceRateLimitedError('kvk', 'slow down', { retryAfter: 60 });
  failure.addRequest({ method: 'GET', path: '/v1/companies/{}' });
  const deadlines = [1_000, 2_000].map((ms) => startDeadline(ms, clock));
  report(failure, 'companies');
  const explained = deadlines.map((deadline) => deadline.explain(failure));
  for (const error of explained) report(error);
  for (const deadline of deadlines) deadline.clear();
  expect(new Set([failure, ...explained]).size).toBe(3);
  expect(counted).toEqual(['kvk SOURCE_RATE_LIMITED rate-limited']);
  expect(lines).toHaveLength(1);
  const where = { loader: 'companies', requested: { method: 'GET', path: '/v1/companies/{}' } };
  expect(recent()).toEqual([expect.objectContaining(where)]);
});

test('a failure that requests report with different errors is counted once', () => {
  const { clock, counted, recent, report } = failures();
  const failure = new SourceRateLimitedError('kvk', 'slow down', { retryAfter: 60 });
  failure.addRequest({ method: 'GET', path: '/v1/companies/{}' });
  const deadline = startDeadline(1_000, clock);
  report(deadline.explain(failure));
  report(deadline.explain(failure));
  report(failure);
  deadline.clear();
  expect(counted).toEqual(['kvk SOURCE_RATE_LIMITED rate-limited']);
  expect(recent()).toEqual([
    expect.objectContaining({ requested: { method: 'GET', path: '/v1/companies/{}' } }),
  ]);
});

test('every failure of a source is counted, and a shared error once', () => {
  const { counted, lines, report } = failures();
  const shared = down();
  report(shared);
  report(shared);
  report(down());
  report(new InvalidInputError('wrong'));
  report(undefined);
  expect(counted).toEqual(Array.from({ length: 2 }, () => 'kvk SOURCE_UNAVAILABLE unreachable'));
  expect(lines).toHaveLength(1);
});

test('the last failure of each source is shown for ten minutes, with its cause and not its consequences', () => {
  const { clock, recent, report } = failures();
  report(down('vies'));
  clock.advance(60_000);
  report(noGrant(), 'orders');
  report(new SourceUnavailableError('orders', 'paused', { kind: 'breaker-open' }), 'orders');
  expect(recent().map(({ source, kind }) => [source, kind])).toEqual([
    ['vies', 'unreachable'],
    ['orders', 'missing-grant'],
  ]);
  clock.advance(9 * 60_000);
  expect(recent().map(({ source }) => source)).toEqual(['orders']);
  // After ten minutes, the earlier failure no longer counts as the cause.
  clock.advance(60_000);
  report(new SourceUnavailableError('orders', 'paused', { kind: 'breaker-open' }), 'orders');
  expect(recent().map(({ source, kind }) => [source, kind])).toEqual([['orders', 'breaker-open']]);
});
