import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createGateway } from '../../src/gateway.js';
import { defineLoader, idNamespace } from '../../src/index.js';
import { loadProject } from '../../src/project/load-project.js';
import { startServer } from '../../src/testing/small-server.js';
import { answerAsWarranty, WARRANTY_SDL, WARRANTY_SETTINGS, WARRANTY_YAML } from '../declared/warranty.js';
import { localSource } from '../support/local-source.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-project-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

test('a project serves a source that is declared in YAML and SDL', async () => {
  const system = await startServer(answerAsWarranty);
  write('gateway.yaml', `auth: off\nlogLevel: silent\nsources: { warranty: { url: ${system.url} } }`);
  write('sources/warranty.yaml', WARRANTY_YAML);
  write('schema/sources/warranty.graphql', WARRANTY_SDL);
  const options = await loadProject(folder, [], { ID_SECRET: 'a secret of the tests', ...WARRANTY_SETTINGS });
  expect(options.problems).toEqual([]);
  const gateway = createGateway(options);
  const query = '{ customer(by: { email: "owner1@example.nl" }) { name } }';
  const answer = await gateway.fetch(`/graphql?query=${encodeURIComponent(query)}`, {
    headers: { accept: 'application/json' },
  });
  expect(await answer.json()).toEqual({ data: { customer: { name: 'Anna de Vries 1' } } });
  await gateway.close();
  await system.close();
});

test('a project prefers the values of the built-in sources to those of its own, unless sourceOrder names them', async () => {
  const system = await startServer(answerAsWarranty);
  const byEmail = defineLoader({
    name: 'membersByEmail',
    load: (emails: readonly string[]) =>
      Promise.resolve(
        emails.map((value) => [
          {
            id: '1',
            identifiers: [{ namespace: 'email', value }],
            profile: { name: 'Anna of the club' },
          },
        ]),
      ),
  });
  const { source, environment } = localSource('club', {
    namespaces: [idNamespace('memberId', 'An id.', /^\d+$/)],
    identity: {
      recordKey: 'memberId',
      foundBy: {
        email: { uniqueness: 'enforced', loader: byEmail },
        memberId: { uniqueness: 'enforced', loader: byEmail },
      },
      yields: { email: 'one' },
    },
  });
  write('sources/warranty.yaml', WARRANTY_YAML);
  write('schema/sources/warranty.graphql', WARRANTY_SDL);
  const club =
    'type Customer @foundBy(identifier: "memberId") @personalData(category: NONE) { isMember: Boolean }';
  const names: unknown[] = [];
  for (const order of ['', 'sourceOrder: [warranty]\n']) {
    write(
      'gateway.yaml',
      `${order}auth: off\nlogLevel: silent\nsources: { warranty: { url: ${system.url} } }`,
    );
    const variables = { ...WARRANTY_SETTINGS, ...environment, ID_SECRET: 'a secret of the tests' };
    const options = await loadProject(folder, [source], variables);
    const sdl = { ...options.sdl, club };
    const gateway = createGateway({ ...options, sdl });
    const query = '{ customer(by: { email: "owner1@example.nl" }) { name } }';
    const answer = await gateway.fetch(`/graphql?query=${encodeURIComponent(query)}`, {
      headers: { accept: 'application/json' },
    });
    names.push(await answer.json());
    await gateway.close();
  }
  expect(names).toEqual(
    ['Anna of the club', 'Anna de Vries 1'].map((name) => ({ data: { customer: { name } } })),
  );
  await system.close();
});

test('a project logs each field of a declared source that is hidden because it has no privacy classification', async () => {
  write('gateway.yaml', 'auth: off\nsources: { warranty: { url: http://127.0.0.1:1 } }');
  write('sources/warranty.yaml', WARRANTY_YAML);
  const sdl = WARRANTY_SDL.replace(
    'type Customer {',
    'type Customer {\n  "Not classified."\n  warrantyNote: String',
  );
  write('schema/sources/warranty.graphql', sdl);
  const options = await loadProject(folder, [], { ID_SECRET: 'a secret of the tests', ...WARRANTY_SETTINGS });
  const logged: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line) => void logged.push(line) });
  const gateway = createGateway({ ...options, logger });
  expect(logged.join('')).toContain('schema/sources/warranty.graphql:');
  expect(logged.join('')).toContain('warrantyNote');
  expect(gateway.schema.getType('Customer')?.toConfig()).toHaveProperty('fields.warranty');
  expect(gateway.schema.getType('Customer')?.toConfig()).not.toHaveProperty('fields.warrantyNote');
  await gateway.close();
});

test('a project starts if a role names a scope of a source that is left out', async () => {
  const { source } = localSource('loyalty', { scopes: ['loyalty:read'] });
  write(
    'gateway.yaml',
    `auth: off
logLevel: silent
roles: { operator: { scopes: [default, loyalty:read] } }
sources: { loyalty: false, warranty: { url: http://127.0.0.1:1 } }`,
  );
  write('sources/warranty.yaml', WARRANTY_YAML);
  write('schema/sources/warranty.graphql', WARRANTY_SDL);
  const options = await loadProject(folder, [source], {
    ID_SECRET: 'a secret of the tests',
    ...WARRANTY_SETTINGS,
  });
  const gateway = createGateway(options);
  expect(gateway.sources).toEqual(['warranty']);
  await gateway.close();
});

test('a project reports the problems of all its files together', async () => {
  const { source } = localSource('loyalty');
  write('gateway.yaml', 'sources: { loyalti: false }');
  write('sources/warranty.yaml', 'source: warranty\nconect: {}');
  write('schema/sources/warranty.graphql', WARRANTY_SDL);
  write('schema/sources/other.graphql', WARRANTY_SDL);
  write('sources/loyalty/index.js', 'export const loyalty = {};');
  write('sources/broken/index.js', 'export const broken = ;');
  write('sources/empty/readme.txt', '');
  const { problems } = await loadProject(folder, [source], {});
  const all = problems.join('\n');
  expect(all).toContain('gateway.yaml:1:12: there is no source "loyalti". Did you mean "loyalty"?');
  expect(all).toContain('sources/warranty.yaml:');
  expect(all).toContain('schema/sources/other.graphql: there is no source "other" in sources.');
  expect(all).toContain('sources/loyalty has the name of a source of the package.');
  expect(all).toContain('sources/broken/index.js cannot be imported: ');
  expect(all).toContain('sources/empty is not a source: it has no index.ts or index.js');
});
