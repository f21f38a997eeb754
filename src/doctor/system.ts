import { createHash } from 'node:crypto';
import type { Client } from '../connectors/connector.js';
import type { SqlClient } from '../connectors/sql/client.js';
import { clientWithin } from '../http/health.js';
import { toError } from '../loaders/in-flight-batch.js';
import { normalise } from '../identity/identifiers.js';
import type { IdentityRules } from '../identity/identity-graph.js';
import type { TunedSource } from '../source-settings.js';
import { databaseFindings, isSqlClient } from './databases.js';
import { failedCall, type Finding } from './finding.js';
import type { GatewayParts } from './gateway-parts.js';

/**
 * Made-up identifiers. A lookup uses the first one that its kind of identifier accepts. No system should have
 * a record of one.
 */
const MADE_UP = [
  'nobody@stekkerdoos-doctor.example',
  '+31697999999',
  '00000000-0000-4000-8000-00000000d0c7',
  '99999999',
  '999999999999',
  'NL999999990B99',
  'nobody-doctor',
  'NOBODYDOCTOR',
  '003999999999999AAA',
  createHash('sha256').update('nobody').digest('hex'),
];

/** Checks one system: whether it can be called, and whether each lookup of customers works. Its database is checked too. */
export async function systemFindings(source: TunedSource, parts: GatewayParts): Promise<Finding[]> {
  const loaded = parts.loaded.get(source.name);
  if (loaded === undefined) return [];
  const client = clientWithin(loaded);
  try {
    await client.ping();
  } catch (error) {
    return [failedCall(source.name, error)];
  }
  return [
    ...(await lookUp(source, withPlans(client), parts.rules)),
    ...(isSqlClient(client) ? await databaseFindings(source.name, client) : []),
  ];
}

/** Calls each lookup of customers with a made-up identifier, one after another, which puts little load on the system. */
async function lookUp(
  { name, identity }: TunedSource,
  client: Client,
  { namespaces }: IdentityRules,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [kind, { loader }] of Object.entries(identity?.foundBy ?? {})) {
    const namespace = namespaces.get(kind);
    const [key] = MADE_UP.flatMap((text) =>
      namespace === undefined ? [] : (normalise(namespace, text)?.value ?? []),
    );
    if (key === undefined) continue;
    const [answer] = await loader.load([key], client).catch((error: unknown) => [toError(error)]);
    if (answer instanceof Error) findings.push(failedCall(name, answer));
  }
  return findings;
}

/**
 * A client that runs a query only if its plan does not scan a large table. Declared sources check this
 * themselves.
 */
function withPlans(client: Client): Client {
  if (!isSqlClient(client)) return client;
  const planned: SqlClient = {
    ...client,
    rows: async (schema, text, parameters) => {
      await client.checkPlan(text, parameters);
      return client.rows(schema, text, parameters);
    },
  };
  return planned;
}
