import { describe, expect, test } from 'vitest';
import { UnauthenticatedError } from '../../src/errors.js';
import { newKey } from '../../src/context/api-keys.js';
import { ROLES } from '../../src/context/roles.js';
import { createApiKey, createTestAuthentication, digestOf } from '../support/authentication.js';

const keysOf = (...entries: unknown[]) => createTestAuthentication({ API_KEYS: JSON.stringify(entries) });
const { key: shopKey, entry: shop } = createApiKey('shop', 'frontend');

describe('an API key', () => {
  test('identifies the caller, with the permissions of its role', async () => {
    const caller = await keysOf(shop).callerOf(shopKey);
    expect(caller).toEqual({ ...ROLES.frontend, name: 'shop', roles: ['frontend'], origins: [] });
  });

  test('is refused if it is unknown or has a wrong character', async () => {
    const authentication = keysOf(shop);
    const near = [`${shopKey}x`, shopKey.slice(0, -1), shopKey.toUpperCase(), shop.sha256[0] ?? '', 'x'];
    for (const key of near)
      await expect(authentication.callerOf(key)).rejects.toEqual(new UnauthenticatedError('invalid'));
  });

  test('can be one of two keys of a caller, so that keys can be rotated', async () => {
    const [older, newer] = [newKey(), newKey()];
    const authentication = keysOf({ ...shop, sha256: [older.sha256, newer.sha256.toUpperCase()] });
    expect(authentication.problems).toEqual([]);
    expect(await authentication.callerOf(older.key)).toBe(await authentication.callerOf(newer.key));
    expect(keysOf({ ...shop, sha256: ['a', 'b', 'c'].map(digestOf) }).problems).toHaveLength(1);
  });

  test('is different each time it is created, and too long to guess', () => {
    const keys = Array.from({ length: 100 }, newKey);
    expect(new Set(keys.map(({ key }) => key)).size).toBe(100);
    for (const { key, sha256 } of keys) {
      expect(key).toMatch(/^sd_[\w-]{43}$/);
      expect(sha256).toBe(digestOf(key));
    }
  });

  test('can have fewer permissions than its role', async () => {
    const { key, entry } = createApiKey('narrow', 'operator', {
      purposes: ['SERVICE', 'ANALYTICS'],
      defaultPurpose: 'ANALYTICS',
      priority: 'bulk',
      maxCost: 10,
      costPerMinute: 100,
      origins: ['https://www.example.nl'],
      findsBy: ['email'],
    });
    const authentication = keysOf(entry);
    expect(authentication.problems).toEqual([]);
    expect(await authentication.callerOf(key)).toMatchObject({
      purposes: ['SERVICE', 'ANALYTICS'],
      defaultPurpose: 'ANALYTICS',
      priority: 'bulk',
      maxCost: 10,
      costPerMinute: 100,
      origins: ['https://www.example.nl'],
      findsBy: new Set(['email']),
    });
    expect(authentication.origins).toEqual(new Set(['https://www.example.nl']));
  });

  test('has its first purpose as default, if it lacks the default purpose of its role', async () => {
    const { key, entry } = createApiKey('narrow', 'operator', { purposes: ['MARKETING', 'SERVICE'] });
    expect((await keysOf(entry).callerOf(key)).defaultPurpose).toBe('MARKETING');
    const usual = createApiKey('usual', 'operator', { purposes: ['MARKETING', 'CUSTOMER_CARE'] });
    expect((await keysOf(usual.entry).callerOf(usual.key)).defaultPurpose).toBe('CUSTOMER_CARE');
  });

  test('cannot have more permissions than its role', () => {
    const wide: [string, Record<string, unknown>, string][] = [
      ['frontend', { purposes: ['SERVICE', 'MARKETING'] }, 'purposes: its roles do not allow MARKETING.'],
      [
        'frontend',
        { purposes: ['SERVICE'], defaultPurpose: 'PERSONALISATION' },
        'defaultPurpose: it must be one of its purposes.',
      ],
      ['campaign', { priority: 'interactive' }, 'priority: its roles allow at most automation.'],
      ['frontend', { maxCost: 5_001 }, 'maxCost: its roles allow at most 5000.'],
      ['frontend', { costPerMinute: 6_000_001 }, 'costPerMinute: its roles allow at most 6000000.'],
    ];
    for (const [role, more, problem] of wide)
      expect(keysOf(createApiKey('wide', role, more).entry).problems).toEqual([
        `API_KEYS, key wide, ${problem}`,
      ]);
  });

  test('cannot have the role visitor, because everybody who opens a page can read its key', () => {
    expect(keysOf(createApiKey('page', 'visitor').entry).problems).toEqual([
      expect.stringMatching(/^API_KEYS, key page, roles: a visitor needs a token/),
    ]);
  });
});

describe('a problem of API keys', () => {
  test('is reported with all problems at once, by key and field, without a value', () => {
    const secretly = 'somebodys-own-secret';
    const { problems } = keysOf(
      { name: secretly.repeat(5), roles: ['frontend'], sha256: [digestOf('a')] },
      { name: 'b', roles: [secretly], sha256: [secretly] },
      {
        name: 'c',
        roles: [],
        sha256: [],
        purposes: [secretly],
        priority: secretly,
        maxCost: -1,
        extra: secretly,
      },
      {
        name: 'd',
        roles: ['frontend'],
        sha256: [digestOf('d')],
        origins: [`https://${secretly}/path`],
        findsBy: [''],
      },
      secretly,
      null,
    );
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'API_KEYS, key 1, name',
      'API_KEYS, key b, roles',
      'API_KEYS, key b, sha256',
      'API_KEYS, key c, roles',
      'API_KEYS, key c, sha256',
      'API_KEYS, key c, purposes',
      'API_KEYS, key c, priority',
      'API_KEYS, key c, maxCost',
      'API_KEYS, key c, fields',
      'API_KEYS, key d, origins',
      'API_KEYS, key d, findsBy',
      'API_KEYS, key 5, fields',
      'API_KEYS, key 6, fields',
    ]);
    for (const problem of problems) expect(problem).not.toContain(secretly);
  });

  test('is a name or a key that occurs in two entries', () => {
    const { problems } = keysOf(shop, { ...shop, name: 'other' }, { ...shop, sha256: [digestOf('new')] });
    expect(problems).toEqual([
      expect.stringMatching(/^API_KEYS, key other, sha256: .*which no other key has/),
      expect.stringMatching(/^API_KEYS, key shop, name: .*which no other key has/),
    ]);
  });

  test.each(['not json', '{}', '[]', '"text"', '[{]'])('is a value that is not a list: %s', (text) => {
    const { problems } = createTestAuthentication({ API_KEYS: text });
    expect(problems).toEqual([expect.stringMatching(/^API_KEYS is invalid: it must be a JSON list/)]);
  });

  test('is a role with the name of an object method', () => {
    for (const role of ['constructor', 'toString', '__proto__'])
      expect(keysOf(createApiKey('odd', role).entry).problems).toHaveLength(1);
  });
});
