import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PLANTED, PLANTED_VALUES, plantedIn } from '../connect/planted.js';
import { stekkerdoosHere } from './cli-process.js';
import { PLANTED_SYSTEMS, type PlantedSystem } from './planted-systems.js';

let folder: string;
let system: PlantedSystem | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-planted-'));
  writeFileSync(join(folder, 'gateway.yaml'), 'auth: off\n');
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await system?.close();
  system = undefined;
});

const [person] = PLANTED;

describe('personal values of a system', { timeout: 60_000 }, () => {
  it('has at least 200 planted ones', () => {
    expect(new Set(PLANTED_VALUES).size).toBeGreaterThanOrEqual(200);
  });

  // The shown card, the findings and the messages of errors are in the output.
  it.each(Object.entries(PLANTED_SYSTEMS))('are in no file, output or log: %s', async (_, start) => {
    system = await start();
    const { what, input, words = [], settings, grow, result = [0, 0] } = system;
    const project = ['--project', folder];
    const environment = { ...settings, LOG_LEVEL: 'debug', AUDIT_FILE: join(folder, 'audit.jsonl') };
    const connected = await stekkerdoosHere(
      ['connect', 'tried', what, ...project, '--yes', '--interval', '0 ms', ...words],
      environment,
      input,
    );
    const promises = ['--only', 'found-by-email,unknown-email'];
    const tested = await stekkerdoosHere(['test', 'tried', ...project, ...promises], environment);
    grow?.();
    const checked = await stekkerdoosHere(
      ['check', 'tried', ...project, '--key', 'email=-', '--apply'],
      environment,
      person?.email,
    );
    const texts = {
      ...{
        connect: connected.out + connected.err,
        test: tested.out + tested.err,
        check: checked.out + checked.err,
      },
      ...Object.fromEntries(everyFile().map((path) => [path, readFileSync(join(folder, path), 'utf8')])),
    };
    const found = Object.entries(texts).flatMap(([place, text]) =>
      [...plantedIn(place), ...plantedIn(text)].map((value) => `${place}: ${value}`),
    );
    expect(found).toEqual([]);
    expect([connected.code, tested.code], texts.connect + texts.test).toEqual(result);
  });
});

const everyFile = () =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
