import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, inject, test } from 'vitest';

const run = promisify(execFile);
const folder = inject('installed');
const root = join(import.meta.dirname, '../..');

/** Runs `npx stekkerdoos <words>` in the folder, until a line of its output matches. Then it stops the command. */
async function runUntil(words: readonly string[], line: RegExp, environment: Record<string, string> = {}) {
  const child = spawn('npx', ['stekkerdoos', ...words], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, TMPDIR: process.env['TMPDIR'], ...environment },
    detached: true,
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  const ended = once(child, 'close');
  while (!line.test(output) && child.exitCode === null)
    await Promise.race([once(child.stdout, 'data'), ended]);
  const found = line.exec(output);
  return {
    output: () => output,
    found: found?.[1],
    stop: async () => {
      // npx runs the command in a shell that does not forward signals, so the whole group gets it.
      if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
      await ended;
    },
  };
}

const SETTINGS = {
  ID_SECRET: 'a secret of the tests',
  AUTH: 'off',
  PORT: '0',
  VIES_URL: 'http://127.0.0.1:1',
};

describe('the installed package', () => {
  test('has one graphql, and every documentation page that messages refer to', async () => {
    const { stdout } = await run('npm', ['ls', 'graphql', '--all', '--parseable'], { cwd: folder });
    expect(new Set(stdout.trim().split('\n')).size).toBe(1);
    for (const page of ['src/README.md', 'src/context/README.md', 'sources/invoices/README.md'])
      expect(existsSync(join(folder, 'node_modules/stekkerdoos', page)), page).toBe(true);
  });

  test('is published without a warning', async () => {
    const { stderr } = await run('npm', ['publish', '--dry-run', '--ignore-scripts', '--force=false'], {
      cwd: root,
    });
    const warnings = stderr
      .split('\n')
      .filter((value) => value.startsWith('npm warn') && !value.includes('requires you to be logged in'));
    expect(warnings).toEqual([]);
  });

  test('exports the engine and the tests of a source with their types', async () => {
    writeFileSync(
      join(folder, 'program.ts'),
      `import { bearer, createGateway, defineSource, rest, secretSetting, sql, urlSetting } from 'stekkerdoos';
       import { sources } from 'stekkerdoos/sources';
       import type { FaultControl, SourceSubject } from 'stekkerdoos/testing';
       const loyalty = defineSource({
         name: 'loyalty',
         connector: rest({
           baseUrl: urlSetting('LOYALTY_URL', 'http://localhost'),
           auth: bearer(secretSetting('LOYALTY_TOKEN')),
           pingPath: '/',
         }),
       });
       const subject: Pick<SourceSubject, 'source'> = { source: loyalty };
       const fault: Parameters<FaultControl['set']>[1] = { fault: 'down' };
       const gateway = createGateway({
         sources: [loyalty, ...sources],
         environment: {
           ID_SECRET: 'a secret of the tests', AUTH: 'off', LOG_LEVEL: 'silent',
           LOYALTY_URL: 'http://127.0.0.1:1', LOYALTY_TOKEN: 'of no use',
         },
         sdl: { loyalty: 'type Query { loyaltyPrograms: Int @personalData(category: NONE) }' },
       });
       const answer = await gateway.fetch('/graphql?query={__typename}', { headers: { accept: 'application/json' } });
       console.log(await answer.text(), gateway.sources, typeof sql, fault.fault, subject.source.name);
       await gateway.close();`,
    );
    writeFileSync(
      join(folder, 'tsconfig.json'),
      `{ "compilerOptions": { "module": "NodeNext", "target": "ES2023", "strict": true, "skipLibCheck": true, "outDir": "out", "types": ["node"] },
         "files": ["program.ts"] }`,
    );
    await run('npx', ['tsc', '-p', '.'], { cwd: folder }).catch((error: unknown) => {
      throw new Error(String((error as { stdout: unknown }).stdout));
    });
    const { stdout } = await run(process.execPath, ['out/program.js'], { cwd: folder });
    expect(stdout).toBe(`{"data":{"__typename":"Query"}} [ 'loyalty' ] function down loyalty\n`);
  });

  test('starts with npx, answers, and shows GraphiQL without the network', async () => {
    const started = await runUntil(['start'], /ready (http\S+)\/graphql/, SETTINGS);
    const url = started.found ?? '';
    const answer = await fetch(`${url}/graphql?query={__typename}`, {
      headers: { accept: 'application/json' },
    });
    expect(await answer.json()).toEqual({ data: { __typename: 'Query' } });
    const page = await (await fetch(`${url}/graphql`, { headers: { accept: 'text/html' } })).text();
    expect(page).toMatch(/<!doctype html/i);
    const scripts = [...page.matchAll(/src="(\/[^"]+\.js)"/g)].map(([, path = '']) => path);
    for (const path of scripts) expect((await fetch(`${url}${path}`)).status, path).toBe(200);
    await started.stop();
  });

  test('runs the demo with npx', async () => {
    const ports = { PORT: '0', FAULT_CONTROL_PORT: '0', CAMPAIGN_TOOL_PORT: '0' };
    const demo = await runUntil(['demo', '--customers', '5'], /^ready (\S+)$/m, ports);
    const answer = await fetch(demo.found ?? '', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer demo-operator' },
      body: JSON.stringify({ query: '{ customer(by: { email: "everywhere@example.nl" }) { name } }' }),
    });
    expect(await answer.json()).toMatchObject({ data: { customer: { name: 'Eva van der Meer' } } });
    await demo.stop();
  });

  test('reports a mistyped command, and suggests the right one', async () => {
    const fail = async (...words: string[]) =>
      run('npx', ['stekkerdoos', ...words], { cwd: folder }).then(
        () => 'no error',
        (error: unknown) => (error as { stderr: string }).stderr,
      );
    expect(await fail('demoo')).toBe(
      'Unknown command "demoo". Did you mean "demo"? See: stekkerdoos --help\n',
    );
    expect(await fail('demo', '--custmers', '5')).toBe(
      'Unknown option --custmers. Did you mean "--customers"? See: stekkerdoos --help\n',
    );
  });

  test('contains no files that only the repository needs', () => {
    const manifest = readFileSync(join(folder, 'node_modules/stekkerdoos/package.json'), 'utf8');
    expect(manifest).not.toContain('"private"');
    for (const path of ['test', 'src/gateway.ts', 'dist/test', 'dist/src/gateway.js.map'])
      expect(existsSync(join(folder, 'node_modules/stekkerdoos', path)), path).toBe(false);
  });
});
