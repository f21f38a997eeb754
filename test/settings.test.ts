import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { sources } from '../sources/index.js';
import { GATEWAY_SETTINGS } from '../src/config.js';
import { ConfigError } from '../src/errors.js';
import { createGateway } from '../src/gateway.js';
import { createLogger } from '../src/telemetry/logger.js';
import { secretSetting, setting, SettingsReader, type Environment, type Setting } from '../src/settings.js';
import { findUnknownSettings } from '../src/unknown-settings.js';
import { CALLER_SETTINGS } from './support/callers.js';
import { directSettings } from './support/stand-ins.js';

const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-settings-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

let files = 0;
function fileWith(content: string | Buffer): string {
  const path = join(folder, String(files++));
  writeFileSync(path, content);
  return path;
}

function read(environment: Environment, setting: Setting<unknown> = secretSetting('TOKEN')) {
  const reader = new SettingsReader(environment);
  return { value: reader.read(setting), problems: reader.problems, shown: reader.shown };
}

describe('a setting whose value is in a file', () => {
  test.each([
    ['as it is', 'a secret', 'a secret'],
    ['without the newline that editors put at the end', 'a secret\n', 'a secret'],
    ['without the line ending of Windows', 'a secret\r\n', 'a secret'],
    ['with all other newlines and spaces', ' a\nsecret \n\n', ' a\nsecret \n'],
    ['in any language', 'géhéim 秘密 🔑', 'géhéim 秘密 🔑'],
  ])('is read: %s', (_, content, value) => {
    expect(read({ TOKEN_FILE: fileWith(content) })).toMatchObject({ value, problems: [] });
  });

  test('is checked like any other, and counts as set', () => {
    const number = setting('NUMBER', z.string().regex(/^\d+$/).transform(Number), 'a number');
    expect(read({ NUMBER_FILE: fileWith('42\n') }, number)).toMatchObject({ value: 42, problems: [] });
    const wrong = read({ NUMBER_FILE: fileWith('forty-two') }, number);
    expect(wrong.problems).toEqual(['NUMBER is invalid: it must be a number.']);
    expect(new SettingsReader({ NUMBER_FILE: '/nowhere' }).isPresent(number)).toBe(true);
    expect(new SettingsReader({ NUMBER_FILE: '' }).isPresent(number)).toBe(false);
  });

  test('is read when the variable itself is empty, as compose files set it', () => {
    expect(read({ TOKEN: '', TOKEN_FILE: fileWith('a secret') })).toMatchObject({
      ...{ value: 'a secret', problems: [] },
    });
  });

  const SECRET = 'the-secret-itself';
  const wrong: [string, () => Environment, string | RegExp][] = [
    [
      'both are set',
      () => ({ TOKEN: SECRET, TOKEN_FILE: fileWith(SECRET) }),
      'TOKEN and TOKEN_FILE are both set: leave out one of them.',
    ],
    [
      'there is no such file',
      () => ({ TOKEN_FILE: join(folder, 'nowhere') }),
      'TOKEN_FILE names a file that cannot be read (ENOENT).',
    ],
    [
      'it is a folder',
      () => ({ TOKEN_FILE: folder }),
      'TOKEN_FILE names a file that cannot be read (EISDIR).',
    ],
    ['it is empty', () => ({ TOKEN_FILE: fileWith('') }), 'TOKEN_FILE names a file that is empty.'],
    [
      'it contains only a newline',
      () => ({ TOKEN_FILE: fileWith('\n') }),
      'TOKEN_FILE names a file that is empty.',
    ],
    [
      'it is not text',
      () => ({ TOKEN_FILE: fileWith(Buffer.from([0x61, 0xff, 0xfe])) }),
      'TOKEN_FILE names a file that is not text in UTF-8.',
    ],
    [
      'it is far too large',
      () => ({ TOKEN_FILE: fileWith(SECRET.repeat(10_000)) }),
      /^TOKEN_FILE names a file of more than 65536 bytes\.$/,
    ],
    [
      'it never ends',
      () => ({ TOKEN_FILE: '/dev/zero' }),
      /^TOKEN_FILE names a file of more than 65536 bytes\.$/,
    ],
  ];
  test.each(wrong)('is reported once, without any of its content, when %s', (_, environment, problem) => {
    const reader = new SettingsReader(environment());
    expect(reader.read(secretSetting('TOKEN'))).toBeUndefined();
    expect(reader.read(secretSetting('TOKEN'))).toBeUndefined();
    expect(reader.problems).toEqual([
      typeof problem === 'string' ? problem : (expect.stringMatching(problem) as string),
    ]);
    expect(JSON.stringify([reader.problems, reader.shown])).not.toContain(SECRET);
  });

  test('can be any setting of the gateway and of every source, as in Docker secrets and Kubernetes', async () => {
    const environment = completeEnvironment();
    const inFiles = Object.fromEntries(
      Object.entries(environment).map(([variable, value]) => [`${variable}_FILE`, fileWith(`${value}\n`)]),
    );
    const gateway = createGateway({ sources, environment: inFiles });
    expect(gateway.sources).toHaveLength(sources.length);
    expect(gateway.config.idSecret).toBe(environment.ID_SECRET);
    await gateway.close();
  });
});

function completeEnvironment(): Record<string, string> {
  return {
    ...directSettings(),
    ...(CALLER_SETTINGS as Record<string, string>),
    ID_SECRET: 'the-secret-of-ids',
    ADMIN_TOKEN: 'the-secret-of-administration',
    AUDIT_SECRET: 'the-secret-of-the-audit',
    CACHE_SECRET: 'the-secret-of-the-cache',
    AUDIT_FILE: '/dev/null',
    LOG_LEVEL: 'silent',
  };
}

describe('a secret', () => {
  const reader = new SettingsReader(completeEnvironment());
  const declared = [
    ...Object.values<Setting<unknown>>(GATEWAY_SETTINGS),
    ...sources.flatMap(({ connector }) => connector.settings(reader)),
  ];
  const secrets = declared.filter(({ secret }) => secret === true).map(({ variable }) => variable);
  const environment = completeEnvironment();
  let shown: Readonly<Record<string, string>>;
  beforeAll(async () => {
    const gateway = createGateway({ sources, environment });
    shown = gateway.settings;
    await gateway.close();
  });

  test('is declared as a secret if its name contains SECRET, TOKEN, PASSWORD or a key', () => {
    for (const { variable, secret } of declared)
      if (/SECRET|TOKEN\b|PASSWORD|API_KEY|JWT_KEY/.test(variable) && !/_URL$/.test(variable))
        expect(secret, variable).toBe(true);
    expect(secrets.length).toBeGreaterThan(12);
  });

  test('is shown as ***, for the gateway and every source', () => {
    const set = secrets.filter((variable) => environment[variable] !== undefined);
    expect(set.length).toBeGreaterThan(10);
    for (const variable of set) expect(shown[variable], variable).toBe('***');
    const text = JSON.stringify(shown);
    for (const variable of set) {
      const value = environment[variable] ?? '';
      // A short secret of a stand-in may also be part of an address.
      if (value.length > 8) expect(text.includes(JSON.stringify(value).slice(1, -1)), variable).toBe(false);
    }
  });

  test('is replaced in an address, and the rest of the address is shown', () => {
    const show = (value: string) => read({ TOKEN: value }, setting('TOKEN')).shown.TOKEN;
    expect(show('postgres://shop:hunter2@db.example.nl:5432/orders')).toBe(
      'postgres://***@db.example.nl:5432/orders',
    );
    expect(show('redis://:hunter2@cache.example.nl:6379')).toBe('redis://***@cache.example.nl:6379');
    expect(show('mysql://u:p%40ss@db/x?ssl=hunter2')).toBe('mysql://***@db/x?***');
    expect(show('https://api.example.nl/v1')).toBe('https://api.example.nl/v1');
    expect(show('https://hunter2@api.example.nl/')).toBe('https://***@api.example.nl/');
    for (const broken of ['postgres://shop:hunter2@db:99999/x', 'Server=db;hunter2\nx', 'data:text,hunter2'])
      expect(show(broken), broken).toBe('***');
  });

  test('does not occur in a message about a problem with it', () => {
    const broken = Object.fromEntries(secrets.map((variable) => [variable, `hunter2-${variable}\u0007\n`]));
    try {
      createGateway({ sources, environment: { ...environment, ...broken } });
      expect.unreachable('nothing was wrong');
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      expect((error as ConfigError).message).not.toContain('hunter2');
    }
  });
});

/** The problems and the warnings that a gateway reports for an environment. */
function problemsOf(environment: Environment): { problems: readonly string[]; warnings: string[] } {
  const warnings: string[] = [];
  const logger = createLogger('silent');
  vi.spyOn(logger, 'warn').mockImplementation((line: unknown) => {
    if (typeof line === 'object' && line !== null && 'problem' in line) warnings.push(String(line.problem));
  });
  try {
    void createGateway({ sources, environment, logger }).close();
    return { problems: [], warnings };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { problems: error.problems, warnings };
  }
}

const KVK = {
  KVK_URL: 'http://127.0.0.1:1',
  KVK_API_KEY: 'a key',
  ID_SECRET: 'a secret of the tests',
  AUTH: 'off',
};

describe('a setting without effect', () => {
  test.each([
    ['MAX_DEPHT', 'MAX_DEPTH'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['CORS_ORIGIN', 'CORS_ORIGINS'],
    ['KVK_APIKEY', 'KVK_API_KEY'],
    ['WEBSHOP_ACESS_TOKEN', 'WEBSHOP_ACCESS_TOKEN'],
    ['WEBHOOK_ENDPOINT', 'WEBHOOK_ENDPOINTS'],
    ['ADMIN_TOKEN_FIL', 'ADMIN_TOKEN_FILE'],
  ])('is reported with the intended name: %s', (variable, meant) => {
    const environment = { ...KVK, WEBSHOP_URL: '', [variable]: 'anything' };
    const { problems, warnings } = problemsOf(environment);
    expect([...problems, ...warnings].join()).toMatch(
      variable.startsWith('WEBSHOP')
        ? `${variable} has no effect: webshop is not plugged in`
        : `Did you mean ${meant}?`,
    );
    expect([...problems, ...warnings].join()).not.toContain('anything');
  });

  test('does not prevent the start if the intended setting is set as well', () => {
    const { problems, warnings } = problemsOf({ ...KVK, LOG_LEVEL: 'silent', LOG_LEVELS: 'all' });
    expect(problems).toEqual([]);
    expect(warnings).toEqual(['LOG_LEVELS is not a setting. Did you mean LOG_LEVEL? Rename or remove it.']);
  });

  test('is reported with the problems that stop the start', () => {
    const { problems } = problemsOf({ ...KVK, CORS_ORIGINS: 'no site', DEADLINE_MSS: '5' });
    expect(problems).toEqual([
      expect.stringContaining('CORS_ORIGINS is invalid'),
      'DEADLINE_MSS is not a setting. Did you mean DEADLINE_MS? Rename or remove it.',
    ]);
  });

  test.each([
    ['a similar name', { ID_SECRET: 'a secret of the tests', IDP_SECRET: 's' }, 'ID_SECRET'],
    ['a similar name whose setting is in a file', { IDP_SECRET: 's' }, 'ID_SECRET'],
    ['a similar name that ends in _FILE', { IDP_SECRET_FILE: 's' }, 'ID_SECRET_FILE'],
    ['a short name that differs by two characters', { DB_SECRET: 's', DB_SECRET_FILE: 's' }, undefined],
    ['the same words, written in another way', { LOGLEVEL: 'debug' }, 'LOG_LEVEL'],
    ['an address that a platform sets', { REDIS_URI: 'redis://127.0.0.1:1' }, 'REDIS_URL'],
    ['the file of an address that a platform sets', { REDIS_URI_FILE: '/run/redis' }, 'REDIS_URL_FILE'],
  ])('does not prevent the start if it may belong to another program: %s', (_, environment, meant) => {
    const ID_SECRET_FILE = 'ID_SECRET' in environment ? '' : fileWith('a secret of the tests');
    const { problems, warnings } = problemsOf({ ...KVK, ID_SECRET: '', ID_SECRET_FILE, ...environment });
    expect(problems).toEqual([]);
    if (meant === undefined) expect(warnings).toEqual([]);
    else expect(warnings).toEqual([expect.stringContaining(`Did you mean ${meant}?`)]);
  });

  test('is not a setting of a plugged-in source, even if its name begins like that of another source', () => {
    const absent = [
      { name: 'crm', variables: ['CRM_URL'], pluggedInBy: 'CRM_URL' },
      { name: 'crm-hubspot', variables: ['CRM_HUBSPOT_KEY_FILE'], pluggedInBy: 'CRM_HUBSPOT_URL' },
    ];
    const environment = { CRM_HUBSPOT_URL: 'u', CRM_HUBSPOT_TOKEN_FILE: 'f' };
    const known = new Set(['CRM_URL', 'CRM_HUBSPOT_URL', 'CRM_HUBSPOT_TOKEN']);
    expect(findUnknownSettings(environment, known, absent)).toEqual({ problems: [], warnings: [] });
    expect(findUnknownSettings({ CRM_HUBSPOT_KEY_FILE: 'f' }, known, absent)).toEqual({
      problems: [expect.stringContaining('crm-hubspot is not plugged in')],
      warnings: [],
    });
  });

  test('is reported in the same way if a file or a variable sets the intended setting', () => {
    const known = new Set(Object.values(GATEWAY_SETTINGS).map(({ variable }) => variable));
    fc.assert(
      fc.property(
        fc.constantFrom(...known),
        fc.nat(),
        fc.constantFrom('', 'A', '_', 'XY'),
        (variable, at, put) => {
          const cut = at % variable.length;
          const misspelt = `${variable.slice(0, cut)}${put}${variable.slice(cut + 1)}`;
          fc.pre(!known.has(misspelt));
          const found = findUnknownSettings({ [misspelt]: 'v', [variable]: 'v' }, known, []);
          expect(findUnknownSettings({ [misspelt]: 'v', [`${variable}_FILE`]: 'v' }, known, [])).toEqual(
            found,
          );
        },
      ),
    );
  });

  test.each([
    ['WEBSHOP_WEBHOOK_SECRETS', 'webshop is not plugged in. Set WEBSHOP_URL too'],
    ['WEBSHOP_WEBHOOK_SECRETS_FILE', 'webshop is not plugged in. Set WEBSHOP_URL too'],
    ['X_WEBHOOK_SECRETS', 'x is not plugged in. Set X_URL too'],
  ])('is reported if it belongs to a source that is not plugged in: %s', (variable, message) => {
    expect(problemsOf({ ...KVK, [variable]: 'a long secret' }).problems.join()).toContain(message);
  });

  test('is not reported for variables of other programs', () => {
    const others = {
      ...process.env,
      HOSTNAME: 'here',
      X_FORWARDED: '1',
      NPM_TOKEN: 't',
      HOME: '/',
      LOGNAME: 'me',
    };
    const ours = Object.fromEntries(
      Object.entries(others).filter(
        ([name]) => !/^(EXECUTION|REDIS|ORDER_SYSTEM|MARIADB|TEST_FRONT)/.test(name),
      ),
    );
    expect(problemsOf({ ...ours, ...KVK })).toEqual({ problems: [], warnings: [] });
  });
});

describe('settings that are invalid', () => {
  const apiKeys = { API_KEYS: '[{"name":"a"}]', AUTH: 'on' };
  const tokens = {
    AUTH: 'on',
    JWT_ISSUER: 'https://id.example.nl',
    JWT_AUDIENCE: 'gateway',
    JWT_JWKS_URL: 'https://id.example.nl/keys',
  };

  test('are all reported: invalid CORS_ORIGINS together with invalid API_KEYS', () => {
    const { problems } = problemsOf({ ...KVK, ...apiKeys, CORS_ORIGINS: 'not an origin/', MAX_DEPTH: '-1' });
    for (const variable of ['CORS_ORIGINS', 'MAX_DEPTH', 'API_KEYS'])
      expect(problems.join('\n')).toMatch(new RegExp(`^${variable}`, 'm'));
  });

  const WRONG = '\n\u0001';
  // A setting that accepts any text, such as a path, is never invalid.
  const names = Object.values<Setting<unknown>>(GATEWAY_SETTINGS)
    .filter(({ schema }) => !schema.safeParse(WRONG).success)
    .map(({ variable }) => variable);
  test.each([
    ['callers need no authentication', {}],
    ['callers have keys', apiKeys],
    ['callers have tokens', tokens],
    ['there are workers', { WORKERS: '3' }],
  ])('are all reported, in any combination, when %s', (_, environment) => {
    fc.assert(
      fc.property(fc.subarray(names, { minLength: 1 }), (wrong) => {
        const broken = Object.fromEntries(wrong.map((variable) => [variable, WRONG]));
        const { problems } = problemsOf({ ...KVK, ...environment, ...broken });
        for (const variable of wrong)
          expect(
            problems.some((problem) => problem.startsWith(`${variable} `)),
            variable,
          ).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});
