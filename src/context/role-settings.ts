import { z } from 'zod';
import { members, reportIssues } from '../declared/grammar-problems.js';
import type { Report } from '../declared/problems.js';
import { didYouMean } from '../did-you-mean.js';
import { PRIORITIES } from '../priority.js';
import type { SettingsReader } from '../settings.js';
import type { SourceDefinition } from '../source.js';
import type { RolePermissions } from './caller.js';
import { PURPOSES } from './purpose.js';
import { isRole, ROLES, SCOPES, type Roles } from './roles.js';

/** The word for the default values, in a list of a built-in role. */
const DEFAULT = 'default';

const POINTS = 'must be a whole number of points, from 1';
const points = z.int({ error: POINTS }).min(1, { error: POINTS });
const textList = (error: string) => z.array(z.string({ error }), { error }).min(1, { error });
const PURPOSE_LIST = `must be a list of ${PURPOSES.join(', ')}; not empty`;

const role = members(
  {
    scopes: textList('must be a list of scopes, such as [default, warranty:read]').exactOptional(),
    purposes: z
      .array(z.enum([DEFAULT, ...PURPOSES], { error: PURPOSE_LIST }), { error: PURPOSE_LIST })
      .min(1, { error: PURPOSE_LIST })
      .exactOptional(),
    defaultPurpose: z.enum(PURPOSES, { error: `must be one of ${PURPOSES.join(', ')}` }).exactOptional(),
    priority: z.enum(PRIORITIES, { error: `must be one of ${PRIORITIES.join(', ')}` }).exactOptional(),
    maxCost: points.exactOptional(),
    costPerMinute: points.exactOptional(),
    operations: z.enum(['any', 'persisted'], { error: 'must be any or persisted' }).exactOptional(),
    sees: z.enum(['clear', 'masked'], { error: 'must be clear or masked' }).exactOptional(),
    findsBy: z
      .union([z.literal('all'), textList('must be a list of kinds of identifiers')], {
        error: 'must be all, or a list of kinds of identifiers such as [email]',
      })
      .exactOptional(),
  },
  'must be a map such as { scopes: [default, warranty:read] }',
);
type DeclaredRole = z.infer<typeof role>;

const NAME = 'must be the name of a role: letters, digits and dashes';
/** The value of ROLES, and of `roles` in gateway.yaml. */
export const rolesShape = z.record(z.string().regex(/^[A-Za-z][A-Za-z0-9-]{0,60}$/, { error: NAME }), role, {
  error: 'must be a map of roles, such as { operator: { scopes: [default, warranty:read] } }',
});

/** The permissions of a new role, except those that it must name. */
const OF_NEW_ROLE: Omit<Required<RolePermissions>, 'scopes' | 'purposes' | 'defaultPurpose'> = {
  priority: 'interactive',
  maxCost: 5_000,
  costPerMinute: 200_000,
  operations: 'persisted',
  sees: 'masked',
  findsBy: 'all',
};

/** All scopes: those of the gateway, and those of these sources. */
export function scopesOf(sources: readonly SourceDefinition[]): string[] {
  return [...new Set([...SCOPES, ...sources.flatMap(({ scopes = [] }) => scopes)])];
}

/**
 * Reads ROLES, which changes the permissions of built-in roles and adds roles. Reports all problems, and scopes of plugged-in
 * sources that no role has. `all`: all sources, because a role may name the scopes of a source that is not plugged in.
 */
export function readRoles(
  text: string | undefined,
  { all, pluggedIn }: Record<'all' | 'pluggedIn', readonly SourceDefinition[]>,
  { problems, declared }: Pick<SettingsReader, 'problems' | 'declared'>,
): Roles {
  const placeOf = declared.get('ROLES')?.placeOf ?? (() => 'ROLES');
  const report: Report = (place, problem, remedy) => {
    problems.push(`${placeOf(place)}: ${problem} ${remedy}`);
  };
  const roles = new Map<string, Required<RolePermissions>>(Object.entries(ROLES));
  const value = text === undefined ? {} : parsed(text);
  const { data = {}, error } = rolesShape.safeParse(value);
  if (error !== undefined) {
    reportIssues(error.issues, value, report);
    return roles;
  }
  const scopes = scopesOf(all);
  for (const [name, changes] of Object.entries(data)) {
    const permissions = changedRole(name, changes, scopes, report);
    if (permissions !== undefined) roles.set(name, permissions);
  }
  for (const source of pluggedIn)
    for (const scope of source.scopes ?? [])
      if (![...roles.values()].some((permissions) => permissions.scopes.has(scope)))
        report(
          [],
          `No role has the scope "${scope}" of the source ${source.name}.`,
          `Add it to a role in gateway.yaml: roles: { operator: { scopes: [${DEFAULT}, ${scope}] } }.`,
        );
  return roles;
}

/** A text that is not JSON has the wrong shape too. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function changedRole(
  name: string,
  changes: DeclaredRole,
  known: readonly string[],
  report: Report,
): Required<RolePermissions> | undefined {
  const { scopes, purposes, defaultPurpose, findsBy, ...others } = changes;
  const builtIn = isRole(name) ? ROLES[name] : undefined;
  for (const [i, scope] of (scopes ?? []).entries())
    if (!(scope === DEFAULT && builtIn !== undefined) && !known.includes(scope))
      report(
        [name, 'scopes', i],
        `"${scope}" is not a scope.`,
        didYouMean(scope, known).trim() ||
          `Use one of ${known.join(', ')}, or list it in \`scopes\` of a source.`,
      );
  if (
    builtIn === undefined &&
    (scopes === undefined || purposes === undefined || purposes.includes(DEFAULT))
  ) {
    report(
      [name],
      `"${name}" is a new role without ${scopes === undefined ? 'scopes' : 'purposes'} of its own.${didYouMean(name, Object.keys(ROLES))}`,
      'Add scopes and purposes, such as { scopes: [customers:find, profile:read], purposes: [SERVICE] }.',
    );
    return undefined;
  }
  // The token of a visitor names its customer, and no other one may be found with it.
  if (name === 'visitor' && findsBy !== undefined)
    report([name, 'findsBy'], 'A visitor finds only its own customer.', 'Remove findsBy.');
  const allowed = extended(purposes, builtIn?.purposes);
  const fallback =
    builtIn !== undefined && allowed.includes(builtIn.defaultPurpose) ? builtIn.defaultPurpose : allowed[0];
  const chosen = defaultPurpose ?? fallback;
  if (chosen === undefined || !allowed.includes(chosen)) {
    report(
      [name, 'defaultPurpose'],
      'The default purpose is not one of the purposes.',
      `Use one of ${allowed.join(', ')}.`,
    );
    return undefined;
  }
  return {
    ...(builtIn ?? OF_NEW_ROLE),
    ...others,
    scopes: new Set(extended(scopes, builtIn === undefined ? [] : [...builtIn.scopes])),
    purposes: allowed,
    defaultPurpose: chosen,
    ...(findsBy === undefined ? {} : { findsBy: findsBy === 'all' ? findsBy : new Set(findsBy) }),
  };
}

/** The list, with the default values in place of the word `default`. */
function extended<T extends string>(
  list: readonly (T | typeof DEFAULT)[] | undefined,
  defaults: readonly T[] = [],
): T[] {
  if (list === undefined) return [...defaults];
  return [...new Set(list.flatMap((item) => (item === DEFAULT ? defaults : [item])))];
}
