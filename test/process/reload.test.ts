import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test, vi } from 'vitest';
import { sendJson, startServer } from '../../src/testing/small-server.js';
import { compiledFolder } from '../support/compiled.js';
import { createProject } from './project-process.js';

/** Long timeouts, because the machine may be busy. */
const PATIENCE = { timeout: 60_000 };

let child: ChildProcess | undefined;
let timer: NodeJS.Timeout | undefined;
afterEach(async () => {
  clearInterval(timer);
  if (child !== undefined && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  child = undefined;
});

/** Starts the gateway of the folder. */
async function start(folder: string, words: readonly string[], environment: Record<string, string> = {}) {
  child = spawn(process.execPath, [join(await compiledFolder(), 'src/cli/cli.js'), ...words], {
    cwd: folder,
    env: { PATH: process.env['PATH'], PORT: '0', ID_SECRET: 'a secret of the tests', ...environment },
  });
  let output = '';
  child.stdout?.on('data', (chunk) => (output += String(chunk)));
  child.stderr?.on('data', (chunk) => (output += String(chunk)));
  const logged = (line: RegExp) =>
    vi.waitFor(() => {
      const found = line.exec(output);
      if (found === null) throw new Error(`no ${String(line)} in: ${output}`);
      return found[1] ?? '';
    }, PATIENCE);
  return { url: await logged(/ready (http\S+\/graphql)/), logged, forget: () => (output = '') };
}

/** A source whose two fields show the version of its code, and the SDL for it. */
const source = (name: string, version: number) => `
  import { alignMany, defineLoader, defineSource, idNamespace, noAuth, rest, urlSetting } from 'stekkerdoos';
  import { z } from 'zod';
  import { version } from './version.js';
  const answer = z.object({ email: z.string() });
  const loader = (name) => defineLoader({ name, load: async (keys, client) => {
    const { email } = await client.get(answer, '/');
    const record = { id: '1', identifiers: [{ namespace: 'email', value: email }], ${name}A: version, ${name}B: ${version} };
    return alignMany(keys, [record], { source: '${name}', keyOf: () => keys[0], idOf: ({ id }) => id });
  } });
  export const source = defineSource({
    name: '${name}',
    connector: rest({ baseUrl: urlSetting('${name.toUpperCase()}_URL', 'http://a'), auth: noAuth, pingPath: '/' }),
    limits: { timeout: '20 s' },
    freshness: {},
    namespaces: [idNamespace('${name}Id', 'An id.', /^\\d+$/)],
    identity: {
      recordKey: '${name}Id',
      foundBy: {
        ${name}Id: { uniqueness: 'enforced', loader: loader('byId') },
        email: { uniqueness: 'usual', loader: loader('byEmail') },
      },
      yields: { email: 'one' },
    },
  });`;
const sdl = (name: string) => `type Customer @foundBy(identifier: "${name}Id") {
  "A." ${name}A: Int @personalData(category: RELATION) @requiresScopes(scopes: [["relation:read"]]) @purpose(any: [SERVICE])
  "B." ${name}B: Int @personalData(category: RELATION) @requiresScopes(scopes: [["relation:read"]]) @purpose(any: [SERVICE])
}`;

test('a gateway reloads without a failed request while sources are added, changed, broken and removed', async () => {
  const { folder, write } = await createProject();
  const system = await startServer((_, response) => {
    sendJson(response, { email: 'eva@example.nl' });
  });
  const plugIn = (name: string, version: number) => {
    write(`schema/sources/${name}.graphql`, sdl(name));
    write(`sources/${name}/version.js`, `export const version = ${version};`);
    write(`sources/${name}/index.js`, source(name, version));
  };
  const settings = (names: readonly string[]) =>
    [
      'auth: off',
      'deadlineMs: 20000',
      'sources:',
      ...names.map((name) => `  ${name}: { url: ${system.url} }`),
    ].join('\n');
  plugIn('alpha', 1);
  write('gateway.yaml', settings(['alpha']));
  const { url, logged, forget } = await start(folder, ['start'], {
    AUDIT_FILE: 'audit.jsonl',
    MAX_DELAY_MS: '60000',
  });
  const reload = async (line: RegExp) => {
    forget();
    child?.kill('SIGHUP');
    await logged(line);
  };

  const agent = new Agent({ keepAlive: true });
  const query = (document: string) =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      const sent = request(url, { method: 'POST', agent, headers: { 'content-type': 'application/json' } });
      sent.on('error', reject);
      sent.on('response', (response) => {
        text(response).then((body) => {
          resolve({ status: response.statusCode ?? 0, body });
        }, reject);
      });
      sent.end(JSON.stringify({ query: document }));
    });
  const pending: Promise<{ status: number; body: string }>[] = [];
  timer = setInterval(() => {
    pending.push(query('{ customer(by: { email: "eva@example.nl" }) { alphaA alphaB } }'));
  }, 5);
  const seen = async (document: string) => (await query(document)).body;

  await vi.waitFor(() => {
    expect(pending.length).toBeGreaterThan(50);
  }, PATIENCE);
  plugIn('beta', 1);
  write('gateway.yaml', settings(['alpha', 'beta']));
  await reload(/SIGHUP: reloaded/);
  expect(await seen('{ customer(by: { email: "eva@example.nl" }) { betaA } }')).toContain('"betaA":1');
  plugIn('alpha', 2);
  await reload(/SIGHUP: reloaded/);
  expect(await seen('{ customer(by: { email: "eva@example.nl" }) { alphaA } }')).toContain('"alphaA":2');
  write('schema/sources/beta.graphql', 'type Customer {');
  write('sources/alpha/index.js', 'export const alpha = ;');
  await reload(/sources\/alpha\/index\.js cannot be imported[^]*not reloaded/);
  expect(await seen('{ customer(by: { email: "eva@example.nl" }) { betaA } }')).toContain('"betaA":1');
  plugIn('alpha', 3);
  rmSync(join(folder, 'sources/beta'), { recursive: true });
  rmSync(join(folder, 'schema/sources/beta.graphql'));
  write('gateway.yaml', settings(['alpha']));
  await reload(/SIGHUP: reloaded/);
  expect(await seen('{ customer(by: { email: "eva@example.nl" }) { betaA } }')).toContain(
    'Cannot query field',
  );
  const sentByNow = pending.length;
  await vi.waitFor(() => {
    expect(pending.length).toBeGreaterThan(sentByNow + 50);
  }, PATIENCE);
  clearInterval(timer);

  const answers = await Promise.all(pending);
  const versions = new Set<string>();
  for (const { status, body } of answers) {
    expect(status, body).toBe(200);
    const [, a = '', b = ''] = /^\{"data":\{"customer":\{"alphaA":(\d),"alphaB":(\d)\}\}\}$/.exec(body) ?? [
      body,
    ];
    expect(a, body).toBe(b);
    versions.add(a);
  }
  expect([...versions]).toEqual(['1', '2', '3']);
  child?.kill('SIGTERM');
  expect(await once(child ?? process, 'exit')).toEqual([0, null]);
  agent.destroy();
  await system.close();
}, 300_000);

test('a reload ends subscriptions, whose clients then reconnect, and reads a secret again if its file has changed', async () => {
  const { folder, write } = await createProject();
  write('gateway.yaml', 'auth: off\nsources: { alpha: { url: http://127.0.0.1:1 } }');
  write('schema/sources/alpha.graphql', sdl('alpha'));
  write('sources/alpha/version.js', 'export const version = 1;');
  write('sources/alpha/index.js', source('alpha', 1));
  write('admin-token', 'the first token of the tests');
  const { url, logged, forget } = await start(folder, ['dev'], { ADMIN_TOKEN_FILE: 'admin-token' });
  const forgetWith = async (token: string) =>
    (
      await fetch(new URL('/admin/forget', url), {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: '{"source": "alpha"}',
      })
    ).status;
  expect(await forgetWith('the second token of the tests')).toBe(401);
  const events = await fetch(url, {
    method: 'POST',
    headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
    body: JSON.stringify({ query: 'subscription { customerChanged { recordId } }' }),
  });
  const ended = events.text();
  write('admin-token', 'the second token of the tests');
  await logged(/the file of a setting has changed: reloaded/);
  expect(await forgetWith('the second token of the tests')).toBe(200);
  expect(await forgetWith('the first token of the tests')).toBe(401);
  expect(await ended).toContain('event: complete');

  // A file that was first named by a reload is watched too.
  forget();
  write('audit-secret', 'the first secret of the tests');
  write(
    'gateway.yaml',
    'auth: off\nauditSecret: { file: audit-secret }\nsources: { alpha: { url: http://127.0.0.1:1 } }',
  );
  await logged(/a file has changed: reloaded/);
  forget();
  write('audit-secret', 'the second secret of the tests');
  await logged(/the file of a setting has changed: reloaded/);
}, 300_000);
