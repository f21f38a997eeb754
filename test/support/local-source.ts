import type { Client, Connector } from '../../src/connectors/connector.js';
import { defineSource, setting, type SourceDefinition } from '../../src/index.js';

/** A source of the test without a system. Its loaders return data themselves. */
export function localSource(
  name: string,
  parts: Partial<SourceDefinition> = {},
): { source: SourceDefinition; environment: Record<string, string> } {
  const variable = `${name.toUpperCase()}_URL`;
  const connector: Connector<Client> = {
    settings: () => [setting(variable)],
    connect: () => ({
      client: () => ({ ping: () => Promise.resolve() }),
      close: () => Promise.resolve(),
    }),
  };
  return { source: defineSource({ name, connector, ...parts }), environment: { [variable]: 'here' } };
}
