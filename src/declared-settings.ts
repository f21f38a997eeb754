import { didYouMean } from './did-you-mean.js';
import type { SettingsReader } from './settings.js';
import type { AbsentSource } from './unknown-settings.js';

/** A setting in a file, such as gateway.yaml. */
export interface DeclaredSetting {
  /** The environment variable with the same meaning. */
  variable: string;
  /** The name in the file, such as `deadlineMs` or `sources.loyalty.url`. */
  key: string;
  /** File, line and column, such as `gateway.yaml:3:7`. */
  place: string;
  /** Whether the value is in the file. If not, the file names a variable or another file that has it. */
  isLiteral: boolean;
  /** The position of a part of the value, or of the nearest part around it. */
  placeOf?: (part: readonly (string | number)[]) => string;
}

export type DeclaredSettings = ReadonlyMap<string, DeclaredSetting>;

/**
 * Finds settings in files that have no effect, and secrets that are written in a file. Call it after all
 * settings were read, because only then all of them are known.
 */
export function findDeclaredProblems(settings: SettingsReader, absent: readonly AbsentSource[]): string[] {
  const known = [...settings.known].map(keyOfVariable);
  return [...settings.declared.values()].flatMap(({ variable, key, place, isLiteral }) => {
    if (settings.known.has(variable)) {
      const isSecret = settings.isSecret(variable) || hasPassword(settings.environment[variable] ?? '');
      return isLiteral && isSecret
        ? [
            `${place}: "${key}" is a secret. Write { variable: ${variable} } or { file: <path> } here instead of its value.`,
          ]
        : [];
    }
    const owner = absent.find(({ name }) => key.startsWith(`sources.${name}.`));
    if (owner !== undefined)
      return [
        `${place}: "${key}" has no effect: ${owner.name} is not plugged in. Set ${owner.pluggedInBy ?? 'its settings'} too, or remove it.`,
      ];
    const last = key.slice(key.lastIndexOf('.') + 1);
    const prefix = variable.slice(0, variable.length - variableOfKey(last).length);
    const alike = [...settings.known].filter((name) => name.startsWith(prefix));
    const names = prefix === '' ? known : alike.map((name) => keyOfVariable(name.slice(prefix.length)));
    return [`${place}: "${key}" is not a setting.${didYouMean(last, names)}`];
  });
}

/** The variable of a name in a file: `DEADLINE_MS` for `deadlineMs`. */
export function variableOfKey(key: string): string {
  return key.replace(/(?<=[a-z\d])[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** The name in a file of a variable: `deadlineMs` for `DEADLINE_MS`. */
export function keyOfVariable(variable: string): string {
  return variable.toLowerCase().replace(/_([a-z\d])/g, (_, letter: string) => letter.toUpperCase());
}

function hasPassword(value: string): boolean {
  return URL.canParse(value) && new URL(value).password !== '';
}
