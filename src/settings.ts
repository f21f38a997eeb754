import { z } from 'zod';
import type { DeclaredSettings } from './declared-settings.js';
import { ConfigError } from './errors.js';
import { readSettingFile } from './setting-file.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** One environment variable that the gateway or a source reads. */
export interface Setting<T> {
  readonly variable: string;
  /** A description of valid values, for the message if the value is missing or invalid. */
  readonly expects: string;
  readonly schema: z.ZodType<T>;
  /** Whether the value is hidden in the list of settings that the gateway logs at start. Default: false. */
  readonly secret?: boolean;
}

/**
 * Declares an environment variable of a source. The source is plugged in if all of its settings without a default are set. If
 * only some are set, the gateway does not start and lists the missing ones.
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

/** Declares an environment variable whose value is a secret text. */
export function secretSetting(variable: string): Setting<string> {
  return { ...setting(variable), secret: true };
}

/** Declares an http(s) address. The value has no trailing slash, so that paths can be appended. */
export function urlSetting(variable: string, example: string): Setting<string> {
  const schema = z
    .url({ protocol: /^https?$/ })
    // Requests would omit these parts without an error.
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

/** Reads a setting that is a JSON list with at least one entry. Problems are added to `problems`, without the value. */
export function listIn(variable: string, text: string, example: string, problems: string[]): unknown[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The parser's message would quote the text, which may be secret.
  }
  const { data } = z.array(z.unknown()).min(1).safeParse(parsed);
  if (data === undefined) problems.push(`${variable} is invalid: it must be a JSON list such as ${example}.`);
  return data ?? [];
}

/**
 * Reads settings and collects all problems, so that they can be corrected together. If `<VARIABLE>_FILE` is set, the value is
 * the content of that file, so that secrets do not have to be in the environment.
 */
export class SettingsReader {
  readonly problems: string[] = [];
  /** The values read by now, with secrets hidden. */
  readonly #shown = new Map<string, string>();
  readonly #files = new Map<string, string | undefined>();
  readonly #known = new Set<string>();
  readonly #secrets = new Set<string>();

  constructor(
    readonly environment: Environment,
    /** The settings that come from a file, for the place in a message. Default: none. */
    readonly declared: DeclaredSettings = new Map(),
  ) {}

  /** Returns the value. If it is invalid, adds a problem and returns undefined. */
  read<T>({ variable, schema, expects, secret = false }: Setting<T>): T | undefined {
    this.#known.add(variable);
    if (secret) this.#secrets.add(variable);
    const isFile = this.#get(`${variable}_FILE`) !== undefined;
    const raw = isFile ? this.#readFile(variable) : this.#get(variable);
    // `#readFile` has added a problem.
    if (isFile && raw === undefined) return undefined;
    if (raw !== undefined && this.#shown.get(variable) !== HIDDEN)
      this.#shown.set(variable, secret ? HIDDEN : shown(raw));
    const result = schema.safeParse(raw);
    if (result.success) return result.data;
    // The message omits the value: it may be a secret.
    this.problems.push(
      `${this.#nameOf(variable)} ${raw === undefined ? 'is missing' : 'is invalid'}: it must be ${expects}.`,
    );
    return undefined;
  }

  isPresent({ variable }: Setting<unknown>): boolean {
    this.#known.add(variable);
    return this.#get(variable) !== undefined || this.#get(`${variable}_FILE`) !== undefined;
  }

  /** The variables that were read or checked for presence. */
  get known(): ReadonlySet<string> {
    return this.#known;
  }

  /** The files that were read for `<VARIABLE>_FILE`. */
  get files(): string[] {
    return [...this.#files.keys()].flatMap((variable) => this.#get(`${variable}_FILE`) ?? []);
  }

  /** Whether the value of a setting that was read is a secret. */
  isSecret(variable: string): boolean {
    return this.#secrets.has(variable);
  }

  /** The settings that are set, by variable, with `***` in place of secrets. */
  get shown(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#shown);
  }

  /** The variable, or the name and place in the file that sets it. */
  #nameOf(variable: string): string {
    const declared = this.declared.get(variable);
    return declared === undefined ? variable : `${declared.place}: "${declared.key}"`;
  }

  /** Treats an empty variable as unset, as shells and compose files do. */
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

  /** Whether the gateway can start without this setting. */
  isOptional({ schema }: Setting<unknown>): boolean {
    return schema.safeParse(undefined).success;
  }

  throwIfWrong(): void {
    if (this.problems.length > 0) throw new ConfigError(this.problems);
  }
}

const HIDDEN = '***';

/** Hides parts that may be secret: the password in an address, and texts of several lines. */
function shown(value: string): string {
  if (value.includes('\n')) return HIDDEN;
  if (!/^[\w+.-]+:/.test(value)) return value;
  if (!URL.canParse(value)) return HIDDEN;
  const { protocol, username, password, host, pathname, search } = new URL(value);
  if (host === '') return HIDDEN;
  const credentials = `${username}${password}` === '' ? '' : `${HIDDEN}@`;
  return `${protocol}//${credentials}${host}${pathname}${search === '' ? '' : `?${HIDDEN}`}`;
}
