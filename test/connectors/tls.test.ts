import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { setting, SettingsReader, urlSetting } from '../../src/settings.js';
import { bearer } from '../../src/connectors/auth.js';
import { oauth2 } from '../../src/connectors/oauth2.js';
import { rest } from '../../src/connectors/rest.js';
import { caSetting } from '../../src/connectors/tls.js';
import { failure, open } from './contract.js';
import { privateCa } from './private-ca.js';

const url = urlSetting('URL', 'https://example.nl');
const auths = {
  'a fixed token': bearer(setting('TOKEN')),
  'tokens that it issues itself': oauth2({
    tokenUrl: url,
    clientId: setting('ID'),
    clientSecret: setting('TOKEN'),
  }),
};

describe('a system with a certificate of a private CA', () => {
  let server: Server;
  let folder: string;
  let settings: Record<string, string>;

  beforeAll(async () => {
    server = createServer({ key: privateCa.key, cert: privateCa.certificate }, (request, response) => {
      request.resume();
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"access_token":"t"}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    settings = { URL: `https://127.0.0.1:${port}`, TOKEN: 't', ID: 'i' };
    folder = mkdtempSync(join(tmpdir(), 'ca-'));
    writeFileSync(join(folder, 'ca.pem'), privateCa.authority);
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await new Promise((resolve) => server.close(resolve));
  });

  describe.each(Object.entries(auths))('that requires %s', (_, auth) => {
    const call = async (more: Record<string, string> = {}): Promise<unknown> => {
      const client = open(rest({ baseUrl: url, auth, pingPath: '/', ca: caSetting('CA') }), {
        ...settings,
        ...more,
      });
      try {
        return await client.get(z.unknown(), '/');
      } finally {
        await client.close();
      }
    };

    it('receives no request if its CA is not configured', async () => {
      expect((await failure(call())).code).toBe('SOURCE_UNAVAILABLE');
    });

    it('is trusted if its CA is set, as text or as the path of a file', async () => {
      const answer = { access_token: 't' };
      expect(await call({ CA: privateCa.authority })).toEqual(answer);
      expect(await call({ CA: join(folder, 'ca.pem') })).toEqual(answer);
      // A file may contain several certificates, with comments between them.
      expect(await call({ CA: `Root\n${privateCa.authority}\nNext\n${privateCa.authority}` })).toEqual(
        answer,
      );
    });
  });

  it.each([
    ['a file that does not exist', '/nowhere/ca.pem'],
    ['a text that is not a certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'],
    ['a key', privateCa.key],
  ])('prevents the start of the gateway with %s, and reveals nothing about the setting', (_, value) => {
    const reader = new SettingsReader({ CA: value });
    reader.read(caSetting('CA'));
    expect(reader.problems).toEqual([
      'CA is invalid: it must be certificates in PEM format, or the path of a file with them.',
    ]);
  });

  it('does not require the setting for its CA', () => {
    expect(new SettingsReader({}).isOptional(caSetting('CA'))).toBe(true);
  });
});
