import { expect, it } from 'vitest';
import { testDependencies } from '../../src/cli/gateway-under-test.js';
import type { Recording } from '../../src/recordings/recording.js';
import { testSource } from '../../src/recordings/test-source.js';
import { compiled } from '../declared/warranty.js';
import { CLUB_RECORDING, CLUB_SDL, CLUB_YAML } from './cycling-club.js';

/** Two recorded members have the same e-mail address, as in a household. */
function sharedAddress(): Recording {
  const recording = structuredClone(CLUB_RECORDING);
  const answers = recording.calls['byEmail']?.answers ?? {};
  const members = Object.values(answers).flat().slice(0, 2) as Record<string, unknown>[];
  const shared = members.map((member) => ({ ...member, mail: 'household@example.com' }));
  Object.assign(recording.calls['byEmail'] ?? {}, {
    answers: { 'household@example.com': shared, ...answers },
  });
  return recording;
}

it('a right declaration fails no promise if people share a key', async () => {
  const { source, sdl } = compiled(CLUB_YAML, CLUB_SDL);
  const only = ['found-by-email', 'batch-email', 'every-call', 'pages', 'wrong-types'];
  const { promises } = await testSource({ source, sdl, recording: sharedAddress(), only }, testDependencies);
  expect(promises.map(({ id, outcome }) => `${id} ${outcome}`).toSorted()).toEqual(
    only.map((id) => `${id} ok`).toSorted(),
  );
});
