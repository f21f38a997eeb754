import { describe, expect, it } from 'vitest';
import { setting, SettingsReader } from '../../src/settings.js';
import { anyOf, apiKey, basic, bearer, type Auth } from '../../src/connectors/auth.js';

const either = anyOf(bearer(setting('TOKEN')), basic(setting('USER'), setting('PASSWORD')));

function problemsOf(auth: Auth, environment: Record<string, string>): string[] {
  const reader = new SettingsReader(environment);
  for (const setting of auth.settings(reader)) reader.read(setting);
  return reader.problems;
}

describe('a system that accepts several kinds of authentication', () => {
  it('names all of them if no setting is set', () => {
    expect(problemsOf(either, {})).toEqual([
      expect.stringMatching(/^TOKEN is missing: .*; or instead of it set USER and PASSWORD\.$/),
    ]);
  });

  it('names only the missing settings of the kind that is partly configured', () => {
    expect(problemsOf(either, { USER: 'u' })).toEqual([
      expect.stringMatching(/^PASSWORD is missing: [^;]*$/),
    ]);
  });

  it('needs the settings of one kind only', () => {
    expect(problemsOf(either, { TOKEN: 't' })).toEqual([]);
    expect(problemsOf(either, { USER: 'u', PASSWORD: 'p' })).toEqual([]);
  });
});

describe('the settings of credentials', () => {
  it.each<[string, Auth]>([
    ['a token', bearer(setting('TOKEN'))],
    ['a key', apiKey('x-key', setting('TOKEN'))],
    ['a user name', basic(setting('TOKEN'), setting('PASSWORD'))],
    ['a password', basic(setting('USER'), setting('TOKEN'))],
  ])('with %s are secret, also if the source does not declare it', (_, auth) => {
    const reader = new SettingsReader({ TOKEN: 'v', USER: 'u', PASSWORD: 'p' });
    for (const option of auth.settings(reader)) reader.read(option);
    expect(reader.shown['TOKEN']).toBe('***');
  });
});
