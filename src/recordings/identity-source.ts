import type { Client, Connector } from '../connectors/connector.js';
import type { CustomerRecord } from '../identity/declaration.js';
import { idNamespace } from '../identity/identifiers.js';
import { defineLoader } from '../loaders/loader.js';
import { setting, type Environment } from '../settings.js';
import { defineSource, type SourceDefinition } from '../source.js';

/**
 * A source that finds a customer by any identifier, without a system. It is for tests of a source that is
 * queried by identifiers of other systems.
 */

const NAME = 'recorded-identities';
const RECORD_KEY = 'recordedIdentity';
const VARIABLE = 'RECORDED_IDENTITIES';

export interface IdentitySource {
  source: SourceDefinition;
  sdl: Readonly<Record<string, string>>;
  environment: Environment;
}

/** Undefined if the source identifies customers itself. */
export function identitySourceFor({
  identity,
  heldIdentifiers = [],
}: SourceDefinition): IdentitySource | undefined {
  if (identity !== undefined || heldIdentifiers.length === 0) return undefined;
  const connector: Connector<Client> = {
    settings: () => [setting(VARIABLE)],
    connect: () => ({
      client: () => ({ ping: () => Promise.resolve() }),
      close: () => Promise.resolve(),
    }),
  };
  const foundBy = (namespace: string) => ({
    uniqueness: 'enforced' as const,
    loader: defineLoader<Client, string, readonly CustomerRecord[]>({
      name: `by${namespace}`,
      load: (keys) =>
        Promise.resolve(
          keys.map((value) => [{ id: `${namespace}:${value}`, identifiers: [{ namespace, value }] }]),
        ),
    }),
  });
  const source = defineSource({
    name: NAME,
    connector,
    namespaces: [idNamespace(RECORD_KEY, 'Of the test.', /^/)],
    identity: {
      recordKey: RECORD_KEY,
      foundBy: Object.fromEntries([RECORD_KEY, ...heldIdentifiers].map((name) => [name, foundBy(name)])),
      yields: Object.fromEntries(heldIdentifiers.map((name) => [name, 'several' as const])),
    },
  });
  return {
    source,
    sdl: { [NAME]: `type Customer @foundBy(identifier: "${RECORD_KEY}")` },
    environment: { [VARIABLE]: 'on' },
  };
}
