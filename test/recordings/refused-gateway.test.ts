import { expect, it } from 'vitest';
import { ConfigError } from '../../src/errors.js';
import { testSource } from '../../src/recordings/test-source.js';
import { compiled } from '../declared/warranty.js';
import { CLUB_RECORDING, CLUB_SDL, CLUB_YAML } from './cycling-club.js';

it('closes the stand-in if the gateway refuses the source, and gives its reasons', async () => {
  const { source, sdl } = compiled(CLUB_YAML, CLUB_SDL);
  const refusal = new ConfigError(['schema/sources/cycling-club.graphql: a problem.']);
  let address = '';
  let isClosed = false;
  const tested = testSource(
    { source, sdl, recording: CLUB_RECORDING },
    {
      startDatabase: () => Promise.resolve(undefined),
      startFaults: (standIn) => {
        address = standIn.url;
        return Promise.resolve({
          ...{ settings: {}, set: () => Promise.resolve(), heal: () => Promise.resolve() },
          close: () => {
            isClosed = true;
            return Promise.resolve();
          },
        });
      },
      openGateway: () => {
        throw refusal;
      },
    },
  );
  await expect(tested).rejects.toBe(refusal);
  expect(isClosed).toBe(true);
  await expect(fetch(address)).rejects.toThrow();
});
