import type { Environment } from './settings.js';

/** A shorter name is near to too many others. */
const MIN_NAME_CHARACTERS = 8;
const MAX_DISTANCE = 2;
/** Two edits of a shorter name often give the name of something else. */
const MIN_NAME_CHARACTERS_FOR_TWO = 12;
/** After its first word. Other programs use short words too: `REDIS_URI`. */
const MIN_OWN_CHARACTERS = 5;

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
 * A misspelt name is a problem if the setting that is meant is not set, and the name can hardly be of another program. It is
 * a warning otherwise. A name that only begins like the settings of a source is a warning too. `X` and `X_FILE` are one setting.
 */
export function findUnknownSettings(
  environment: Environment,
  known: ReadonlySet<string>,
  absent: readonly AbsentSource[],
): UnknownSettings {
  const found: UnknownSettings = { problems: [], warnings: [] };
  const isSet = (variable: string) => (environment[variable] ?? '') !== '';
  const all = new Map([...known].flatMap((setting) => namesOf(setting).map((name) => [name, setting])));
  for (const variable of Object.keys(environment)) {
    if (!isSet(variable) || !/^[A-Z][A-Z\d_]*$/.test(variable) || all.has(variable)) continue;
    const owner =
      absent.find(({ variables }) => variables.some((pattern) => namesOf(pattern).includes(variable))) ??
      absent.find(({ name }) => {
        const prefix = prefixOf(name);
        // A short prefix is not a sign of a source.
        return prefix.length > 3 && variable.startsWith(prefix);
      });
    if (owner !== undefined) {
      const isDeclared = owner.variables.some((pattern) => namesOf(pattern).includes(variable));
      (isDeclared ? found.problems : found.warnings).push(
        `${variable} has no effect: ${owner.name} is not plugged in. Set ${owner.pluggedInBy ?? 'its settings'} too, or remove ${variable}.`,
      );
      continue;
    }
    const near = nearestOf(variable, all);
    if (near === undefined) continue;
    const isProblem = !namesOf(near.setting).some(isSet) && isHardlyOfOthers(variable, near.setting);
    (isProblem ? found.problems : found.warnings).push(
      `${variable} is not a setting. Did you mean ${near.name}? Rename or remove it.`,
    );
  }
  return found;
}

/** A setting may be in a file. */
function namesOf(setting: string): string[] {
  return [setting, `${setting}_FILE`];
}

/** A source `ticket-desk` has settings such as `TICKET_DESK_URL`. */
function prefixOf(source: string): string {
  return `${source.replaceAll('-', '_').toUpperCase()}_`;
}

/** Whether the name begins with the setting's first word, and enough follows in the setting. */
function isHardlyOfOthers(variable: string, setting: string): boolean {
  const [word = ''] = setting.split('_', 1);
  return variable.startsWith(`${word}_`) && setting.length - word.length - 1 >= MIN_OWN_CHARACTERS;
}

function nearestOf(
  variable: string,
  /** The settings, by both names of each. */
  all: ReadonlyMap<string, string>,
): { name: string; setting: string } | undefined {
  if (variable.length < MIN_NAME_CHARACTERS) return undefined;
  let nearest: { name: string; setting: string; distance: number } | undefined;
  for (const [name, setting] of all) {
    const most = setting.length < MIN_NAME_CHARACTERS_FOR_TWO ? 1 : MAX_DISTANCE;
    if (Math.abs(name.length - variable.length) > most || name.length < MIN_NAME_CHARACTERS) continue;
    const distance = distanceOf(variable, name);
    if (distance <= most && distance < (nearest?.distance ?? Infinity)) nearest = { name, setting, distance };
  }
  return nearest;
}

/** How many edits lead from one text to the other: a character inserted, removed or replaced, or two neighbours swapped. */
function distanceOf(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
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
  return above[b.length] ?? 0;
}
