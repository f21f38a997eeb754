import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyOfVariable, variableOfKey } from '../../src/declared-settings.js';
import { createGateway } from '../../src/gateway.js';
import { readProjectSettings } from '../../src/project/gateway-file.js';
import { GATEWAY_SETTINGS } from '../../src/config.js';
import { ConfigError } from '../../src/errors.js';
import { localSource } from '../support/local-source.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-project-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function read(yaml: string, environment: Record<string, string> = {}) {
  writeFileSync(join(folder, 'gateway.yaml'), yaml);
  return readProjectSettings(folder, environment);
}

/** The problems that a start with this gateway.yaml reports. */
function problemsOf(yaml: string, environment: Record<string, string> = {}): readonly string[] {
  const settings = read(yaml, { ID_SECRET: 'a secret of the tests', ...environment });
  const { source } = localSource('loyalty');
  try {
    createGateway({
      sources: [source],
      sdl: { loyalty: 'type Query { clubs: Int }' },
      ...onlyOptions(settings),
    });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

function onlyOptions({ environment, declared, problems }: ReturnType<typeof readProjectSettings>) {
  return { environment: { LOG_LEVEL: 'silent', ...environment }, declared, problems };
}

describe('gateway.yaml', () => {
  test('names every setting of the gateway', () => {
    for (const { variable } of Object.values(GATEWAY_SETTINGS))
      expect(variableOfKey(keyOfVariable(variable))).toBe(variable);
  });

  test.each([
    ['a number', 'deadlineMs: 1500', { DEADLINE_MS: '1500' }],
    ['a word', 'auth: off', { AUTH: 'off' }],
    ['a boolean', 'auditRequired: false', { AUDIT_REQUIRED: 'false' }],
    ['a list', 'corsOrigins: [https://a.nl, https://b.nl]', { CORS_ORIGINS: 'https://a.nl,https://b.nl' }],
    ['a setting of a source', 'sources: { ticket-desk: { url: http://a } }', { TICKET_DESK_URL: 'http://a' }],
    [
      'limits of a source',
      'sources:\n  loyalty:\n    limits: { concurrency: 5, timeout: 800 ms }',
      { LOYALTY_LIMITS: '{"concurrency":5,"timeout":"800 ms"}' },
    ],
    ['a variable of another name', 'idSecret: { variable: OTHER }', { ID_SECRET: 'from other' }],
    ['a file', 'idSecret: { file: /run/secret }', { ID_SECRET_FILE: '/run/secret' }],
    ['nothing', '', {}],
  ])('sets %s', (_, yaml, expected) => {
    const { environment, problems } = read(yaml, { OTHER: 'from other' });
    expect(problems).toEqual([]);
    expect(environment).toEqual({ OTHER: 'from other', ...expected });
  });

  test('yields to .env, and both to the environment', () => {
    writeFileSync(join(folder, '.env'), 'PORT=2\nDEADLINE_MS=2\nID_SECRET_FILE=/two\n');
    const { environment } = read('port: 1\ndeadlineMs: 1\nmaxDepth: 1\nidSecret: { file: /one }\n', {
      PORT: '3',
    });
    expect(environment).toEqual({ PORT: '3', DEADLINE_MS: '2', MAX_DEPTH: '1', ID_SECRET_FILE: '/two' });
  });

  test('can leave out a source by its name', () => {
    const { sources } = read('sources:\n  loyalty: false\n  other: true\n');
    expect([...sources].map(([name, { isLeftOut }]) => [name, isLeftOut])).toEqual([
      ['loyalty', true],
      ['other', false],
    ]);
  });

  const PLUGGED_IN = 'auth: off\nsources: { loyalty: { url: here } }\n';

  test.each([
    ['an unknown setting', `${PLUGGED_IN}prot: 1`, '3:1: "prot" is not a setting. Did you mean "port"?'],
    [
      'a wrong value',
      `${PLUGGED_IN}port: many`,
      '3:1: "port" is invalid: it must be a port number (default 4000).',
    ],
    [
      'a wrong value after a nested block',
      'auth: off\nsources:\n  loyalty:\n    url: here\nmaxDepth: deep',
      '5:1: "maxDepth" is invalid: it must be a number of levels, 1 to 100 (default 20).',
    ],
    [
      'a secret',
      `${PLUGGED_IN}adminToken: 0123456789abcdef`,
      '3:1: "adminToken" is a secret. Write { variable: ADMIN_TOKEN } or { file: <path> } here instead of its value.',
    ],
    [
      'a password in an address',
      `auth: off\nsources:\n  loyalty:\n    url: https://a:secret@b.nl`,
      '4:5: "sources.loyalty.url" is a secret. Write { variable: LOYALTY_URL } or { file: <path> } here instead of its value.',
    ],
    [
      'an unknown setting of a source',
      'auth: off\nsources:\n  loyalty:\n    url: here\n    limts: {}',
      '5:5: "sources.loyalty.limts" is not a setting. Did you mean "limits"?',
    ],
    ['a source without settings', `${PLUGGED_IN}sources: 1`, '3:1: Map keys must be unique.'],
    ['text that is not YAML', 'port: "4000', '1:12: Missing closing "quote.'],
    ['a list', '- port', '1:1: it must have names and values, such as "port: 4000".'],
    [
      'a source that is a text',
      'auth: off\nsources: { loyalty: yes please }',
      '2:12: "sources.loyalty" must have settings such as "url", or be false, which leaves the source out.',
    ],
  ])('is refused with line and column if it has %s', (_, yaml, problem) => {
    expect(problemsOf(yaml)).toContain(`gateway.yaml:${problem}`);
  });

  test('is refused with all problems together, and without any value of a secret', () => {
    const problems = problemsOf(`${PLUGGED_IN}prot: 1\nmaxDepth: deep\nadminToken: 0123456789abcdef`);
    expect(problems).toHaveLength(3);
    expect(problems.join()).not.toContain('0123456789');
  });
});
