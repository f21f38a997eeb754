import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { webOrigin } from '../config.js';
import { listIn } from '../settings.js';
import { PRIORITIES } from '../priority.js';
import type { Caller, Role } from './caller.js';
import { priorityOf } from './directives.js';
import { PURPOSES } from './purpose.js';
import { isRole, permissionsOf, ROLES } from './roles.js';

const points = z.number().int().min(1);

/** One of API_KEYS. What is left out is as the roles give it. */
const declaredKey = z.strictObject({
  name: z.string().regex(/^[\w.-]{1,64}$/),
  roles: z.tuple([z.string().refine(isRole)], z.string().refine(isRole)),
  sha256: z
    .array(z.string().regex(/^[\da-f]{64}$/i))
    .min(1)
    .max(2),
  purposes: z.tuple([z.enum(PURPOSES)], z.enum(PURPOSES)).optional(),
  defaultPurpose: z.enum(PURPOSES).optional(),
  priority: z.enum(PRIORITIES).optional(),
  maxCost: points.optional(),
  costPerMinute: points.optional(),
  origins: z.array(webOrigin).optional(),
  findsBy: z.array(z.string().regex(/^\w+$/)).optional(),
});
type DeclaredKey = z.output<typeof declaredKey>;

const EXAMPLE = '[{"name": "shop", "roles": ["frontend"], "sha256": ["..."]}]';

/** What each field must be, in the words of a problem. */
const EXPECTS: Readonly<Record<string, string>> = {
  name: '1 to 64 letters, digits, dots, hyphens and underscores, which no other key has',
  roles: `a list of ${Object.keys(ROLES).join(', ')}; not empty`,
  sha256: 'one or two SHA-256 hashes of 64 hexadecimal digits, which no other key has',
  purposes: `a list of ${PURPOSES.join(', ')}; not empty`,
  defaultPurpose: `one of ${PURPOSES.join(', ')}`,
  priority: `one of ${PRIORITIES.join(', ')}`,
  maxCost: 'a whole number of points, from 1',
  costPerMinute: 'a whole number of points, from 1',
  origins: 'a list of web sites such as "https://www.example.nl", without a path',
  findsBy: 'a list of kinds of identifiers, such as "email"',
};

/** The callers that have API keys. */
export interface ApiKeys {
  callers: readonly Caller[];
  /** Whose key it is; undefined when it is nobody's. It takes as long either way, whosever key it nearly is. */
  find(key: string): Caller | undefined;
}

/**
 * A new key for a caller, and the hash of it that API_KEYS is to hold. It has 256 random bits, so the plain hash cannot
 * be turned back; of a key that somebody made up it could.
 */
export function newKey(): { key: string; sha256: string } {
  const key = `sd_${randomBytes(32).toString('base64url')}`;
  return { key, sha256: hash('sha256', key, 'hex') };
}

/** Reads API_KEYS. What is wrong is told by key and field, without a value, and the key is left out. */
export function readApiKeys(text: string, problems: string[]): ApiKeys {
  const keys: { caller: Caller; digest: Buffer }[] = [];
  const taken = new Set<string>();
  for (const [index, entry] of listIn('API_KEYS', text, EXAMPLE, problems).entries()) {
    const { data: key, error } = declaredKey.safeParse(entry);
    const tell = (field: string, what: string) => {
      const name = key?.name ?? declaredKey.shape.name.safeParse(nameOf(entry)).data ?? String(index + 1);
      problems.push(`API_KEYS, key ${name}, ${field}: ${what}.`);
    };
    if (key === undefined) {
      const fields = new Set(error.issues.map(({ path }) => String(path[0] ?? '')));
      for (const field of fields)
        if (field === '') tell('fields', `they must be of ${Object.keys(EXPECTS).join(', ')}, and no others`);
        else tell(field, `it must be ${EXPECTS[field] ?? ''}`);
      continue;
    }
    const hashes = new Set(key.sha256.map((digest) => digest.toLowerCase()));
    for (const [field, values] of [
      ['name', [key.name]],
      ['sha256', hashes],
    ] as const)
      for (const value of values) {
        if (taken.has(value)) tell(field, `it must be ${EXPECTS[field] ?? ''}`);
        taken.add(value);
      }
    const caller = callerOf(key, tell);
    for (const digest of hashes) keys.push({ caller, digest: Buffer.from(digest, 'hex') });
  }
  // One for all: a buffer of its own takes longer to be made than the hash.
  const digest = Buffer.alloc(32);
  return {
    callers: [...new Set(keys.map(({ caller }) => caller))],
    find: (key) => {
      digest.write(hash('sha256', key, 'binary'), 'latin1');
      let found: Caller | undefined;
      // To the end in any case: how far it went would tell which key is nearly right.
      for (const one of keys) if (timingSafeEqual(one.digest, digest)) found = one.caller;
      return found;
    },
  };
}

function nameOf(entry: unknown): unknown {
  return typeof entry === 'object' && entry !== null && 'name' in entry ? entry.name : undefined;
}

/** A key may narrow what its roles give, and never widen it. */
function callerOf(key: DeclaredKey, tell: (field: string, what: string) => void): Caller {
  const roles: readonly [Role, ...Role[]] = key.roles;
  const rights = permissionsOf(roles);
  // Whose key it is would be everybody who has seen the page.
  if (roles.includes('visitor')) tell('roles', 'a visitor is named by a token (JWT_ISSUER), not by a key');
  for (const purpose of key.purposes ?? [])
    if (!rights.purposes.includes(purpose)) tell('purposes', `its roles do not give ${purpose}`);
  const purposes = key.purposes ?? rights.purposes;
  if (key.defaultPurpose !== undefined && !purposes.includes(key.defaultPurpose))
    tell('defaultPurpose', 'it must be one of its purposes');
  if (key.priority !== undefined && priorityOf(key.priority, rights.priority) !== key.priority)
    tell('priority', `its roles give ${rights.priority} and no more`);
  for (const field of ['maxCost', 'costPerMinute'] as const)
    if ((key[field] ?? 0) > rights[field]) tell(field, `its roles give ${rights[field]} and no more`);
  const [first] = purposes;
  const usual = purposes.includes(rights.defaultPurpose) ? rights.defaultPurpose : first;
  const defaultPurpose = key.defaultPurpose ?? usual;
  return {
    ...rights,
    name: key.name,
    roles,
    purposes,
    ...(defaultPurpose === undefined ? {} : { defaultPurpose }),
    priority: key.priority ?? rights.priority,
    maxCost: key.maxCost ?? rights.maxCost,
    costPerMinute: key.costPerMinute ?? rights.costPerMinute,
    origins: key.origins ?? [],
    findsBy: key.findsBy === undefined ? rights.findsBy : new Set(key.findsBy),
  };
}
