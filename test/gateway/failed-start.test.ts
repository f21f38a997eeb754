import { expect, test, vi } from 'vitest';
import type { Client, Connection, Connector } from '../../src/connectors/connector.js';
import { createGateway, defineSource, setting } from '../../src/index.js';
import { createLogger } from '../../src/telemetry/logger.js';

function create(sdl: string) {
  const close = vi.fn(() => Promise.resolve());
  const connection: Connection<Client> = { client: () => ({ ping: () => Promise.resolve() }), close };
  const connector: Connector<Client> = { settings: () => [setting('SHOP_URL')], connect: () => connection };
  const gateway = () =>
    createGateway({
      sources: [defineSource({ name: 'shop', connector })],
      sdl: { shop: sdl },
      environment: { SHOP_URL: 'here', AUTH: 'off', ID_SECRET: 'a secret of the tests' },
      logger: createLogger('silent'),
    });
  return { gateway, close };
}

test('a gateway that cannot start closes the connections that it opened', async () => {
  const { gateway, close } = create('type Query { "A." a: Int }');
  expect(gateway).toThrow('"Query.a" is not classified');
  await vi.waitFor(() => {
    expect(close).toHaveBeenCalledTimes(1);
  });
});

test('a gateway that starts closes them at its end', async () => {
  const { gateway, close } = create('type Query { "A." a: Int @personalData(category: NONE) }');
  const started = gateway();
  await started.opened;
  expect(close).not.toHaveBeenCalled();
  await started.close();
  expect(close).toHaveBeenCalledTimes(1);
});
