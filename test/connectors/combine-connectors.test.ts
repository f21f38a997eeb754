import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { setting, SettingsReader, urlSetting } from '../../src/settings.js';
import { noAuth } from '../../src/connectors/auth.js';
import type { Connector } from '../../src/connectors/connector.js';
import { rest, type RestClient } from '../../src/connectors/rest.js';
import {
  settingOnly,
  combineConnectors,
  type SettingClient,
  type CombinedClient,
} from '../../src/connectors/combine-connectors.js';
import { failure, open, type Opened } from './contract.js';
import { sendJson, startServer, type SmallServer } from './server.js';

const part = (variable: string) =>
  rest({ baseUrl: urlSetting(variable, 'https://here'), auth: noAuth, pingPath: '/ping' });
const connector = combineConnectors({
  one: part('ONE_URL'),
  other: part('OTHER_URL'),
  page: settingOnly(setting('PAGE')),
});
type Parts = {
  one: Connector<RestClient>;
  other: Connector<RestClient>;
  page: Connector<SettingClient>;
};

describe('a system with several addresses', () => {
  let servers: SmallServer[];
  let client: Opened<CombinedClient<Parts>>;

  beforeEach(async () => {
    servers = await Promise.all(
      ['one', 'other'].map((name) =>
        startServer(({ url }, response) => {
          sendJson(response, { name }, { status: url === '/ping' && name === 'other' ? 503 : 200 });
        }),
      ),
    );
    client = open<CombinedClient<Parts>>(connector, {
      ONE_URL: servers[0]?.url,
      OTHER_URL: servers[1]?.url,
      PAGE: '42',
    });
  });
  afterEach(async () => {
    await client.close();
    await Promise.all(servers.map((server) => server.close()));
  });

  it('is called at each address, and its settings are available', async () => {
    const schema = z.object({ name: z.string() });
    expect(await client.one.get(schema, '/')).toEqual({ name: 'one' });
    expect(await client.other.get(schema, '/')).toEqual({ name: 'other' });
    expect(client.page.value).toBe('42');
  });

  it('is reported as available if each address answers', async () => {
    await client.one.ping();
    expect((await failure(client.ping())).code).toBe('SOURCE_UNAVAILABLE');
  });

  it('needs the settings of each address', () => {
    const variables = connector.settings(new SettingsReader({})).map(({ variable }) => variable);
    expect(variables).toEqual(['ONE_URL', 'OTHER_URL', 'PAGE']);
  });

  it('closes the connections to each address', async () => {
    await client.close();
    expect((await failure(client.one.getText('/'))).code).toBe('SOURCE_UNAVAILABLE');
    expect((await failure(client.other.getText('/'))).code).toBe('SOURCE_UNAVAILABLE');
  });

  it('drops cached answers at each address when answers are forgotten', () => {
    const forgotten: string[] = [];
    const caching = (name: string, forget?: () => void): Connector<SettingClient> => ({
      ...settingOnly(setting(name)),
      connect: () => ({
        client: () => ({ value: name, ping: () => Promise.resolve() }),
        close: () => Promise.resolve(),
        ...(forget === undefined ? {} : { forget }),
      }),
    });
    const connection = combineConnectors({
      one: caching('ONE', () => forgotten.push('one')),
      none: caching('NONE'),
      other: caching('OTHER', () => forgotten.push('other')),
    }).connect(new SettingsReader({}), {
      source: 'tested',
      timeoutMs: 1_000,
      maxAnswerBytes: 1_000,
      logger: pino({ level: 'silent' }),
    });
    connection.forget?.();
    expect(forgotten).toEqual(['one', 'other']);
  });
});
