import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { InvalidInputError } from '../errors.js';
import type { Environment } from '../settings.js';
import type { CallBudget } from './call-budget.js';
import { credentialsOf, httpSystem, variableOf } from './http-system.js';
import type { ReaderKind, Target } from './reader.js';
import { chooseReader } from './readers.js';

/** Reads what the command line names as the system. No message repeats the argument, which may contain a password. */

const MAX_FILE_BYTES = 32 * 1024 * 1024;
/** A file with a NUL character near its start is binary. */
const TEXT_SAMPLE_BYTES = 8_192;
const ADDRESS = /^[a-z][a-z\d+.-]*:\/\/\S*$/i;
const SCHEMES = /^(https?|postgres(ql)?|mysql|mariadb):$/;

/** Reads an address, a file or a folder. `-` is an address or a text on standard input, such as a curl command. */
export async function readTarget(what: string, readStandardInput: () => Promise<string>): Promise<Target> {
  if (what === '-') {
    const text = (await readStandardInput()).trim();
    if (text === '')
      throw new InvalidInputError(
        'Standard input is empty. Send an address, a curl command or a description of the system.',
      );
    return ADDRESS.test(text) ? { what, url: readAddress(text) } : { what, text };
  }
  if (/^\s*curl\s/.test(what))
    throw new InvalidInputError(
      'A curl command is read from standard input, so that the history of the shell and the list of processes do not show its token: stekkerdoos connect <name> - < command.txt',
    );
  if (ADDRESS.test(what)) return { what, url: readAddress(what) };
  const path = resolve(what);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined)
    throw new InvalidInputError(
      'There is no such file or folder. An address begins with http://, https://, postgres:// or mysql://.',
    );
  if (stats.isDirectory()) return { what, path, isFolder: true };
  if (stats.size > MAX_FILE_BYTES) return { what, path };
  const bytes = readFileSync(path);
  return bytes.subarray(0, TEXT_SAMPLE_BYTES).includes(0)
    ? { what, path }
    : { what, path, text: bytes.toString('utf8') };
}

function readAddress(what: string): URL {
  if (!URL.canParse(what))
    throw new InvalidInputError(
      'The address is invalid. Encode special characters of a password, such as %40 for @.',
    );
  const url = new URL(what);
  if (!SCHEMES.test(url.protocol))
    throw new InvalidInputError(
      `Addresses of the scheme ${url.protocol}// are not supported. Use http, https, postgres or mysql.`,
    );
  return url;
}

export interface ChooseKindOptions {
  readers: readonly ReaderKind[];
  source: string;
  target: Target;
  /** The answer to `--kind`. */
  kind: string | undefined;
  environment: Environment;
  budget: CallBudget;
}

/**
 * Chooses the kind of a system. If the form of an http(s) address does not decide it, the address is called once, and its answer
 * decides. Returns the target with that answer.
 */
export async function chooseKind(options: ChooseKindOptions): Promise<{ kind: ReaderKind; target: Target }> {
  const { readers, target } = options;
  const chosen = chooseReader(readers, target, options.kind);
  if (chosen !== undefined) return { kind: chosen, target };
  if (target.url?.protocol.startsWith('http') === true) {
    const fetched = { ...target, text: await fetchText(target.url, options) };
    const kind = chooseReader(readers, fetched);
    if (kind !== undefined) return { kind, target: fetched };
  }
  const kinds = readers.map(({ kind, label }) => `  ${kind}: ${label}`);
  throw new InvalidInputError(
    ['The kind of the system was not recognised. Add --kind:', ...kinds].join('\n'),
  );
}

async function fetchText(url: URL, { source, environment, budget }: ChooseKindOptions): Promise<string> {
  const system = httpSystem(budget, credentialsOf(source, environment, url));
  const { status, text } = await system.send({ method: 'GET', url });
  if (status === 401 || status === 403)
    throw new InvalidInputError(
      `The system refuses the credentials (status ${status}). Set ${variableOf(source, 'TOKEN')}, or _USER and _PASSWORD, or _KEY.`,
    );
  return text;
}
