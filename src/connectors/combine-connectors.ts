import type { Setting } from '../settings.js';
import type { CallScope, Client, Connection, Connector } from './connector.js';

type ClientsOf<P> = { [Name in keyof P]: P[Name] extends Connector<infer C> ? C : never };

/** One client for each part. */
export type CombinedClient<P> = Client & ClientsOf<P>;

/** A connector to a system with several addresses or protocols: each part has a name. */
export function combineConnectors<P extends Readonly<Record<string, Connector<Client>>>>(
  parts: P,
): Connector<CombinedClient<P>> {
  const named = Object.entries(parts);
  return {
    settings: (reader) => named.flatMap(([, part]) => part.settings(reader)),
    connect: (settings, options): Connection<CombinedClient<P>> => {
      const connections = named.map(([name, part]) => [name, part.connect(settings, options)] as const);
      return {
        client: (scope: CallScope) => {
          const clients = connections.map(([name, connection]) => [name, connection.client(scope)] as const);
          const ping = async (): Promise<void> => {
            await Promise.all(clients.map(([, client]) => client.ping()));
          };
          return { ...Object.fromEntries(clients), ping } as CombinedClient<P>;
        },
        forget: () => {
          for (const [, connection] of connections) connection.forget?.();
        },
        close: async () => {
          await Promise.all(connections.map(([, connection]) => connection.close()));
        },
      };
    },
  };
}

/** The client of a part that is only a setting. It calls no system. */
export interface SettingClient extends Client {
  value: string;
}

/** A part of `combineConnectors` that is only a setting, which the source's loaders need. */
export function settingOnly(setting: Setting<string>): Connector<SettingClient> {
  return {
    settings: () => [setting],
    connect: (settings) => {
      const client = { value: settings.read(setting) ?? '', ping: () => Promise.resolve() };
      return { client: () => client, close: () => Promise.resolve() };
    },
  };
}
