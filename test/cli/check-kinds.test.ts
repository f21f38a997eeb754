import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Recording } from '../../src/recordings/recording.js';
import { isThorough } from '../support/thorough.js';
import { CHANGING_SYSTEMS, type ChangingSystem } from './changing-systems.js';
import { stekkerdoosHere } from './cli-process.js';

/** Runs of the command on an unchanged system, each with the address of another person. */
const RUNS = isThorough ? 50 : 3;
const RECORDING = 'sources/tried.recording.json';

let folder: string;

/** Connects the system. The speed of the machine is not a fact of the system, so the recording has no times. */
async function connect({ what, input, words = [], settings }: ChangingSystem): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-check-'));
  writeFileSync(join(folder, 'gateway.yaml'), 'auth: off\n');
  const connected = await stekkerdoosHere(
    ['connect', 'tried', what, '--project', folder, '--yes', '--interval', '0 ms', ...words],
    settings,
    input,
  );
  expect(connected.code, connected.out + connected.err).toBe(0);
  const recording = JSON.parse(readFileSync(join(folder, RECORDING), 'utf8')) as Recording;
  for (const call of Object.values(recording.calls)) delete call.latencyMs;
  writeFileSync(join(folder, RECORDING), JSON.stringify(recording));
}

const check = ({ settings }: ChangingSystem, email: string, ...words: readonly string[]) =>
  stekkerdoosHere(['check', 'tried', '--project', folder, '--key', `email=${email}`, ...words], settings);

describe.each(Object.entries(CHANGING_SYSTEMS))(
  'stekkerdoos check of %s',
  { timeout: 300_000 },
  (_, start) => {
    let system: ChangingSystem;
    beforeAll(async () => {
      system = await start();
      await connect(system);
    });
    afterAll(async () => {
      rmSync(folder, { recursive: true });
      await system.close();
    });

    it('reports no change while the system is unchanged', async () => {
      for (let run = 0; run < RUNS; run += 1) {
        const { code, out, err } = await check(system, system.emails[(run * 7) % system.emails.length] ?? '');
        expect([code, out.split('\n')[0], err]).toEqual([0, 'tried: no change', '']);
      }
    });

    it('reports each planned change, with the exit code of its severity', async () => {
      const recording = readFileSync(join(folder, RECORDING), 'utf8');
      for (const { what, apply, expected } of system.changes) {
        await apply();
        const { code, out } = await check(system, system.emails[0] ?? '', '--apply');
        const lines = out.split('\n').map((line) => line.trim());
        expect(lines, `${what}\n${out}`).toContain(expected);
        expect([what, code]).toEqual([what, expected.startsWith('breaking') ? 2 : 1]);
        if (code === 1)
          expect((await check(system, system.emails[0] ?? '')).out, what).toContain('no change');
        writeFileSync(join(folder, RECORDING), recording);
      }
    });
  },
);
