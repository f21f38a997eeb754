import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sendJson, startServer } from '../../src/testing/small-server.js';
import { createLibrary, READERS } from '../connect/files/library.js';
import { startOdataService } from '../connect/odata/odata-service.js';
import { CLIENTS, WORKSHOP } from '../connect/odata/workshop.js';
import { startMusicSchool, STUDENTS } from '../connect/sql/music-school.js';
import { stekkerdoosHere } from './cli-process.js';

/**
 * Runs the command for each kind of system: it is connected, tested by its recording, and a customer is
 * shown.
 */

interface System {
  what: string;
  /** The text on standard input. */
  input?: string;
  settings: Record<string, string>;
  email: string;
  /** The requests that it received, if they can be counted. */
  seen?: readonly { method: string }[];
  close(): Promise<void> | void;
}

let folder: string;
let system: System | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-kinds-'));
  writeFileSync(join(folder, 'gateway.yaml'), 'auth: off\n');
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await system?.close();
  system = undefined;
});

const KINDS: Readonly<Record<string, () => Promise<System>>> = {
  'a curl command': async () => {
    const members = Array.from({ length: 30 }, (_, i) => ({
      ...{ id: `L${1_001 + i}`, email: `card${i}@example.nl`, name: `Eva de Wit ${i}` },
      ...{ tier: i % 2 === 0 ? 'GOLD' : 'SILVER', points: i * 10 },
    }));
    const server = await startServer(({ url, headers }, response) => {
      const { searchParams } = new URL(url, 'http://localhost');
      const found = members.filter((member) => member.email === searchParams.get('email'));
      if (headers.authorization === 'Bearer secret-card-token') sendJson(response, { members: found });
      else sendJson(response, { error: 'no' }, { status: 401 });
    });
    return {
      what: '-',
      input: `curl -H 'Authorization: Bearer secret-card-token' '${server.url}/members?email=card3%40example.nl'\n`,
      settings: { TRIED_URL: server.url, TRIED_TOKEN: 'secret-card-token' },
      email: 'card7@example.nl',
      seen: server.seen,
      close: () => server.close(),
    };
  },
  'an OData service': async () => {
    const server = await startOdataService(WORKSHOP, {
      token: 'token-of-the-workshop',
      ignoresCase: true,
    });
    return {
      what: `${server.url}/service/$metadata`,
      settings: { TRIED_URL: `${server.url}/service`, TRIED_TOKEN: 'token-of-the-workshop' },
      email: CLIENTS[3]?.Email ?? '',
      seen: server.seen,
      close: () => server.close(),
    };
  },
  'a database': async () => {
    const school = await startMusicSchool();
    return {
      what: school.readerUrl.href,
      settings: { TRIED_URL: school.readerUrl.href },
      email: STUDENTS[3]?.mail ?? '',
      close: () => school.close(),
    };
  },
  'a folder of files': async () => {
    const library = await createLibrary();
    return {
      what: library.folder,
      settings: { TRIED_FOLDER: library.folder },
      email: READERS[3]?.mail ?? '',
      close: () => library.remove(),
    };
  },
};

describe('stekkerdoos connect', { timeout: 60_000 }, () => {
  it.each(Object.entries(KINDS))('plugs in %s, which passes its test and is shown', async (_, start) => {
    system = await start();
    const { what, input, settings, email, seen } = system;
    const words = ['connect', 'tried', what, '--project', folder, '--yes', '--interval', '0 ms'];
    const connected = await stekkerdoosHere(words, settings, input);
    expect(connected.code, connected.out + connected.err).toBe(0);
    expect(connected.out).toMatch(/^tried: live, [123] calls? in/m);
    expect(seen?.length ?? 0).toBeLessThanOrEqual(20);
    for (const { method } of seen ?? []) expect(method).toBe('GET');

    const promises = ['--only', 'found-by-email,examples'];
    const tested = await stekkerdoosHere(['test', 'tried', '--project', folder, ...promises], {});
    expect(tested.code, tested.out + tested.err).toBe(0);
    const shown = await stekkerdoosHere(
      ['ask', '--by', `email=${email}`, '--purpose', 'service', '--project', folder, '--json'],
      settings,
    );
    expect(shown.code, shown.out + shown.err).toBe(0);
    expect(JSON.parse(shown.out)).toMatchObject({
      customer: { tried: expect.anything() as unknown },
    });
  });
});
