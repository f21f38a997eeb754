import type { Environment } from './settings.js';

/** A shorter name is near to too many others. */
const MIN_NAME_CHARACTERS = 8;
const MAX_DISTANCE = 2;

/** A source that is not plugged in: the setting that does so is not set. */
export interface AbsentSource {
  name: string;
  /** All its settings. */
  variables: readonly string[];
  /** The setting that plugs it in. */
  pluggedInBy: string | undefined;
}

export interface UnknownSettings {
  /** The gateway does not start with these. */
  problems: string[];
  warnings: string[];
}

/**
 * Finds variables that look like settings and have no effect: misspelt ones, and those of sources that are not plugged in.
 * It ignores all other variables of the environment.
 *
 * A misspelt name is a problem if the setting that is meant is not set, and else a warning. A name that only begins like the
 * settings of a source is a warning too.
 */
export function findUnknownSettings(
  environment: Environment,
  known: ReadonlySet<string>,
  absent: readonly AbsentSource[],
): UnknownSettings {
  const found: UnknownSettings = { problems: [], warnings: [] };
  const isSet = (variable: string) => (environment[variable] ?? '') !== '';
  const names = [...known].flatMap((variable) => [variable, `${variable}_FILE`]);
  const all = new Set(names);
  for (const variable of Object.keys(environment).filter(
    (one) => isSet(one) && /^[A-Z][A-Z\d_]*$/.test(one),
  )) {
    const bare = variable.replace(/_FILE$/, '');
    const owner = absent.find(({ name, variables }) => {
      const prefix = prefixOf(name);
      // A short prefix is no sign of a source.
      return variables.includes(bare) || (prefix.length > 3 && variable.startsWith(prefix));
    });
    if (owner !== undefined) {
      const isDeclared = owner.variables.includes(bare);
      (isDeclared ? found.problems : found.warnings).push(
        `${variable} has no effect: ${owner.name} is not plugged in. Set ${owner.pluggedInBy ?? 'its settings'} too, or remove ${variable}.`,
      );
    } else if (!all.has(variable)) {
      const near = nearestOf(variable, names);
      if (near === undefined) continue;
      (isSet(near) ? found.warnings : found.problems).push(
        `${variable} is not a setting. Did you mean ${near}? Rename or remove it.`,
      );
    }
  }
  return found;
}

/** `crm-hubspot` has settings such as `CRM_HUBSPOT_URL`. */
function prefixOf(source: string): string {
  return `${source.replaceAll('-', '_').toUpperCase()}_`;
}

function nearestOf(variable: string, names: readonly string[]): string | undefined {
  if (variable.length < MIN_NAME_CHARACTERS) return undefined;
  let nearest: { name: string; distance: number } | undefined;
  for (const name of names) {
    if (Math.abs(name.length - variable.length) > MAX_DISTANCE || name.length < MIN_NAME_CHARACTERS) continue;
    const distance = distanceOf(variable, name);
    if (distance <= MAX_DISTANCE && distance < (nearest?.distance ?? Infinity)) nearest = { name, distance };
  }
  return nearest?.name;
}

/** How many edits lead from one text to the other: a character inserted, removed or replaced, or two neighbours swapped. */
function distanceOf(one: string, other: string): number {
  let before: number[] = [];
  let above = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const isSame = one[i - 1] === other[j - 1];
      const isSwapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      row[j] = Math.min(
        (above[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (above[j - 1] ?? 0) + (isSame ? 0 : 1),
        isSwapped ? (before[j - 2] ?? 0) + 1 : Infinity,
      );
    }
    before = above;
    above = row;
  }
  return above[other.length] ?? 0;
}
