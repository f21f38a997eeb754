import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { webOrigin } from '../config.js';
import { listIn } from '../settings.js';
import { PRIORITIES } from '../priority.js';
import type { Caller } from './caller.js';
import { priorityOf } from './directives.js';
import { PURPOSES } from './purpose.js';
import { permissionsOf, type Roles } from './roles.js';

const costPoints = z.number().int().min(1);

/** One entry of API_KEYS. The roles give the default of an absent field. */
function keyShape(roles: Roles) {
  const role = z.string().refine((name) => roles.has(name));
  return z.strictObject({
    name: z.string().regex(/^[\w.-]{1,64}$/),
    roles: z.tuple([role], role),
    sha256: z
      .array(z.string().regex(/^[\da-f]{64}$/i))
      .min(1)
      .max(2),
    purposes: z.tuple([z.enum(PURPOSES)], z.enum(PURPOSES)).optional(),
    defaultPurpose: z.enum(PURPOSES).optional(),
    priority: z.enum(PRIORITIES).optional(),
    maxCost: costPoints.optional(),
    costPerMinute: costPoints.optional(),
    origins: z.array(webOrigin).optional(),
    findsBy: z.array(z.string().regex(/^\w+$/)).optional(),
  });
}
type DeclaredKey = z.output<ReturnType<typeof keyShape>>;

const EXAMPLE = '[{"name": "shop", "roles": ["frontend"], "sha256": ["..."]}]';

/** The expected value of each field, for error messages. */
const expectedValues = (roles: Roles): Readonly<Record<string, string>> => ({
  name: '1 to 64 letters, digits, dots, hyphens and underscores, which no other key has',
  roles: `a list of ${[...roles.keys()].join(', ')}; not empty`,
  sha256: 'one or two SHA-256 hashes of 64 hexadecimal digits, which no other key has',
  purposes: `a list of ${PURPOSES.join(', ')}; not empty`,
  defaultPurpose: `one of ${PURPOSES.join(', ')}`,
  priority: `one of ${PRIORITIES.join(', ')}`,
  maxCost: 'a whole number of points, from 1',
  costPerMinute: 'a whole number of points, from 1',
  origins: 'a list of web sites such as "https://www.example.nl", without a path',
  findsBy: 'a list of kinds of identifiers, such as "email"',
});

/** The callers that have API keys. */
export interface ApiKeys {
  callers: readonly Caller[];
  /** The caller with this key; undefined if there is none. Takes constant time, so it reveals no similar key. */
  find(key: string): Caller | undefined;
}

/**
 * Creates a new key, and its hash for API_KEYS. The key has 256 random bits, so it cannot be found from the
 * plain hash. That would be possible for a key that a person chose.
 */
export function newKey(): { key: string; sha256: string } {
  const key = `sd_${randomBytes(32).toString('base64url')}`;
  return { key, sha256: hash('sha256', key, 'hex') };
}

/** Reads API_KEYS. Leaves out each invalid key, and reports its problems by key and field, without values. */
export function readApiKeys(text: string, roles: Roles, problems: string[]): ApiKeys {
  const keys: { caller: Caller; digest: Buffer }[] = [];
  const shape = keyShape(roles);
  const expected = expectedValues(roles);
  const taken = new Set<string>();
  for (const [index, entry] of listIn('API_KEYS', text, EXAMPLE, problems).entries()) {
    const { data: key, error } = shape.safeParse(entry);
    const report = (field: string, what: string) => {
      const name = key?.name ?? shape.shape.name.safeParse(nameOf(entry)).data ?? String(index + 1);
      problems.push(`API_KEYS, key ${name}, ${field}: ${what}.`);
    };
    if (key === undefined) {
      const fields = new Set(error.issues.map(({ path }) => String(path[0] ?? '')));
      for (const field of fields)
        if (field === '')
          report('fields', `they must be of ${Object.keys(expected).join(', ')}, and no others`);
        else report(field, `it must be ${expected[field] ?? ''}`);
      continue;
    }
    const hashes = new Set(key.sha256.map((digest) => digest.toLowerCase()));
    for (const [field, values] of [
      ['name', [key.name]],
      ['sha256', hashes],
    ] as const)
      for (const value of values) {
        if (taken.has(value)) report(field, `it must be ${expected[field] ?? ''}`);
        taken.add(value);
      }
    const caller = callerOf(key, roles, report);
    for (const digest of hashes) keys.push({ caller, digest: Buffer.from(digest, 'hex') });
  }
  // Shared by all calls, because allocating a buffer takes longer than the hash.
  const digest = Buffer.alloc(32);
  return {
    callers: [...new Set(keys.map(({ caller }) => caller))],
    find: (key) => {
      digest.write(hash('sha256', key, 'binary'), 'latin1');
      let found: Caller | undefined;
      // Compares all keys: stopping at the first match would reveal by its duration which key matched.
      for (const known of keys) if (timingSafeEqual(known.digest, digest)) found = known.caller;
      return found;
    },
  };
}

function nameOf(entry: unknown): unknown {
  return typeof entry === 'object' && entry !== null && 'name' in entry ? entry.name : undefined;
}

/** Makes the caller of a key. A key can only restrict what its roles allow. */
function callerOf(key: DeclaredKey, all: Roles, report: (field: string, what: string) => void): Caller {
  const { roles } = key;
  const permissions = permissionsOf(roles, all);
  // Every visitor of the page could read such a key.
  if (roles.includes('visitor'))
    report('roles', 'a visitor needs a token (JWT_ISSUER), not a key; remove the role visitor');
  for (const purpose of key.purposes ?? [])
    if (!permissions.purposes.includes(purpose)) report('purposes', `its roles do not allow ${purpose}`);
  const purposes = key.purposes ?? permissions.purposes;
  if (key.defaultPurpose !== undefined && !purposes.includes(key.defaultPurpose))
    report('defaultPurpose', 'it must be one of its purposes');
  if (key.priority !== undefined && priorityOf(key.priority, permissions.priority) !== key.priority)
    report('priority', `its roles allow at most ${permissions.priority}`);
  for (const field of ['maxCost', 'costPerMinute'] as const)
    if ((key[field] ?? 0) > permissions[field])
      report(field, `its roles allow at most ${permissions[field]}`);
  const [first] = purposes;
  const roleDefault = purposes.includes(permissions.defaultPurpose) ? permissions.defaultPurpose : first;
  const defaultPurpose = key.defaultPurpose ?? roleDefault;
  return {
    ...permissions,
    name: key.name,
    roles,
    purposes,
    ...(defaultPurpose === undefined ? {} : { defaultPurpose }),
    priority: key.priority ?? permissions.priority,
    maxCost: key.maxCost ?? permissions.maxCost,
    costPerMinute: key.costPerMinute ?? permissions.costPerMinute,
    origins: key.origins ?? [],
    findsBy: key.findsBy === undefined ? permissions.findsBy : new Set(key.findsBy),
  };
}
