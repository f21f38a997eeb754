import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readXml } from '../../sources/vies/stand-in/xml.js';
import { WARRANTY_SDL, WARRANTY_YAML } from '../declared/warranty.js';
import { CLUB_RECORDING, CLUB_SDL, CLUB_YAML } from '../recordings/cycling-club.js';
import { stekkerdoosHere } from './cli-process.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-test-'));
  write('gateway.yaml', 'auth: off\n');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

function writeClub(yaml = CLUB_YAML, recording: unknown = CLUB_RECORDING): void {
  write('sources/cycling-club.yaml', yaml);
  write('schema/sources/cycling-club.graphql', CLUB_SDL);
  write('sources/cycling-club.recording.json', JSON.stringify(recording));
}

const run = (...words: string[]) => stekkerdoosHere(['test', '--project', folder, ...words], {});

const report = z.object({
  sources: z.array(
    z.object({
      source: z.string(),
      notTested: z.string().optional(),
      promises: z.array(z.object({ id: z.string(), outcome: z.string(), detail: z.string().optional() })),
    }),
  ),
});

describe('stekkerdoos test', () => {
  it('prints a line for each promise that holds, without network and settings', async () => {
    writeClub();
    const { code, out, err } = await run('cycling-club', '--only', 'found-by-email,pages,bound');
    expect(err).toBe('');
    expect(out.split('\n')).toEqual([
      'cycling-club',
      '  ok     declaration: is declared without problems',
      '  ok     found-by-email: finds by email',
      '  ok     pages: reads a list to its end, page by page',
      '  ok     bound: stops reading a list that never ends',
      'cycling-club: 4 ok, 0 failed, 0 not applicable',
      '',
    ]);
    expect(code).toBe(0);
  });

  it('reports a source without a recording as not tested, as JSON and as JUnit', async () => {
    writeClub(CLUB_YAML.replace('minorUnits: 2, ', ''));
    write('sources/warranty.yaml', WARRANTY_YAML);
    write('schema/sources/warranty.graphql', WARRANTY_SDL);
    const junit = join(folder, 'junit.xml');
    const { code, out } = await run('--json', '--junit', junit);
    expect(code).toBe(1);
    const { sources } = report.parse(JSON.parse(out));
    expect(sources.map(({ source, notTested }) => [source, notTested])).toEqual([
      ['cycling-club', undefined],
      ['warranty', expect.stringContaining('It has no recording, sources/warranty.recording.json.')],
    ]);
    const [club] = sources;
    expect(club?.promises.flatMap(({ id, outcome }) => (outcome === 'failed' ? [id] : []))).toEqual([
      'examples',
    ]);

    const text = readFileSync(junit, 'utf8');
    const suites = readXml(text);
    expect(suites.name).toBe('testsuites');
    const [tested, untested] = suites.children;
    expect(tested?.children.length).toBe(club?.promises.length);
    expect(untested?.children.length).toBe(1);
    expect(text).toContain(`<testsuite name="cycling-club" tests="${tested?.children.length}" failures="1" `);
    expect(text).toContain('<testsuite name="warranty" tests="1" failures="1" ');
    const failures = tested?.children
      .flatMap(({ children }) => children)
      .filter(({ name }) => name === 'failure');
    expect(failures?.map((failure) => failure.text)).toEqual([
      expect.stringContaining('customer.membership.fee.amount: expected "12.50", got "1250".'),
    ]);
  });

  it('reports a declaration with problems as a failed promise', async () => {
    writeClub(CLUB_YAML.replace(', maxItems: 50', ''));
    const { code, out } = await run();
    expect(code).toBe(1);
    expect(out).toContain('failed declaration: is declared without problems');
    expect(out).toContain('sources/cycling-club.yaml:21:5: "calls.rides.page.maxItems" is missing.');
  });

  it.each([
    ['an unknown source', 'cycling-klub', 'Did you mean "cycling-club"?'],
    ['an unknown promise', 'cycling-club --only page', 'has no promise "page". Its promises are found-by-'],
  ])('cannot run for %s', async (_, words, message) => {
    writeClub();
    const { code, err } = await run(...words.split(' '));
    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  it('cannot run with a file that is not a recording', async () => {
    writeClub(CLUB_YAML, { ...CLUB_RECORDING, version: 2, recordedAt: 'yesterday' });
    const { code, err } = await run();
    expect(code).toBe(2);
    expect(err).toContain('sources/cycling-club.recording.json: It is not a recording: version: ');
    expect(err).toContain('; recordedAt: ');
  });
});
