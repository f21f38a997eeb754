import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, normalize, relative } from 'node:path';
import { parseSync } from 'vite';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

/** The rooms in the order of a request. A room may import later rooms of the list, never earlier ones. */
const way = [
  'doctor',
  'connect',
  'recordings',
  'process',
  'project',
  'http',
  'bulk',
  'audiences',
  'operation',
  'context',
  'privacy',
  'declared',
  'stitching',
  'source-settings.ts',
  'source.ts',
  'webhooks',
  'customer',
  'identity',
  'loaders',
  'cache',
  'resilience',
  'connectors',
  'telemetry',
  'v8',
];
/** Every file may import these. */
const shared = new Set(['v8']);
/** Rooms that may import no other room but telemetry. */
const closed = new Set(['cache', 'resilience', 'connectors']);
/** Files of the engine that may import sources. */
const entrances = (path: string): boolean =>
  /^src\/(cli|testing)\/|^src\/process\/(main|serve|options|live-gateway)\.ts$/.test(path);
/** Files that connect all rooms, or that export what sources may import. */
const wiring = new Set(
  ['gateway', 'gateway-sources', 'gateway-schema', 'gateway-http', 'gateway-events', 'index'].map(
    (name) => `src/${name}.ts`,
  ),
);

function filesUnder(folder: string): string[] {
  return readdirSync(join(root, folder)).flatMap((name) => {
    if (name === 'node_modules') return [];
    const path = `${folder}/${name}`;
    return statSync(join(root, path)).isDirectory() ? filesUnder(path) : [path];
  });
}

/** The files of the repository that a file imports, as paths from its top. Includes type-only imports and re-exports. */
function importsOf(path: string, text = readFileSync(join(root, path), 'utf8')): string[] {
  const { staticImports, staticExports, dynamicImports } = parseSync(path, text).module;
  return [
    ...staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ),
    ...dynamicImports.map(({ moduleRequest: { start, end } }) => text.slice(start + 1, end - 1)),
  ]
    .filter((name) => name.startsWith('.'))
    .map((name) => relative(root, normalize(join(root, dirname(path), name))).replace(/\.js$/, '.ts'));
}

/** `src/http/http.ts` is in the room http. A file directly in src is in no room, except source.ts. */
function roomOf(path: string): string | undefined {
  const [, first = '', rest] = path.split('/');
  return rest !== undefined || way.includes(first) ? first : undefined;
}

/** Returns why an import is not allowed, and where its line belongs. Returns undefined for an allowed import. */
function problemWith(from: string, to: string): string | undefined {
  const line = `${from} imports ${to}`;
  if (from.startsWith('sources/')) return problemInSource(from, to, line);
  if (to.startsWith('sources/')) {
    if (entrances(from)) return undefined;
    return `${line}: the engine knows no source. What is true for one system belongs into its sources/ folder, and reaches the engine by defineSource().`;
  }
  if (!to.startsWith('src/'))
    return `${line}: src/ holds all that the gateway runs on. Move what it needs there.`;
  if (wiring.has(from) || entrances(from)) return undefined;
  const [room, other] = [roomOf(from), roomOf(to)];
  if (wiring.has(to) || entrances(to))
    return `${line}: a room is wired by gateway.ts, not the other way round. Hand in what it needs.`;
  if (other === undefined || room === other || shared.has(other)) return undefined;
  if (room === undefined)
    return `${line}: a file that all rooms share imports none of them. Move the line to the room that needs it.`;
  const [place, otherPlace] = [way.indexOf(room), way.indexOf(other)];
  if (place === -1 || otherPlace === -1)
    return `${line}: "${place === -1 ? room : other}" is not a room on the path of a request. Put the file into one of ${way.join(', ')}.`;
  if (closed.has(room) && other !== 'telemetry')
    return `${line}: ${room} imports no room but telemetry. Move the line to loaders, or hand in what it needs.`;
  if (otherPlace < place)
    return `${line}: rooms import forward along the way (${way.join(' → ')}), never back. The line belongs to ${other} or before it; what ${room} needs is handed in.`;
  return undefined;
}

function problemInSource(from: string, to: string, line: string): string | undefined {
  const [, folder = ''] = from.split('/');
  const isStandIn = folder === 'stand-ins' || from.split('/')[2] === 'stand-in';
  if (from === 'sources/index.ts') {
    return /^(src|sources\/[\w-]+)\/index\.ts$/.test(to)
      ? undefined
      : `${line}: the list of sources needs each source's index.ts only.`;
  }
  if (isStandIn) {
    const isOwnStandIn = to.startsWith(`sources/${folder}/stand-in/`);
    const shared = to.startsWith('sources/stand-ins/');
    // The stand-ins are started together, and the demo runs the gateway before them.
    const starts = folder === 'stand-ins' && /^sources\/[\w-]+\/stand-in\/index\.ts$/.test(to);
    const demo = from === 'sources/stand-ins/demo.ts';
    return isOwnStandIn || shared || starts || demo
      ? undefined
      : `${line}: a stand-in is somebody else's system and imports nothing of the project. What it shares with other stand-ins belongs to sources/stand-ins.`;
  }
  if (to === 'src/index.ts') return undefined;
  if (to.startsWith('src/'))
    return `${line}: a source imports src/index.ts only. Export what it needs there, or move the line into the engine.`;
  if (to.startsWith(`sources/${folder}/`) && to.split('/')[2] !== 'stand-in') return undefined;
  return `${line}: sources do not know each other, nor stand-ins. What several need belongs into the engine.`;
}

/** The sources of sources/index.ts: the name of each one's folder, and of its export. */
function importedSources(): { folder: string; variable: string }[] {
  const index = readFileSync(join(root, 'sources/index.ts'), 'utf8');
  const found = index.matchAll(/import \{ (\w+) \} from '\.\/([\w-]+)\/index\.js'/g);
  return [...found].map(([, variable = '', folder = '']) => ({ folder, variable }));
}

/** Files that may name sources: the published schema, the demo, and identifiers that have the name of their issuer. */
const ABOUT_SOURCES =
  /^(schema\/gateway\.graphql|src\/cli\/run-demo\.ts|src\/identity\/(namespaces\/.*|identifiers\.ts)|src\/connect\/suggest\/(identifier-fields|names|privacy-names)\.ts)$/;
/** Sources whose names are ordinary words or letters. Only a quoted name or a path refers to the source. */
const ORDINARY = new Set(['x', 'invoices']);

/** A source's name in any way of writing: `crm-hubspot`, `crmHubspot`, CRM_HUBSPOT, HubSpot. */
function nameOfSource(folder: string): RegExp {
  const words = folder.replace(/^crm-/, '').split('-').join('[-_ ]?');
  if (ORDINARY.has(folder)) return new RegExp(`['"\`]${words}['"\`]|sources/${words}\\b`);
  // The KvK number is an identifier in other systems too, so `kvkNumber` does not refer to the source.
  return folder === 'kvk' ? /\bkvk\b|\bKVK_/ : new RegExp(`(?<![a-z])${words}(?![a-z])`, 'i');
}

const code = [...filesUnder('src'), ...filesUnder('sources')].filter(
  (path) => path.endsWith('.ts') && !path.endsWith('.generated.ts'),
);

describe('the code rules', () => {
  it('let rooms import only later rooms, sources only the public index, and stand-ins nothing of the project', () => {
    const problems = code.flatMap((path) =>
      importsOf(path).flatMap((imported) => problemWith(path, imported) ?? []),
    );
    expect(problems).toEqual([]);
  });

  it.each([
    ['src/cache/cache.ts', 'src/loaders/loader.ts', 'cache imports no room but telemetry'],
    ['src/resilience/wrap.ts', 'src/connectors/rest.ts', 'resilience imports no room but telemetry'],
    ['src/loaders/registry.ts', 'src/identity/identifiers.ts', 'never back'],
    ['src/connectors/graphql/client.ts', 'src/stitching/sdl.ts', 'connectors imports no room'],
    ['src/identity/rules.ts', 'src/source.ts', 'never back'],
    ['src/http/yoga.ts', 'src/gateway.ts', 'wired by gateway.ts'],
    ['src/errors.ts', 'src/cache/cache.ts', 'imports none of them'],
    ['src/helpers/text.ts', 'src/cache/cache.ts', 'is not a room'],
    ['src/customer/resolvers.ts', 'sources/kvk/index.ts', 'the engine knows no source'],
    ['sources/kvk/loaders.ts', 'src/errors.ts', 'src/index.ts only'],
    ['sources/kvk/loaders.ts', 'sources/x/mapping.ts', 'do not know each other'],
    ['sources/kvk/loaders.ts', 'sources/kvk/stand-in/index.ts', 'nor stand-ins'],
    ['sources/kvk/stand-in/index.ts', 'src/index.ts', 'imports nothing of the project'],
    ['sources/kvk/stand-in/index.ts', 'sources/kvk/wire.ts', 'imports nothing of the project'],
    ['sources/kvk/stand-in/index.ts', 'sources/x/stand-in/index.ts', 'imports nothing of the project'],
  ])('would refuse %s to import %s', (from, to, reason) => {
    expect(problemWith(from, to)).toContain(reason);
  });

  it.each([
    ['src/http/yoga.ts', 'src/resilience/deadline.ts'],
    ['src/connectors/sql/client.ts', 'src/telemetry/logger.ts'],
    ['src/cache/cache.ts', 'src/duration.ts'],
    ['src/process/main.ts', 'sources/index.ts'],
    ['src/gateway.ts', 'src/http/yoga.ts'],
    ['sources/kvk/index.ts', 'src/index.ts'],
    ['sources/kvk/loaders.ts', 'sources/kvk/wire.ts'],
    ['sources/kvk/stand-in/index.ts', 'sources/stand-ins/http.ts'],
    ['sources/stand-ins/index.ts', 'sources/kvk/stand-in/index.ts'],
  ])('let %s import %s', (from, to) => {
    expect(problemWith(from, to)).toBeUndefined();
  });

  it('set flags of V8 on the command line only, never at runtime', () => {
    const setters = code.filter((path) =>
      readFileSync(join(root, path), 'utf8').includes('setFlagsFromString'),
    );
    expect(setters).toEqual([]);
  });

  it('find imports of types, re-exports and dynamic imports', () => {
    const text = `import type { A } from './a.js'; export { b } from '../b.js'; const c = import('./c.js'); import 'zod';`;
    expect(importsOf('src/cache/x.ts', text)).toEqual(['src/cache/a.ts', 'src/b.ts', 'src/cache/c.ts']);
  });

  it('execute operations in one place, which does not depend on HTTP', () => {
    const filesWith = (pattern: RegExp) =>
      code.filter((path) => path.startsWith('src/') && pattern.test(readFileSync(join(root, path), 'utf8')));
    expect(filesWith(/from 'graphql-yoga'/).filter((path) => !path.startsWith('src/http/'))).toEqual([]);
    expect(filesWith(/from 'node:http'/).filter((path) => path.startsWith('src/operation/'))).toEqual([]);
    // Code that creates a request's context can call systems for a caller without an audit entry.
    expect(filesWith(/(?<!function )\bcreateContext\(/)).toEqual(['src/operation/answer.ts']);
    expect(filesWith(/WeakMap<DocumentNode/), 'store what belongs to a document in Prepared').toEqual([]);
  });

  it('limit every file to 400 lines', () => {
    const long = code.filter((path) => readFileSync(join(root, path), 'utf8').split('\n').length > 400);
    expect(long, 'divide a file of more than 400 lines, or make it a folder').toEqual([]);
  });

  it('name files and folders in kebab-case, after what they are', () => {
    const all = [
      ...filesUnder('src'),
      ...filesUnder('sources'),
      ...filesUnder('schema'),
      ...filesUnder('test'),
    ];
    const names = new Set(all.flatMap((path) => path.split('/').slice(1)));
    const odd = [...names].filter(
      (name) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*$/.test(name) && name !== 'README.md',
    );
    expect(odd).toEqual([]);
  });

  it('allow no file or folder for miscellaneous code, such as utils or types', () => {
    const leftOver = [...code, ...filesUnder('test')].filter((path) =>
      path
        .split('/')
        .some((part) => /^(utils?|helpers?|types|common|misc|shared|lib)(\.ts)?$/.test(basename(part))),
    );
    expect(leftOver).toEqual([]);
  });

  it('require a contract test for each source', () => {
    const read = (path: string) => readFileSync(join(root, path), 'utf8');
    const sources = importedSources().map(({ variable }) => variable);
    const tested = filesUnder('test/sources')
      .filter((path) => path.endsWith('.test.ts'))
      .flatMap((path) =>
        [...read(path).matchAll(/describeSource\(\{\s*source: (\w+),/g)].map(([, name]) => name),
      );
    expect(sources).not.toEqual([]);
    expect(tested.toSorted()).toEqual(sources.toSorted());
  });

  it('let the engine name no source, in code or in text', () => {
    const text = [
      ...filesUnder('src').filter((path) => /\.(ts|md)$/.test(path) && !path.endsWith('.generated.ts')),
      ...readdirSync(join(root, 'schema')).map((name) => `schema/${name}`),
    ].filter((path) => /\.\w+$/.test(path) && !ABOUT_SOURCES.test(path));
    const names = importedSources().map(({ folder }) => ({ folder, pattern: nameOfSource(folder) }));
    const named = text.flatMap((path) => {
      const content = readFileSync(join(root, path), 'utf8');
      return names.flatMap(({ folder, pattern }) =>
        pattern.test(content) ? [`${path} names ${folder}`] : [],
      );
    });
    expect(
      named,
      'put what is true for one system into its folder; use a neutral name in an example',
    ).toEqual([]);
  });

  it.each([
    ['crm-hubspot', 'as HubSpot writes it'],
    ['crm-hubspot', "'x-hubspot-ratelimit-remaining'"],
    ['order-system', 'the order system counts'],
    ['order-system', 'ORDER_SYSTEM_URL'],
    ['contact-centre', 'contactCentre'],
    ['x', "source === 'x'"],
    ['invoices', '`sources/invoices`'],
  ])('would find %s in %s', (folder, content) => {
    expect(nameOfSource(folder).test(content)).toBe(true);
  });

  it.each([
    ['x', 'x-request-id'],
    ['invoices', "'invoices:read'"],
    ['kvk', 'kvkNumber'],
    ['vies', 'movies'],
  ])('would not find %s in %s', (folder, content) => {
    expect(nameOfSource(folder).test(content)).toBe(false);
  });

  it('allow no new file or folder at the top level', () => {
    const allowed = new Set(
      [
        '.ci .env .git .gitignore .knip.json .npmrc .oxlintrc.json .prettierignore .prettierrc.json',
        'LICENSE README.md codegen.ts package.json package-lock.json tsconfig.json vitest.config.ts',
        'coverage dist node_modules schema sources src test',
      ]
        .join(' ')
        .split(' '),
    );
    expect(readdirSync(root).filter((name) => !allowed.has(name))).toEqual([]);
  });
});
