import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire, register } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DeclaredSettings } from '../declared-settings.js';
import { declaredSource, type DeclaredSource } from '../declared/declared-source.js';
import { describeProblem } from '../declared/problems.js';
import { didYouMean } from '../did-you-mean.js';
import type { Environment } from '../settings.js';
import type { SourceDefinition } from '../source.js';
import { readProjectSettings } from './gateway-file.js';
import { GATEWAY_FILE } from './project-folder.js';

/** The options of a gateway that a project folder determines. */
export interface ProjectOptions {
  sources: readonly SourceDefinition[];
  leftOut: readonly SourceDefinition[];
  environment: Environment;
  declared: DeclaredSettings;
  problems: readonly string[];
  /** The parts that are left out of declared sources: fields that are not classified. */
  warnings: readonly string[];
  /** The SDL of the folder's sources, by source. */
  sdl: Readonly<Record<string, string>>;
  operations?: URL;
  triggers?: URL;
  audiences?: URL;
}

const MODULES = ['index.ts', 'index.mts', 'index.js', 'index.mjs'];

/**
 * Reads a project folder: settings, sources with their SDL, operations, triggers and named audiences. The sources of the folder
 * come after the built-in ones, so a new source does not replace the values of the others (SOURCE_ORDER changes that). Problems are returned in the options, so that the gateway reports
 * them together with its own. Each call reads changed modules again.
 */
export async function loadProject(
  folder: string,
  builtIn: readonly SourceDefinition[],
  process: Environment,
): Promise<ProjectOptions> {
  const { environment, declared, sources: named, problems } = readProjectSettings(folder, process);
  const declaredSources = readDeclaredSources(folder, problems);
  const projectSources = [
    ...declaredSources.map(({ source }) => source),
    ...(await readSources(folder, builtIn, problems)),
  ];
  for (const { source } of declaredSources)
    if (builtIn.some(({ name }) => name === source.name))
      problems.push(
        `sources/${source.name}.yaml has the name of a source of the package. Give it another name.`,
      );
  const all = [...builtIn, ...projectSources];
  for (const [name, { place }] of named)
    if (!all.some((source) => source.name === name))
      problems.push(
        `${place}: there is no source "${name}".${didYouMean(
          name,
          all.map((source) => source.name),
        )}`,
      );
  const isLeftOut = ({ name }: SourceDefinition) => named.get(name)?.isLeftOut === true;
  const operations = existingFolder(folder, 'schema/operations');
  const triggers = existingFolder(folder, 'schema/triggers');
  const audiences = existingFolder(folder, 'schema/audiences');
  return {
    sources: all.filter((source) => !isLeftOut(source)),
    leftOut: all.filter(isLeftOut),
    environment,
    declared,
    problems,
    warnings: declaredSources.flatMap((declaration) => declaration.warnings.map(describeProblem)),
    sdl: {
      ...readSdlOf(folder, projectSources, problems),
      // Without the fields that are not classified.
      ...Object.fromEntries(declaredSources.map(({ source, sdl }) => [source.name, sdl])),
    },
    ...(operations === undefined || isSet(environment, 'OPERATIONS_FOLDER') ? {} : { operations }),
    ...(triggers === undefined || isSet(environment, 'TRIGGERS_FOLDER') ? {} : { triggers }),
    ...(audiences === undefined || isSet(environment, 'AUDIENCES_FOLDER') ? {} : { audiences }),
  };
}

function isSet(environment: Environment, variable: string): boolean {
  return (environment[variable] ?? '') !== '';
}

function existingFolder(folder: string, path: string): URL | undefined {
  const place = join(folder, path);
  return existsSync(place) ? pathToFileURL(`${place}/`) : undefined;
}

/** The SDL of each source of the folder. */
function readSdlOf(
  folder: string,
  sources: readonly SourceDefinition[],
  problems: string[],
): Record<string, string> {
  const place = join(folder, 'schema/sources');
  const files = existsSync(place) ? readdirSync(place).filter((name) => name.endsWith('.graphql')) : [];
  const sdl: Record<string, string> = {};
  const names = sources.map(({ name }) => name);
  for (const file of files) {
    const name = file.slice(0, -'.graphql'.length);
    // A declaration with problems has reported them.
    if (existsSync(join(folder, `sources/${name}.yaml`)) && !names.includes(name)) continue;
    if (names.includes(name)) sdl[name] = readFileSync(join(place, file), 'utf8');
    else
      problems.push(
        `schema/sources/${file}: there is no source "${name}" in sources.${didYouMean(name, names)} Add sources/${name}.yaml or sources/${name}/index.ts, or remove the file.`,
      );
  }
  for (const name of names)
    if (sdl[name] === undefined)
      problems.push(
        `sources/${name} has no SDL: write in schema/sources/${name}.graphql which fields the source adds.`,
      );
  return sdl;
}

/** The sources that are declared in YAML: sources/<name>.yaml, with their SDL. */
function readDeclaredSources(folder: string, problems: string[]): DeclaredSource[] {
  const place = join(folder, 'sources');
  const files = existsSync(place) ? readdirSync(place).filter((name) => name.endsWith('.yaml')) : [];
  return files.sort().flatMap((file) => {
    const name = file.slice(0, -'.yaml'.length);
    const sdlFile = `schema/sources/${name}.graphql`;
    const result = declaredSource({
      file: `sources/${file}`,
      yaml: readFileSync(join(place, file), 'utf8'),
      folder: place,
      sdlFile,
      sdl: existsSync(join(folder, sdlFile)) ? readFileSync(join(folder, sdlFile), 'utf8') : undefined,
    });
    if ('problems' in result) problems.push(...result.problems.map(describeProblem));
    else if (result.source.name !== name)
      problems.push(
        `sources/${file} declares "${result.source.name}". Its name must be that of its file, "${name}".`,
      );
    else if (existsSync(join(place, name)))
      problems.push(`sources/${file} and sources/${name} both exist: remove one of them.`);
    else return [result];
    return [];
  });
}

async function readSources(
  folder: string,
  builtIn: readonly SourceDefinition[],
  problems: string[],
): Promise<SourceDefinition[]> {
  const place = join(folder, 'sources');
  if (!existsSync(place)) return [];
  const sources: SourceDefinition[] = [];
  for (const name of readdirSync(place).sort()) {
    if (!statSync(join(place, name)).isDirectory()) continue;
    const module = MODULES.map((file) => `sources/${name}/${file}`).find((path) =>
      existsSync(join(folder, path)),
    );
    if (module === undefined)
      problems.push(`sources/${name} is not a source: it has no index.ts or index.js that exports one.`);
    else if (builtIn.some((source) => source.name === name))
      problems.push(`sources/${name} has the name of a source of the package. Give it another name.`);
    else {
      const source = await importSource(folder, name, module, problems);
      if (source !== undefined) sources.push(source);
    }
  }
  return sources;
}

async function importSource(
  folder: string,
  name: string,
  path: string,
  problems: string[],
): Promise<SourceDefinition | undefined> {
  if (/\.m?ts$/.test(path) && !(await canImportTypeScript(folder))) {
    problems.push(
      `${path} is TypeScript: use Node.js 22.18 or later, or npm install --save-dev tsx, or write it in JavaScript.`,
    );
    return undefined;
  }
  let exported: Record<string, unknown>;
  try {
    exported = (await importFresh(folder, path)) as Record<string, unknown>;
  } catch (error) {
    const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
    const at = stack.split('\n').find((line) => line.includes(folder));
    problems.push(`${path} cannot be imported: ${message}${at === undefined ? '' : ` (${at.trim()})`}.`);
    return undefined;
  }
  const found = Object.values(exported).filter(isSource);
  const [source] = found;
  if (source === undefined || found.length > 1)
    problems.push(
      `${path} must export one source, which defineSource() returns. It exports ${found.length}.`,
    );
  else if (source.name !== name)
    problems.push(
      `${path} exports the source "${source.name}". Its name must be that of its folder, "${name}".`,
    );
  else return source;
  return undefined;
}

function isSource(value: unknown): value is SourceDefinition {
  return typeof value === 'object' && value !== null && 'name' in value && 'connector' in value;
}

let isTypeScriptReady: Promise<boolean> | undefined;

/** Node.js imports TypeScript itself from 22.18 on. An older one needs tsx in the project. */
function canImportTypeScript(folder: string): Promise<boolean> {
  return (isTypeScriptReady ??= (async () => {
    if ('typescript' in process.features && process.features.typescript !== false) return true;
    try {
      const tsx = createRequire(join(folder, GATEWAY_FILE)).resolve('tsx/esm/api');
      const module = (await import(pathToFileURL(tsx).href)) as { register: () => unknown };
      module.register();
      return true;
    } catch {
      isTypeScriptReady = undefined;
      return false;
    }
  })());
}

/**
 * Passes the version of a module on to the modules that it imports, except installed packages. Node.js caches modules by URL, so
 * without a new version a changed module would not be read again.
 */
const VERSION_HOOK = `
  export async function resolve(specifier, context, nextResolve) {
    const resolved = await nextResolve(specifier, context);
    const version = context.parentURL?.match(/[?&]version=\\d+/)?.[0].slice(1);
    if (version === undefined || !resolved.url.startsWith('file:') || resolved.url.includes('/node_modules/')) return resolved;
    return { ...resolved, url: resolved.url + (resolved.url.includes('?') ? '&' : '?') + version };
  }`;

let version = 0;

function importFresh(folder: string, path: string): Promise<unknown> {
  if (version === 0) register(`data:text/javascript,${encodeURIComponent(VERSION_HOOK)}`);
  version += 1;
  const url = pathToFileURL(join(folder, path));
  url.searchParams.set('version', String(version));
  return import(url.href);
}
