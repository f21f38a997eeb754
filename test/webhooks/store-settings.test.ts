import { describe, expect, it } from 'vitest';
import { SettingsReader } from '../../src/settings.js';
import { readStoreSettings } from '../../src/webhooks/settings.js';

const HOUR_MS = 3_600_000;
const SECRET = 'a secret of the test';

function read(environment: Record<string, string>) {
  const settings = new SettingsReader(environment);
  return { options: readStoreSettings(settings), problems: settings.problems };
}

describe('the settings of the webhook store', () => {
  it('are absent without a file and a database, so that there are no webhooks', () => {
    expect(read({ WEBHOOK_SECRET: SECRET })).toEqual({ options: undefined, problems: [] });
  });

  it.each([
    ['WEBHOOK_FILE', '/var/lib/webhooks.db', 'file'],
    ['WEBHOOK_POSTGRES_URL', 'postgres://localhost/webhooks', 'postgresUrl'],
  ])('have their defaults beside %s', (variable, value, name) => {
    expect(read({ [variable]: value, WEBHOOK_SECRET: SECRET })).toEqual({
      options: {
        file: undefined,
        postgresUrl: undefined,
        [name]: value,
        secret: SECRET,
        rememberMs: 80 * HOUR_MS,
        retainUsedMs: 24 * HOUR_MS,
        retainDeadMs: 720 * HOUR_MS,
      },
      problems: [],
    });
  });

  it('allow one place only, and need a secret', () => {
    const both = { WEBHOOK_FILE: 'webhooks.db', WEBHOOK_POSTGRES_URL: 'postgres://localhost/webhooks' };
    expect(read({ ...both, WEBHOOK_SECRET: SECRET }).problems).toEqual([
      expect.stringContaining('are both set'),
    ]);
    expect(read({ WEBHOOK_FILE: 'webhooks.db' }).problems).toEqual([
      expect.stringContaining('WEBHOOK_SECRET'),
    ]);
  });

  it.each<[variable: string, valid: [string, string], invalid: string[], name: string]>([
    ['WEBHOOK_REMEMBER_H', ['75', '1000'], ['74', '1001', '80.5'], 'rememberMs'],
    ['WEBHOOK_RETAIN_USED_H', ['0', '1000'], ['-1', '1001'], 'retainUsedMs'],
    ['WEBHOOK_RETAIN_DEAD_H', ['1', '10000'], ['0', '10001'], 'retainDeadMs'],
  ])('have bounds: %s', (variable, valid, invalid, name) => {
    const set = (value: string) =>
      read({ WEBHOOK_FILE: 'webhooks.db', WEBHOOK_SECRET: SECRET, [variable]: value });
    for (const value of valid)
      expect(set(value)).toMatchObject({ options: { [name]: Number(value) * HOUR_MS }, problems: [] });
    for (const value of invalid) expect(set(value).problems).toEqual([expect.stringContaining(variable)]);
  });
});
