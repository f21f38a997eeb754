import { z } from 'zod';
import { ConfigError } from './errors.js';
import { readSettingFile } from './setting-file.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** One environment variable that the gateway or a source reads. */
export interface Setting<T> {
  readonly variable: string;
  /** What a right value looks like, for the message when it is missing or wrong. */
  readonly expects: string;
  readonly schema: z.ZodType<T>;
  /** Its value is shown nowhere. Default: it is shown when the gateway starts. */
  readonly secret?: boolean;
}

/**
 * Declares an environment variable of a source. The source is plugged in when all of its settings without a
 * default are there; when only some are, the gateway does not start and tells which are missing.
 */
export function setting(variable: string): Setting<string>;
export function setting<T>(
  variable: string,
  schema: z.ZodType<T>,
  expects: string,
  options?: Pick<Setting<T>, 'secret'>,
): Setting<T>;
export function setting(
  variable: string,
  schema: z.ZodType = z.string().min(1),
  expects = 'a text that is not empty',
  options: Pick<Setting<unknown>, 'secret'> = {},
): Setting<unknown> {
  return { variable, schema, expects, ...options };
}

/** The same for a text that must be shown nowhere. */
export function secretSetting(variable: string): Setting<string> {
  return { ...setting(variable), secret: true };
}

/** An http(s) address, without a slash at its end. What a source is asked by comes behind it. */
export function urlSetting(variable: string, example: string): Setting<string> {
  const schema = z
    .url({ protocol: /^https?$/ })
    // They would be left out silently.
    .refine((url) => {
      if (!URL.canParse(url)) return false;
      const { username, password, search, hash } = new URL(url);
      return `${username}${password}${search}${hash}` === '';
    })
    .transform((url) => url.replace(/\/+$/, ''));
  return setting(
    variable,
    schema,
    `an http(s) address such as ${example}, without user name, query or fragment`,
  );
}

/** The entries of a setting that is a JSON list, not empty. What is wrong is among the problems then, without a value. */
export function listIn(variable: string, text: string, example: string, problems: string[]): unknown[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The parser's own words quote the text.
  }
  const { data } = z.array(z.unknown()).min(1).safeParse(parsed);
  if (data === undefined)
    problems.push(`${variable} is not right: it must be a JSON list such as ${example}.`);
  return data ?? [];
}

/**
 * Reads settings and gathers what is wrong with them, so that everything can be mended in one go. Where `<VARIABLE>_FILE`
 * is set, the value is what that file holds: so secrets need not stand in the environment.
 */
export class SettingsReader {
  readonly problems: string[] = [];
  /** What was read so far, as it may be shown. */
  readonly #shown = new Map<string, string>();
  readonly #files = new Map<string, string | undefined>();
  readonly #known = new Set<string>();

  constructor(readonly environment: Environment) {}

  /** The value; undefined when it is wrong, which is then among the problems. */
  read<T>({ variable, schema, expects, secret = false }: Setting<T>): T | undefined {
    this.#known.add(variable);
    const isFile = this.#get(`${variable}_FILE`) !== undefined;
    const raw = isFile ? this.#readFile(variable) : this.#get(variable);
    // What is wrong with the file is among the problems already.
    if (isFile && raw === undefined) return undefined;
    if (raw !== undefined && this.#shown.get(variable) !== HIDDEN)
      this.#shown.set(variable, secret ? HIDDEN : shown(raw));
    const result = schema.safeParse(raw);
    if (result.success) return result.data;
    // The value itself is left out: it may be a secret.
    this.problems.push(
      `${variable} ${raw === undefined ? 'is missing' : 'is not right'}: it must be ${expects}.`,
    );
    return undefined;
  }

  isPresent({ variable }: Setting<unknown>): boolean {
    this.#known.add(variable);
    return this.#get(variable) !== undefined || this.#get(`${variable}_FILE`) !== undefined;
  }

  /** The variables that anything was read from, or that were looked for. */
  get known(): ReadonlySet<string> {
    return this.#known;
  }

  /** The settings that were read and are set, by variable, with `***` for what is secret. */
  get shown(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#shown);
  }

  /** An empty variable is how shells and compose files say "not set". */
  #get(variable: string): string | undefined {
    return this.environment[variable] === '' ? undefined : this.environment[variable];
  }

  #readFile(variable: string): string | undefined {
    if (this.#files.has(variable)) return this.#files.get(variable);
    let value: string | undefined;
    if (this.#get(variable) !== undefined) {
      this.problems.push(`${variable} and ${variable}_FILE are both set: leave out one of them.`);
    } else {
      const read = readSettingFile(this.#get(`${variable}_FILE`) ?? '');
      if ('problem' in read) this.problems.push(`${variable}_FILE ${read.problem}.`);
      else value = read.value;
    }
    this.#files.set(variable, value);
    return value;
  }

  /** True when the gateway works without the variable being set. */
  isOptional({ schema }: Setting<unknown>): boolean {
    return schema.safeParse(undefined).success;
  }

  throwIfWrong(): void {
    if (this.problems.length > 0) throw new ConfigError(this.problems);
  }
}

const HIDDEN = '***';

/** What is no secret by itself may hold one: an address with a password in it, or a text of many lines. */
function shown(value: string): string {
  if (value.includes('\n')) return HIDDEN;
  if (!/^[\w+.-]+:/.test(value)) return value;
  if (!URL.canParse(value)) return HIDDEN;
  const { protocol, username, password, host, pathname, search } = new URL(value);
  if (host === '') return HIDDEN;
  const who = `${username}${password}` === '' ? '' : `${HIDDEN}@`;
  return `${protocol}//${who}${host}${pathname}${search === '' ? '' : `?${HIDDEN}`}`;
}
