import { channel } from 'node:diagnostics_channel';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { listenToAnswers } from '../../src/doctor/answers.js';
import { endFindings } from '../../src/doctor/certificates.js';
import { clockFinding } from '../../src/doctor/clocks.js';
import { examine } from '../../src/doctor/examine.js';
import { codeOf, failedCall, failure, type Finding } from '../../src/doctor/finding.js';
import { auditFiles } from '../../src/doctor/privacy.js';
import { evictionFindings, quotaFinding } from '../../src/doctor/redis.js';
import { problemFindings, safetyFindings } from '../../src/doctor/settings.js';
import { SourceForbiddenError } from '../../src/errors.js';
import { ANSWER_CHANNEL } from '../../src/recordings/answer-headers.js';

const DAY_MS = 86_400_000;
const severities = (findings: readonly Finding[]) => findings.map(({ severity }) => severity);

it.each<[string, number | undefined, string[], RegExp?]>([
  ['of an unknown time', undefined, []],
  ['59.999 s ahead', 59_999, []],
  ['60 s ahead', 60_000, ['warning'], /^Its clock is 60 s ahead of/],
  ['60 s behind', -60_000, ['warning'], /^Its clock is 60 s behind/],
  ['as far off as signatures allow', 300_000, ['warning'], /300 s/],
  ['further off than signatures allow', -300_001, ['error'], /300 s/],
])('a clock %s is reported as it matters', (_, aheadMs, expected, seen = /^/) => {
  const findings = clockFinding('crm', aheadMs);
  expect(severities(findings)).toEqual(expected);
  for (const finding of findings) expect(finding.seen).toMatch(seen);
});

it.each<[string, number, string[], RegExp?]>([
  ['for 21 days', 21 * DAY_MS, []],
  ['for a millisecond less', 21 * DAY_MS - 1, ['warning'], /^The certificate of a.example is valid for 20 /],
  ['for less than a day', 1, ['warning'], /valid for 0 more days/],
  ['no longer', -1, ['error'], /^The certificate of a.example has expired\.$/],
])('a certificate that is valid %s is reported as it matters', (_, leftMs, expected, seen = /^/) => {
  const findings = endFindings('KVK_URL', 'a.example', leftMs);
  expect(severities(findings)).toEqual(expected);
  for (const finding of findings) expect(finding.seen).toMatch(seen);
});

describe('the headers of answers', () => {
  afterEach(() => vi.useRealTimers());

  function findingsFor(headers: Record<string, string>, origin = 'https://a.example'): Finding[] {
    const listener = listenToAnswers();
    channel(ANSWER_CHANNEL).publish({
      request: { origin },
      response: {
        headers: Object.entries(headers)
          .flat()
          .map((part) => Buffer.from(part)),
      },
    });
    const findings = listener.findings('crm', ['https://a.example']);
    listener.close();
    return findings;
  }

  it.each<[Record<string, string>, string[]]>([
    [{ 'X-Quota-Remaining': '10', 'X-Quota-Limit': '100' }, ['90 of 100 calls']],
    [{ 'X-Quota-Remaining': '11', 'X-Quota-Limit': '100' }, []],
    [{ 'x-quota-remaining': '0', 'x-quota-max': '100' }, ['100 of 100 calls']],
    [{ 'x-quota-remaining': '0', 'x-quota': '100' }, ['100 of 100 calls']],
    [{ 'x-quota-remaining': '0', 'x-quota-limit': '0' }, []],
    [{ 'x-quota-remaining': '0' }, []],
    [{ 'x-quota-remaining': 'none', 'x-quota-limit': '100' }, []],
    [{ 'sforce-limit-info': 'api-usage=95/100' }, ['95 of 100 calls']],
    [{ 'sforce-limit-info': 'api-usage=5/100' }, []],
    [{ 'x-version': '95/100' }, []],
  ])('%j report the quotas %j', (headers, expected) => {
    const findings = findingsFor(headers);
    expect(findings.map(({ check, severity }) => `${check} ${severity}`)).toEqual(
      expected.map(() => 'quotas warning'),
    );
    findings.forEach(({ seen }, i) => {
      expect(seen).toContain(expected[i]);
    });
  });

  it.each([
    ['contacts.read tickets.read', undefined],
    ['contacts.read,contacts.write', 'contacts.write'],
    ['read, admin', 'admin'],
    ['read, <b>write</b>', undefined],
  ])('with the scopes "%s" report the permissions %s', (scopes, expected) => {
    const [finding] = findingsFor({ 'x-oauth-scopes': scopes });
    expect(finding?.seen).toBe(
      expected === undefined ? undefined : `The token has more permissions than reading: ${expected}.`,
    );
  });

  it('report a clock, less the age that a cache adds, and only of the own system', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-01T12:00:00Z') });
    const date = 'Sun, 01 Nov 2026 11:58:00 GMT';
    expect(findingsFor({ date }).map(({ seen }) => seen)).toEqual([
      'Its clock is 120 s behind the clock of this machine.',
    ]);
    expect(findingsFor({ date, age: '120' })).toEqual([]);
    expect(findingsFor({ date: 'yesterday' })).toEqual([]);
    expect(findingsFor({ date }, 'https://other.example')).toEqual([]);
  });
});

it.each<[string, boolean, string[]]>([
  ['maxmemory:0\r\nmaxmemory_policy:allkeys-lru', true, []],
  ['maxmemory:100\r\nmaxmemory_policy:volatile-lru', true, []],
  ['maxmemory:100\r\nmaxmemory_policy:noeviction', true, []],
  ['maxmemory:100\r\nmaxmemory_policy:allkeys-lru', true, ['error']],
  ['maxmemory:100\r\nmaxmemory_policy:allkeys-lru', false, ['warning']],
])('Redis with %j that holds the suppression list (%s) is reported as %j', (memory, holds, expected) => {
  expect(severities(evictionFindings(memory, holds))).toEqual(expected);
});

it.each<[number, string[]]>([
  [89, []],
  [90, ['warning']],
  [99, ['warning']],
  [100, ['error']],
])('%d used calls of a quota of 100 are reported as %j', (used, expected) => {
  expect(severities(quotaFinding({ source: 'kvk', quota: { calls: 100, per: 'month' }, used }))).toEqual(
    expected,
  );
});

it('a failed call is reported with its request and the codes of the system, and without other texts', () => {
  const error = new SourceForbiddenError('crm', 'secret', {
    received: { status: 403, vendorCode: 'NO_ACCESS', mismatches: [{ path: 'a.b', expected: 'a text' }] },
  });
  error.addRequest({ method: 'GET', path: '/v1/{}' });
  expect(failedCall('crm', error)).toMatchObject({
    check: 'permissions',
    severity: 'error',
    where: 'crm',
    seen: 'A call failed: forbidden (GET /v1/{}; status 403; vendorCode NO_ACCESS; a.b is not a text).',
  });
  const bare = { source: 'crm', kind: 'timeout', requested: {}, received: {}, remedy: 'Wait.' } as const;
  expect(failure(bare)).toMatchObject({ check: 'reachability', seen: 'A call failed: timeout.' });
  const unexpected = failedCall('crm', Object.assign(new RangeError('secret'), { code: 'ERR_X' }));
  expect(unexpected.seen).toBe('A call failed with an unexpected RangeError ERR_X.');
  expect(codeOf(Object.assign(new Error(), { code: 'a secret' }))).toBe('');
});

it.each([
  [undefined, 1, []],
  ['a.jsonl', 1, ['a.jsonl']],
  ['a.jsonl', 2, ['a.jsonl.worker-1', 'a.jsonl.worker-2']],
])('the audit files of %s with %d workers are %j', (auditFile, workers, expected) => {
  expect(auditFiles({ auditFile, workers })).toEqual(expected);
});

it.each([
  ['PORT is invalid: it must be a port.', 'PORT'],
  ['sources/loyalty.yaml:3:7: "x" is not a path.', 'sources/loyalty.yaml:3:7'],
  ['Something else.', 'settings'],
])('the problem "%s" is of %s', (problem, where) => {
  expect(problemFindings([problem])).toMatchObject([{ where, seen: problem }]);
});

it.each([
  ['off', '127.0.0.1', undefined, []],
  ['off', '127.9.9.9', undefined, []],
  ['off', 'localhost', undefined, []],
  ['off', '[::1]', undefined, []],
  ['off', '0.0.0.0', undefined, ['AUTH']],
  ['off', '127.example', undefined, ['AUTH']],
  ['on', '0.0.0.0', undefined, []],
  ['on', '0.0.0.0', 'http://issuer.example/keys', ['JWT_JWKS_URL']],
  ['on', '0.0.0.0', 'https://issuer.example/keys', []],
  ['on', '0.0.0.0', 'http://127.0.0.1/keys', []],
] as const)(
  'with AUTH=%s, the host %s and the keys at %s, unsafe settings are %j',
  (auth, host, jwtJwksUrl, expected) => {
    expect(safetyFindings({ auth, host, jwtJwksUrl }).map(({ where }) => where)).toEqual(expected);
  },
);

describe('the checks', () => {
  const finding = (seen: string): Finding => ({
    ...{ check: 'a', severity: 'error', where: 'b', remedy: 'c' },
    seen,
  });

  it('are reported in their order, and as they end', async () => {
    const ended: string[] = [];
    const slow = async () => {
      await new Promise(setImmediate);
      return [finding('slow')];
    };
    const findings = await examine(
      [
        { name: 'slow', run: slow },
        { name: 'fast', run: () => Promise.resolve([finding('fast')]) },
      ],
      ({ name }, [first]) => ended.push(`${name} ${first?.seen ?? ''}`),
    );
    expect(findings.map(({ seen }) => seen)).toEqual(['slow', 'fast']);
    expect(ended).toEqual(['fast fast', 'slow slow']);
  });

  it('that fail or do not end are findings, without the text of the error', async () => {
    const findings = await examine(
      [
        { name: 'broken', run: () => Promise.reject(new TypeError('secret')) },
        { name: 'late', of: 'crm', limitMs: 1, run: () => new Promise(() => undefined) },
      ],
      () => undefined,
    );
    expect(findings).toMatchObject([
      {
        check: 'broken',
        severity: 'error',
        where: 'broken',
        seen: expect.stringContaining('TypeError') as string,
      },
      { check: 'late', severity: 'warning', where: 'crm', seen: 'The check did not end within 0.001 s.' },
    ]);
    expect(JSON.stringify(findings)).not.toContain('secret');
  });
});
