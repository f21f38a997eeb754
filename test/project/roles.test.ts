import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createGateway, type Gateway } from '../../src/gateway.js';
import { ConfigError } from '../../src/errors.js';
import { readProjectSettings } from '../../src/project/gateway-file.js';
import {
  createApiKey,
  validClaims,
  createTestAuthentication,
  createSigningKey,
  signToken,
  tokenSettings,
} from '../support/authentication.js';
import { localSource } from '../support/local-source.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-project-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const SDL = `type Query {
  "The repair shops."
  repairShops: [String!] @personalData(category: NONE) @requiresScopes(scopes: [["warranty:read"]])
}`;
const KEYS = [
  createApiKey('mechanic', 'workshop'),
  createApiKey('office', 'operator'),
  createApiKey('page', 'frontend'),
];

function startWith(
  yaml: string,
  { scopes = ['warranty:read'], sdl = SDL, keys = KEYS.slice(1) } = {},
): Gateway {
  writeFileSync(join(folder, 'gateway.yaml'), yaml);
  const { source, environment: plugged } = localSource('warranty', {
    scopes,
    resolvers: { Query: { repairShops: () => ['Delft'] } },
  });
  const { environment, declared, problems } = readProjectSettings(folder, {
    ID_SECRET: 'a secret of the tests',
    LOG_LEVEL: 'silent',
    // The deadline is long because the machine may be busy.
    MAX_DELAY_MS: '60000',
    API_KEYS: JSON.stringify(keys.map(({ entry }) => entry)),
    ...plugged,
  });
  return createGateway({ sources: [source], sdl: { warranty: sdl }, environment, declared, problems });
}

function problemsOf(...options: Parameters<typeof startWith>): readonly string[] {
  try {
    void startWith(...options).close();
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

async function shopsFor(gateway: Gateway, key: string | undefined): Promise<unknown> {
  const answer = await gateway.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key ?? ''}` },
    body: JSON.stringify({ query: '{ repairShops }' }),
  });
  const { data, errors } = (await answer.json()) as {
    data?: { repairShops: unknown };
    errors?: { extensions: { code: string } }[];
  };
  return data?.repairShops ?? errors?.[0]?.extensions.code;
}

describe('roles in gateway.yaml', () => {
  test('allow a new role to see a field with a scope of a source, and no other role', async () => {
    const gateway = startWith(
      'roles:\n  workshop: { scopes: [warranty:read], purposes: [SERVICE], operations: any }\n  frontend: { operations: any }\n',
      { keys: KEYS },
    );
    const [mechanic, office, page] = KEYS;
    expect(await shopsFor(gateway, mechanic?.key)).toEqual(['Delft']);
    expect(await shopsFor(gateway, office?.key)).toBe('FORBIDDEN');
    expect(await shopsFor(gateway, page?.key)).toBe('FORBIDDEN');
    await gateway.close();
  });

  test('extend the defaults of a built-in role', async () => {
    const gateway = startWith('roles:\n  operator:\n    scopes: [default, warranty:read]\n');
    const [, office] = KEYS;
    expect(await shopsFor(gateway, office?.key)).toEqual(['Delft']);
    const caller = await gateway.authentication.caller(
      new Headers({ authorization: `Bearer ${office?.key ?? ''}` }),
    );
    expect(caller).toMatchObject({ defaultPurpose: 'CUSTOMER_CARE', sees: 'clear', maxCost: 1_000_000 });
    expect(caller.scopes.has('customers:find')).toBe(true);
    await gateway.close();
  });

  test('replace the members that they name, and a new role has the fewest permissions by default', async () => {
    const gateway = startWith(
      `roles:
  operator: { scopes: [warranty:read], purposes: [MARKETING, SERVICE], priority: bulk, maxCost: 7, findsBy: [email] }
  workshop: { scopes: [customers:find], purposes: [SERVICE, ANALYTICS] }
`,
      { keys: KEYS },
    );
    const callerOf = ({ key }: { key: string }) =>
      gateway.authentication.caller(new Headers({ authorization: `Bearer ${key}` }));
    const [mechanic, office] = KEYS as [(typeof KEYS)[0], (typeof KEYS)[0]];
    expect(await callerOf(office)).toMatchObject({
      ...{ scopes: new Set(['warranty:read']), purposes: ['MARKETING', 'SERVICE'] },
      ...{ defaultPurpose: 'MARKETING', priority: 'bulk', maxCost: 7, costPerMinute: 20_000_000 },
      ...{ findsBy: new Set(['email']), operations: 'any' },
    });
    expect(await callerOf(mechanic)).toMatchObject({
      ...{ roles: ['workshop'], defaultPurpose: 'SERVICE', operations: 'persisted', sees: 'masked' },
      ...{ maxCost: 5_000, findsBy: 'all' },
    });
    await gateway.close();
  });

  test('are documented by a valid example', () => {
    const page = readFileSync(new URL('../../src/context/README.md', import.meta.url), 'utf8');
    const [, example = ''] = /^```yaml\n([^]*?)^```$/m.exec(page) ?? [];
    expect(example).toContain('roles:');
    expect(problemsOf(example)).toEqual([]);
  });

  const HAS = 'operator: { scopes: [default, warranty:read] }';

  test.each([
    [
      'an unknown scope',
      `roles:\n  ${HAS}\n  analyst:\n    scopes:\n      - default\n      - warranty:raed`,
      '6:9: "warranty:raed" is not a scope. Did you mean "warranty:read"?',
    ],
    [
      'an unknown member',
      `roles:\n  ${HAS}\n  analyst:\n    scope: [default]`,
      '4:5: "scope" is not known here. Did you mean "scopes"?',
    ],
    [
      'an unknown purpose',
      `roles:\n  ${HAS}\n  analyst: { purposes: [default, MARKETTING] }`,
      '3:34: "analyst.purposes.1" is invalid. It must be a list of SERVICE, ',
    ],
    [
      'a misspelt built-in role',
      `roles:\n  ${HAS}\n  anallyst: { sees: clear }`,
      '3:3: "anallyst" is a new role without scopes of its own. Did you mean "analyst"? Add scopes and purposes, such as ',
    ],
    [
      'a new role without purposes',
      `roles:\n  ${HAS}\n  workshop: { scopes: [warranty:read] }`,
      '3:3: "workshop" is a new role without purposes of its own. Add scopes and purposes, such as ',
    ],
    [
      'the word default in a new role',
      `roles:\n  ${HAS}\n  workshop: { scopes: [default], purposes: [SERVICE] }`,
      '3:24: "default" is not a scope. Use one of customers:find, ',
    ],
    [
      'a default purpose that the role does not have',
      `roles:\n  ${HAS}\n  analyst: { defaultPurpose: MARKETING }`,
      '3:14: The default purpose is not one of the purposes. Use one of ANALYTICS.',
    ],
    [
      'a priority that does not exist',
      `roles:\n  ${HAS}\n  analyst: { priority: high }`,
      '3:14: "analyst.priority" is invalid. It must be one of interactive, automation, bulk.',
    ],
    [
      'a maximum cost of 0',
      `roles:\n  ${HAS}\n  analyst: { maxCost: 0 }`,
      '3:14: "analyst.maxCost" is invalid. It must be a whole number of points, from 1.',
    ],
    [
      'a visitor that finds customers',
      `roles:\n  ${HAS}\n  visitor: { findsBy: all }`,
      '3:14: A visitor finds only its own customer. Remove findsBy.',
    ],
    [
      'an invalid name',
      `roles:\n  ${HAS}\n  "work shop": { scopes: [warranty:read], purposes: [SERVICE] }`,
      '3:3: "work shop" is invalid. It must be the name of a role: letters, digits and dashes.',
    ],
    [
      'a role that is a text',
      `roles:\n  ${HAS}\n  analyst: clear`,
      '3:3: "analyst" is invalid. It must be a map such as ',
    ],
    ['a list', 'roles: [operator]', '1:1: The file is invalid. It must be a map of roles, such as '],
    [
      'a scope that no role has',
      'roles:\n  analyst: { sees: clear }',
      '1:1: No role has the scope "warranty:read" of the source warranty. Add it to a role in gateway.yaml: roles: { operator: { scopes: [default, warranty:read] } }.',
    ],
  ])('are refused with line and remedy if they have %s', (_, yaml, problem) => {
    expect(problemsOf(yaml)).toEqual([expect.stringContaining(`gateway.yaml:${problem}`)]);
  });

  test('are refused together with other wrong settings', () => {
    const problems = problemsOf(
      'port: many\nroles:\n  analyst: { scopes: [x], maxCost: none }\n  page: {}\n',
    );
    expect(problems).toHaveLength(2);
    expect(problems.join('\n')).toMatch(/"port".*\n.*"analyst.maxCost"/);
  });

  test('can also be set by the variable ROLES', () => {
    expect(
      problemsOf('', { scopes: [], sdl: 'type Query { repairShops: Int @personalData(category: NONE) }' }),
    ).toEqual([]);
    expect(problemsOf('')).toEqual([expect.stringMatching(/^ROLES: No role has the scope "warranty:read"/)]);
  });

  test('may have only scopes that the SDL of a plugged-in source has', () => {
    const sdl = SDL.replace('warranty:read', 'waranty:read');
    expect(problemsOf(`roles:\n  ${HAS}`, { sdl })).toEqual([
      expect.stringMatching(
        /warranty\.graphql line 3: .*needs the scope "waranty:read".*Did you mean "warranty:read"\?/,
      ),
    ]);
  });

  test('can be named by a token', async () => {
    const key = createSigningKey('one');
    writeFileSync(
      join(folder, 'gateway.yaml'),
      'roles: { workshop: { scopes: [profile:read], purposes: [SERVICE] } }',
    );
    const { environment } = readProjectSettings(folder, tokenSettings(key));
    const authentication = createTestAuthentication(environment);
    expect(authentication.problems).toEqual([]);
    const caller = await authentication.callerOf(
      await signToken(key, validClaims({ roles: ['workshop', 'king'] })),
    );
    expect(caller).toMatchObject({ roles: ['workshop'], scopes: new Set(['profile:read']) });
    await expect(
      authentication.callerOf(await signToken(key, validClaims({ roles: ['king'] }))),
    ).rejects.toThrow(
      'The token has none of the roles visitor, frontend, analyst, campaign, operator, workshop.',
    );
  });
});
