import type { Client } from '../connectors/connector.js';
import type { CustomerIds } from '../identity/customer-id.js';
import type { IdentityRules } from '../identity/identity-graph.js';
import type { LoadedSource } from '../loaders/registry.js';
import type { Suppression } from '../privacy/suppression.js';
import type { SettingsReader } from '../settings.js';
import type { TunedSource } from '../source-settings.js';
import type { PluggedInOutbox } from '../webhooks/outbox.js';
import type { Webhook } from '../webhooks/receive.js';
import type { WebhookStoreOptions } from '../webhooks/store.js';

/** The parts of a gateway that are checked. */
export interface GatewayParts {
  /** The plugged-in sources. */
  sources: readonly TunedSource[];
  /** Their connections, by name. */
  loaded: ReadonlyMap<string, LoadedSource<Client>>;
  rules: IdentityRules;
  ids: Pick<CustomerIds, 'open'>;
  events: {
    /** Undefined if no store is set. */
    store: WebhookStoreOptions | undefined;
    webhooks: ReadonlyMap<string, Webhook>;
    outboxes: readonly PluggedInOutbox[];
  };
  /** Reads further settings of the same environment. */
  settings: SettingsReader;
  /** The state of the suppression list. Empty if there is none. */
  suppression: Suppression['health'];
}
