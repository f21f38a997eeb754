import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import {
  isCollection,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  parseDocument,
  type Document,
  type YAMLMap,
} from 'yaml';
import { variableOfKey, type DeclaredSetting } from '../declared-settings.js';
import type { Environment } from '../settings.js';
import { variableOf } from '../source-settings.js';
import { GATEWAY_FILE } from './project-folder.js';

const MAX_BYTES = 256 * 1024;

export interface ProjectSettings {
  /** The environment with the settings of the files added. Existing variables have priority. */
  environment: Environment;
  /** The settings in gateway.yaml, by variable. */
  declared: ReadonlyMap<string, DeclaredSetting>;
  /** The sources that gateway.yaml names, with the place of each. `false` leaves a source out. */
  sources: ReadonlyMap<string, { place: string; isLeftOut: boolean }>;
  problems: string[];
}

/**
 * Reads gateway.yaml and .env of a project folder. A variable of the process has priority over .env, and both have priority over gateway.yaml.
 * Relative paths start at the project folder, which must be the working directory when the settings are used.
 */
export function readProjectSettings(folder: string, process: Environment): ProjectSettings {
  const problems: string[] = [];
  const environment: Record<string, string | undefined> = { ...readEnvFile(folder), ...process };
  const file = new GatewayFile(folder, problems);
  for (const { variable, text, file: path, named } of file.settings()) {
    if (isSet(environment, variable) || isSet(environment, `${variable}_FILE`)) {
      file.declared.delete(variable);
      continue;
    }
    if (path !== undefined) environment[`${variable}_FILE`] = path;
    else environment[variable] = named === undefined ? text : environment[named];
  }
  return { environment, declared: file.declared, sources: file.sources, problems };
}

function readEnvFile(folder: string): Environment {
  const path = join(folder, '.env');
  return existsSync(path) ? parseEnv(readFileSync(path, 'utf8')) : {};
}

function isSet(environment: Environment, variable: string): boolean {
  return (environment[variable] ?? '') !== '';
}

/** The origin of the value of a setting: gateway.yaml itself, another file, or a variable with another name. */
interface Value {
  variable: string;
  text?: string;
  file?: string;
  named?: string;
}

class GatewayFile {
  readonly declared = new Map<string, DeclaredSetting>();
  readonly sources = new Map<string, { place: string; isLeftOut: boolean }>();
  readonly #lines = new LineCounter();
  readonly #document: Document | undefined;
  readonly #problems: string[];

  constructor(folder: string, problems: string[]) {
    this.#problems = problems;
    const path = join(folder, GATEWAY_FILE);
    if (statSync(path).size > MAX_BYTES) {
      problems.push(`${GATEWAY_FILE} has more than ${MAX_BYTES} bytes.`);
      return;
    }
    this.#document = parseDocument(readFileSync(path, 'utf8'), {
      lineCounter: this.#lines,
      prettyErrors: false,
    });
    for (const { pos, message } of this.#document.errors)
      problems.push(`${this.#place(pos[0])}: ${message}.`);
    for (const { pos, message } of this.#document.warnings)
      problems.push(`${this.#place(pos[0])}: ${message}`);
  }

  *settings(): Iterable<Value> {
    const contents = this.#document?.contents ?? null;
    if (contents === null || this.#problems.length > 0) return;
    if (!isMap(contents)) {
      this.#problems.push(`${GATEWAY_FILE}:1:1: it must have names and values, such as "port: 4000".`);
      return;
    }
    for (const { key, place, value } of this.#members(contents)) {
      if (key !== 'sources') yield* this.#setting(key, variableOfKey(key), place, value);
      else if (isMap(value)) yield* this.#ofSources(value);
      else
        this.#problems.push(
          `${place}: "sources" must have a member for each source, such as "loyalty: false".`,
        );
    }
  }

  *#ofSources(sources: YAMLMap): Iterable<Value> {
    for (const { key: name, place, value } of this.#members(sources)) {
      this.sources.set(name, { place, isLeftOut: isScalar(value) && value.value === false });
      if (isMap(value))
        for (const member of this.#members(value))
          yield* this.#setting(
            `sources.${name}.${member.key}`,
            variableOf(name, variableOfKey(member.key)),
            member.place,
            member.value,
          );
      else if (!isScalar(value) || typeof value.value !== 'boolean')
        this.#problems.push(
          `${place}: "sources.${name}" must have settings such as "url", or be false, which leaves the source out.`,
        );
    }
  }

  *#setting(key: string, variable: string, place: string, node: unknown): Iterable<Value> {
    const value = toValue(node, this.#document);
    const from = referenceOf(value);
    const placeOf: DeclaredSetting['placeOf'] = (part) => this.#placeIn(node, part) ?? place;
    this.declared.set(variable, { variable, key, place, isLiteral: from === undefined, placeOf });
    if (from !== undefined) yield { variable, ...from };
    else if (value !== null) yield { variable, text: textOf(value) };
  }

  #members(map: YAMLMap): { key: string; place: string; value: unknown }[] {
    return map.items.flatMap(({ key, value }) => {
      const at = isScalar(key) ? (key.range?.[0] ?? 0) : 0;
      if (isScalar(key) && typeof key.value === 'string')
        return [{ key: key.value, place: this.#place(at), value }];
      this.#problems.push(`${this.#place(at)}: a name must be a text.`);
      return [];
    });
  }

  #placeIn(node: unknown, [first, ...rest]: readonly (string | number)[]): string | undefined {
    if (first === undefined || !isCollection(node)) return undefined;
    const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && key.value === first) : undefined;
    const item = pair === undefined ? node.get(first, true) : pair.value;
    const at = pair === undefined ? item : pair.key;
    if (!isNode(at)) return undefined;
    return this.#placeIn(item, rest) ?? this.#place(at.range?.[0] ?? 0);
  }

  #place(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${GATEWAY_FILE}:${line}:${col}`;
  }
}

function toValue(node: unknown, document: Document | undefined): unknown {
  if (typeof node !== 'object' || node === null || document === undefined) return null;
  const convertible = node as { toJS?: (document: Document) => unknown };
  return convertible.toJS?.(document) ?? null;
}

/** `{ variable: NAME }` or `{ file: path }`. */
function referenceOf(value: unknown): Pick<Value, 'file' | 'named'> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const [[name, target] = [], ...others] = Object.entries(value) as [string, unknown][];
  if (typeof target !== 'string' || others.length > 0) return undefined;
  if (name === 'file') return { file: resolve(target) };
  return name === 'variable' ? { named: target } : undefined;
}

/** The value as the variable has it: a list with commas, and anything nested as JSON. */
function textOf(value: unknown): string {
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object'))
    return value.map(String).join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
