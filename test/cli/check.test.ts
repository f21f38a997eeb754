import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startHttpStandIn } from '../../src/recordings/http-stand-in.js';
import { restSystem } from '../../src/recordings/rest-system.js';
import type { Recording } from '../../src/recordings/recording.js';
import type { RecordedStandIn } from '../../src/recordings/stand-in.js';
import { CLUB_RECORDING, CLUB_SDL, CLUB_YAML } from '../recordings/cycling-club.js';
import { stekkerdoosHere } from './cli-process.js';

const RECORDING = 'sources/cycling-club.recording.json';
let folder: string;
let system: RecordedStandIn | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-check-'));
  write('gateway.yaml', 'auth: off\n');
  write('sources/cycling-club.yaml', CLUB_YAML);
  write('schema/sources/cycling-club.graphql', CLUB_SDL);
  write(RECORDING, JSON.stringify(CLUB_RECORDING));
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await system?.close();
  system = undefined;
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** Runs the command against a system in which the records have another member. */
async function run(change: Record<string, unknown>, ...words: string[]) {
  const live: Recording = structuredClone(CLUB_RECORDING);
  for (const rows of Object.values(live.calls['byEmail']?.answers ?? {}))
    Object.assign(rows[0] ?? {}, change);
  system = await startHttpStandIn(live, restSystem(live), () => ({}));
  return stekkerdoosHere(['check', '--project', folder, ...words], {
    CLUB_URL: system.url,
    CLUB_TOKEN: 'a-token',
  });
}

const KEY = ['--key', 'email=roos.timmer@example.nl'];

it('stekkerdoos check reports no change of an unchanged system', async () => {
  const { code, out, err } = await run({}, 'cycling-club', ...KEY);
  expect([code, out, err]).toEqual([0, 'cycling-club: no change\n', '']);
});

it('stekkerdoos check reports a harmless change, and writes it to the recording', async () => {
  const { code, out } = await run({ nickname: 'Roosje' }, 'cycling-club', ...KEY, '--apply');
  expect(code).toBe(1);
  expect(out).toContain('  harmless byEmail nickname is new: text\n');
  const recording = readFileSync(join(folder, RECORDING), 'utf8');
  expect(recording).toContain('"nickname": "aaaaaa"');
  expect(recording).not.toContain('Roosje');
});

it('stekkerdoos check reports a breaking change as JSON', async () => {
  const { code, out } = await run({ feeCents: 'ten' }, 'cycling-club', ...KEY, '--json');
  expect(code).toBe(2);
  expect(JSON.parse(out)).toMatchObject({
    source: 'cycling-club',
    changes: [
      ...['byEmail', 'byNumber'].map((call) => ({
        ...{ severity: 'breaking', call, path: 'feeCents', text: 'is text; it was number' },
        canBeApplied: false,
      })),
      { severity: 'breaking', text: expect.stringContaining('does not fit the declaration: ') as string },
    ],
    notChecked: [],
  });
});

it.each([
  ['no key', [], 'The recording has only made-up keys. Add --key email=...'],
  ['a key of another kind', ['--key', 'phone=+31612345678'], 'Its calls take memberNumber, email'],
  ['an unknown key', ['--key', 'email=nobody@example.nl'], 'has no record with this email'],
])('stekkerdoos check cannot run with %s', async (_, words, message) => {
  const { code, err } = await run({}, 'cycling-club', ...words);
  expect(code).toBe(2);
  expect(err).toContain(message);
});
