import { afterEach, describe, expect, it } from 'vitest';
import { createFaultControl } from '../../sources/stand-ins/fault-control.js';
import { testDependencies } from '../../src/cli/gateway-under-test.js';
import { checkSource, type CheckReport } from '../../src/recordings/check-source.js';
import { startHttpStandIn } from '../../src/recordings/http-stand-in.js';
import { restSystem } from '../../src/recordings/rest-system.js';
import type { Recording } from '../../src/recordings/recording.js';
import type { StandInBehaviour } from '../../src/recordings/stand-in.js';
import { compiled } from '../declared/warranty.js';
import { isThorough } from '../support/thorough.js';
import { CLUB_RECORDING, CLUB_SDL, CLUB_YAML } from './cycling-club.js';

const right = compiled(CLUB_YAML, CLUB_SDL);

/** The recording, with the times and the limit that were measured. */
const RECORDING: Recording = {
  ...CLUB_RECORDING,
  system: { ...CLUB_RECORDING.system, rateLimit: { headers: { 'x-ratelimit-limit': '60' } } },
  calls: Object.fromEntries(
    Object.entries(CLUB_RECORDING.calls).map(([name, call]) => [
      name,
      { ...call, latencyMs: { p50: 150, p95: 300 } },
    ]),
  ),
};

/** The recording of a faster system. */
const FAST_RECORDING: Recording = {
  ...RECORDING,
  calls: Object.fromEntries(
    Object.entries(RECORDING.calls).map(([name, call]) => [
      name,
      { ...call, latencyMs: { p50: 20, p95: 40 } },
    ]),
  ),
};

const KEY = 'jip.jansen@example.org';
/** Values that no output may have. */
const PERSONAL = /jip|jansen|M77777/i;

interface LiveRows {
  member: Record<string, unknown>;
  rides: Record<string, unknown>[];
  lockers: Record<string, unknown>[];
  mailings: Record<string, unknown>[];
}

/** The records of a real member, which differ from the recorded ones in all values. */
function liveRows(seed = 1): LiveRows {
  const flip = <T>(rows: T[]): T[] => (seed % 2 === 0 ? rows.toReversed() : rows);
  const member = {
    no: 'M77777',
    name: { given: 'Jip', family: 'Jansen' },
    mail: 'Jip.Jansen@Example.org',
    level: seed % 3 === 0 ? 'S' : 'G',
    feeCents: 1_000 + seed,
    joined: `2026-01-${String((seed % 28) + 1).padStart(2, '0')}T08:00:00`,
  };
  return {
    member: Object.fromEntries(flip(Object.entries(member))),
    rides: flip(
      [0, 1, 2].map((i) => ({ code: `Q${seed}${i}`, start: 1_700_000_000 + i * seed, distance: '8.10' })),
    ),
    lockers: flip(['B 1', 'B 2'].map((label) => ({ member: 'M77777', label }))),
    mailings: [{ to: 'jip.jansen@example.org', title: `Letter ${seed}` }],
  };
}

function liveRecording({ member, rides, lockers, mailings }: LiveRows): Recording {
  const calls = structuredClone(RECORDING.calls);
  const answers = { byEmail: [member], byNumber: [member], rides, lockers, mailings };
  for (const [name, rows] of Object.entries(answers)) {
    const call = calls[name];
    const key = ['byEmail', 'mailings'].includes(name) ? 'Jip.Jansen@Example.org' : 'M77777';
    if (call !== undefined) call.answers = JSON.parse(JSON.stringify({ [key]: rows })) as typeof call.answers;
  }
  return { ...structuredClone(RECORDING), calls };
}

let close: (() => Promise<void>) | undefined;
afterEach(async () => {
  await close?.();
});

async function check(
  live: Recording,
  {
    behaviour = {},
    latencyMs = 0,
    recording = RECORDING,
  }: { behaviour?: StandInBehaviour; latencyMs?: number; recording?: Recording } = {},
): Promise<CheckReport & { requests: number }> {
  const system = await startHttpStandIn(live, restSystem(live), () => ({}));
  const control = await createFaultControl([
    { name: 'live', url: system.url, settings: () => ({}), close: () => system.close() },
  ]);
  if (latencyMs > 0) await control.set('live', { latencyMs });
  close = async () => {
    await control.close();
    await system.close();
  };
  system.behaviour = behaviour;
  const report = await checkSource(
    {
      ...right,
      recording,
      environment: { CLUB_URL: control.sources['live']?.url, CLUB_TOKEN: 'a-token' },
      by: { namespace: 'email', value: KEY },
    },
    testDependencies,
  );
  return { ...report, requests: control.counters()['live']?.calls ?? 0 };
}

const shown = ({ drift }: CheckReport) =>
  drift.map(({ severity, call, path, text }) => [severity, call, path, text].filter(Boolean).join(' '));

type Change = (rows: LiveRows, live: Recording) => void;
const changes: [what: string, change: Change, expected: string, options?: Parameters<typeof check>[1]][] = [
  [
    'an added member',
    ({ member }) => (member['nickname'] = 'Jippie'),
    'harmless byEmail nickname is new: text',
  ],
  [
    'an added object',
    ({ lockers }) => {
      for (const locker of lockers) locker['place'] = { floor: 1 };
    },
    'harmless lockers place is new: object',
  ],
  [
    'a removed member',
    ({ member }) => delete member['level'],
    'breaking byEmail level is missing; it was text',
  ],
  [
    'a removed member of an object',
    ({ member }) => (member['name'] = { given: 'Jip' }),
    'breaking byEmail name.family is missing; it was text',
  ],
  [
    'a number that became a text',
    ({ member }) => (member['feeCents'] = '1250'),
    'breaking byEmail feeCents is text; it was number',
  ],
  [
    'another format of dates',
    ({ member }) => (member['joined'] = '2026-01-02T08:00:00+01:00'),
    'breaking byEmail joined is date and time with a zone; it was date and time without a zone',
  ],
  ['a new null', ({ member }) => (member['joined'] = null), 'harmless byEmail joined is null'],
  [
    'a null that the SDL does not allow',
    ({ lockers }) => {
      for (const locker of lockers) locker['label'] = null;
    },
    'breaking does not fit the declaration: ',
  ],
  [
    'a new value of an enum',
    ({ member }) => (member['level'] = 'P'),
    'breaking does not fit the declaration: SOURCE_CONTRACT',
  ],
  [
    'a smaller batch',
    (_, { calls }) =>
      (calls['byEmail'] = {
        answers: {},
        ...calls['byEmail'],
        call: { ...calls['byEmail']?.call, maxBatch: 10 },
      }),
    'breaking byEmail no longer accepts 20 keys in one request: ',
  ],
  [
    'a lower rate limit',
    (_, { system }) => (system.rateLimit = { headers: { 'x-ratelimit-limit': '30' } }),
    'breaking the header x-ratelimit-limit is 30; it was 60',
  ],
  [
    'a higher rate limit',
    (_, { system }) => (system.rateLimit = { headers: { 'x-ratelimit-limit': '90' } }),
    'harmless the header x-ratelimit-limit is 90; it was 60',
  ],
  [
    'a slower system',
    () => undefined,
    'harmless byEmail is at least twice as slow: ',
    { latencyMs: 60, recording: FAST_RECORDING },
  ],
  [
    'an unknown key that finds a record',
    () => undefined,
    'breaking byEmail returns a record of another key for an unknown key',
    { behaviour: { changeRows: ({ rows, call }) => (call === 'byEmail' ? [liveRows().member] : rows) } },
  ],
  [
    'another answer for an unknown key',
    (_, { calls }) =>
      (calls['byNumber'] = {
        answers: {},
        ...calls['byNumber'],
        call: { ...calls['byNumber']?.call, notFound: null },
      }),
    'breaking byNumber fails for an unknown key: ',
  ],
  ['an address that is gone', (_, { calls }) => delete calls['lockers'], 'breaking lockers fails: '],
  ['refused credentials', () => undefined, 'breaking byEmail fails: ', { behaviour: { isRefusing: true } }],
];

describe('stekkerdoos check', () => {
  it('finds no change of an unchanged system with other values, another order and other times', async () => {
    for (let seed = 1; seed <= (isThorough ? 100 : 10); seed += 1) {
      const report = await check(liveRecording(liveRows(seed)), { latencyMs: (seed * 17) % 40 });
      expect(shown(report)).toEqual([]);
      expect(report.notChecked).toEqual([]);
      expect(report.requests).toBeLessThanOrEqual(20);
      await close?.();
      close = undefined;
    }
  }, 120_000);

  it.each(changes)('finds %s', async (_, change, expected, options = {}) => {
    const rows = liveRows();
    // Rows are changed before, and the system after the recording is made.
    change(rows, structuredClone(RECORDING));
    const live = liveRecording(rows);
    change(rows, live);
    const report = await check(live, options);
    expect(shown(report)).toContainEqual(expect.stringContaining(expected));
    expect(JSON.stringify(report)).not.toMatch(PERSONAL);
  });

  it('writes harmless changes to the recording, without values of the live system', async () => {
    const rows = liveRows();
    rows.member['nickname'] = 'Jippie';
    rows.member['joined'] = null;
    const live = liveRecording(rows);
    live.system.rateLimit = { headers: { 'x-ratelimit-limit': '90' } };
    const recording = structuredClone(RECORDING);
    const report = await check(live, { recording });
    expect(report.drift.length).toBeGreaterThan(3);
    for (const { apply } of report.drift) apply?.(recording);
    expect(JSON.stringify(recording)).not.toMatch(PERSONAL);
    await close?.();
    expect(shown(await check(live, { recording }))).toEqual([]);
  });
});
