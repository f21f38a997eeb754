import { afterEach, describe, expect, it } from 'vitest';
import { sources } from '../../../sources/index.js';
import { createFaultControl } from '../../../sources/stand-ins/fault-control.js';
import { startStandIns, type StandIns } from '../../../sources/stand-ins/index.js';

describe('the stand-ins', () => {
  let running: StandIns | undefined;

  afterEach(async () => {
    await running?.close();
    running = undefined;
  });

  it('start together, and the fault control controls all of them', async () => {
    const ready: string[] = [];
    running = await startStandIns({ customers: 20, onProgress: ({ name }) => ready.push(name) });
    const names = running.standIns.map(({ name }) => name);
    expect(names.toSorted()).toEqual(sources.map(({ name }) => name).toSorted());
    expect(ready.toSorted()).toEqual(names.toSorted());
    expect(running.world.people).toHaveLength(50);

    const control = await createFaultControl(running.standIns);
    expect(Object.keys(control.sources)).toEqual(names);
    // A database and a folder of files have no HTTP API.
    for (const name of names.filter((system) => control.sources[system]?.url.startsWith('http:'))) {
      const url = control.sources[name]?.url ?? '';
      await fetch(url).then((answer) => answer.text());
      expect(control.counters()[name]).toMatchObject({ calls: 1 });
    }
    await control.close();
  });

  it('do not start if one of them cannot, and the error names it', async () => {
    const unreachable = { connectionString: 'postgres://postgres@127.0.0.1:1/postgres' };
    await expect(startStandIns({ customers: 1, orderSystem: unreachable })).rejects.toThrow(
      'the stand-in of order-system did not start: connect ECONNREFUSED 127.0.0.1:1',
    );
  });
});
