import type { GatewayConfig } from '../config.js';
import type { Identifier } from '../identity/identifiers.js';
import { failure, type Finding } from './finding.js';
import { certificateChecks } from './certificates.js';
import { outboxFindings } from './databases.js';
import type { Check } from './examine.js';
import type { GatewayParts } from './gateway-parts.js';
import { identityFindings } from './identity.js';
import { issuerFindings } from './issuer.js';
import { auditFiles, auditFindings, suppressionFindings } from './privacy.js';
import { redisFindings } from './redis.js';
import { safetyFindings } from './settings.js';
import { systemFindings } from './system.js';
import { secretFindings, storeCheck } from './webhooks.js';
import type { FailureReport } from '../telemetry/source-failures.js';

export interface Installation {
  config: GatewayConfig;
  /** The settings in effect, by variable, without secrets. */
  settings: Readonly<Record<string, string>>;
  parts: GatewayParts;
}

/** The number of customers whose fields are all queried. */
const MAX_QUERIED = 2;

/** The checks of an installation that has valid settings. They are independent of each other. */
export function checksOf({ config, settings, parts }: Installation): Check[] {
  const { redisUrl, jwtJwksUrl, publicUrl, suppressionFile } = config;
  const { store, webhooks, outboxes } = parts.events;
  const quotas = parts.sources.flatMap(({ name, limits }) =>
    limits?.quota === undefined ? [] : [{ source: name, quota: limits.quota }],
  );
  return [
    { name: 'settings', run: () => Promise.resolve(safetyFindings(config)) },
    ...parts.sources.map((source): Check => ({
      name: 'system',
      of: source.name,
      run: () => systemFindings(source, parts),
    })),
    ...certificateChecks(settings),
    ...outboxes.map(({ address, declaration: { url, table } }): Check => ({
      name: 'outbox',
      of: url.variable,
      run: () => outboxFindings(url.variable, address, table),
    })),
    ...(redisUrl === undefined
      ? []
      : [
          {
            name: 'redis',
            run: () =>
              redisFindings({
                url: redisUrl,
                holdsSuppressionList: suppressionFile === undefined,
                quotas,
              }),
          },
        ]),
    ...(jwtJwksUrl === undefined ? [] : [{ name: 'issuer', run: () => issuerFindings(jwtJwksUrl) }]),
    { name: 'webhook store', run: () => storeCheck(parts.events) },
    ...(store === undefined ? [] : [...webhooks]).map(([source, webhook]): Check => ({
      name: 'webhook secrets',
      of: source,
      run: () => secretFindings(source, webhook, publicUrl),
    })),
    ...auditFiles(config).map((file): Check => ({
      name: 'audit',
      of: file,
      run: () => auditFindings(file, config),
    })),
    {
      name: 'suppression list',
      run: () => suppressionFindings(config, parts.suppression['suppressionList']),
    },
  ];
}

/** The checks with known customers. They call all systems, so they run after the checks of the systems. */
export function sampleChecksOf({
  parts,
  sample,
  queryCustomer,
}: Pick<Installation, 'parts'> & {
  /** Identifiers of known customers. Without any, these checks are skipped. */
  sample: readonly Identifier[];
  /** Queries all fields of a customer. Resolves to the failures of the systems. */
  queryCustomer: (identifier: Identifier) => Promise<readonly FailureReport[]>;
}): Check[] {
  if (sample.length === 0) return [];
  return [
    { name: 'identity', run: () => identityFindings(sample, parts) },
    { name: 'fields', run: () => fieldFindings(sample, queryCustomer) },
  ];
}

/** Queries all fields of a few customers, to call the parts of the systems that lookups do not call. */
async function fieldFindings(
  sample: readonly Identifier[],
  queryCustomer: (identifier: Identifier) => Promise<readonly FailureReport[]>,
): Promise<Finding[]> {
  const failures = await Promise.all(sample.slice(0, MAX_QUERIED).map(queryCustomer));
  return failures.flat().map(failure);
}
