import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { defineCommand } from 'citty';
import { z } from 'zod';
import { GATEWAY_SETTINGS } from '../config.js';
import { ConfigError, InvalidInputError } from '../errors.js';
import { readReceipt, sealReceipt } from '../privacy/receipt.js';
import { secretSetting, SettingsReader } from '../settings.js';
import { openOwnGateway, readBy, type OwnGateway } from './own-gateway.js';

const TOKEN = secretSetting('GATEWAY_TOKEN');
const REQUEST_TIMEOUT_MS = 60_000;

export const forget = defineCommand({
  meta: {
    name: 'forget',
    description:
      'Drops the cached records of a customer, and suppresses the customer if requested. Example: stekkerdoos forget --by email=- --suppress',
  },
  args: {
    by: {
      type: 'string',
      valueHint: 'kind=value',
      description: 'An identifier, such as email=...; kind=- reads the value from standard input',
    },
    suppress: {
      type: 'boolean',
      default: false,
      description: 'Adds the customer to the suppression list, so that they are never returned again',
    },
    receipt: {
      type: 'string',
      valueHint: 'file',
      description: 'The file for a receipt. It contains no readable personal data',
    },
    url: {
      type: 'string',
      valueHint: 'address',
      description: 'A running gateway to notify, if there is no Redis; GATEWAY_TOKEN is its ADMIN_TOKEN',
    },
    verify: {
      type: 'string',
      valueHint: 'file',
      description: 'Checks a receipt instead, and reports whether it was changed',
    },
  },
  run: async ({ args: { by, suppress, receipt, url, verify } }) => {
    if (verify !== undefined) {
      const found = readReceipt(readFileSync(verify, 'utf8'), secretOfReceipts());
      process.exitCode = found === null ? 1 : 0;
      process.stdout.write(
        found === null
          ? 'The file is not a receipt, was changed, or was written with another secret.\n'
          : `The receipt is unchanged since ${found.time}.\n`,
      );
      return;
    }
    if (by === undefined) throw new InvalidInputError('Name the customer to forget: --by <kind>=<value>.');
    if (receipt !== undefined && existsSync(receipt))
      throw new InvalidInputError('The file of the receipt already exists. Name another file.');
    const token = url === undefined ? undefined : readToken();
    const identifier = await readBy(by);
    const gateway = await openOwnGateway();
    try {
      const customerId = await idOf(gateway, identifier);
      const { isEverywhere, unavailableSources, customer } = await gateway.forget({ identifier, suppress });
      const isNotified =
        token === undefined || url === undefined ? true : await notifyGateway(url, token, identifier);
      const hasShared = gateway.config.redisUrl !== undefined;
      const everyInstance = isNotified && (hasShared ? isEverywhere : url !== undefined);
      const { identifiers = [], records = [], isSuppressed = false } = customer ?? {};
      const { digests } = gateway;
      const whole = sealReceipt(
        {
          format: 'stekkerdoos receipt 2',
          time: new Date().toISOString(),
          customerId,
          identifiers: identifiers.map((identifier) => digests.of(identifier)),
          records: records.map(({ source, id }) => ({
            source,
            record: digests.of({ namespace: `record of ${source}`, value: id }),
          })),
          unavailableSources: [...unavailableSources],
          everyInstance,
          suppressed: isSuppressed,
        },
        secretOfReceipts(),
      );
      if (receipt !== undefined)
        writeFileSync(receipt, `${JSON.stringify(whole, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
      if (!everyInstance || unavailableSources.length > 0) process.exitCode = 2;
      process.stdout.write(
        [
          `Forgotten under ${identifiers.length} identifiers.`,
          ...(isSuppressed
            ? ['Suppressed: only the operator can still read this customer.']
            : [
                'Not suppressed: new requests return this customer again, until the systems no longer hold it.',
              ]),
          ...describeNotification({ everyInstance, hasShared, isNotified }),
          ...(unavailableSources.length === 0
            ? []
            : [
                `These systems did not answer: ${unavailableSources.join(', ')}. Run this again when they do.`,
              ]),
          ...(records.length === 0
            ? ['The systems that answered hold no record.']
            : [
                'The owners of these systems must erase these records there (this list is stored nowhere else):',
                ...records.map(({ source, id }) => `  ${source} ${id}`),
              ]),
          '',
        ].join('\n'),
      );
    } finally {
      await gateway.close();
    }
  },
});

function describeNotification({
  everyInstance,
  hasShared,
  isNotified,
}: {
  everyInstance: boolean;
  hasShared: boolean;
  isNotified: boolean;
}): string[] {
  if (everyInstance)
    return [
      hasShared
        ? 'All instances were notified through Redis.'
        : 'The gateway at --url was notified. Other gateways were not.',
    ];
  if (!isNotified)
    return ['The gateway at --url was not notified, or did not notify all others. Run this again.'];
  if (hasShared) return ['Redis is unavailable, so other instances were not notified. Run this again.'];
  return [
    'No running gateway was notified: there is no Redis, and no --url. Each gateway has its cached records for as long as its sources allow. Run this again with --url, once for each gateway.',
  ];
}

/** The opaque id of the customer, which identifies the receipt. Null if the gateway cannot make it now. */
async function idOf(
  gateway: OwnGateway,
  { namespace, value }: { namespace: string; value: string },
): Promise<string | null> {
  const result = await gateway.query('query ($by: CustomerKey!) { customer(by: $by) { id } }', {
    by: { [namespace]: value },
  });
  const schema = z.object({ data: z.object({ customer: z.object({ id: z.string() }) }) });
  return schema.safeParse(result).data?.data.customer.id ?? null;
}

/** Makes a running gateway forget the customer too. Resolves to whether it did. */
async function notifyGateway(
  url: string,
  token: string,
  { namespace, value }: { namespace: string; value: string },
): Promise<boolean> {
  const response = await fetch(new URL('/admin/forget', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ identifier: { [namespace]: value } }),
    redirect: 'error',
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  }).catch(() => undefined);
  await response?.body?.cancel();
  return response?.status === 200;
}

function readToken(): string {
  const settings = new SettingsReader(process.env);
  const token = settings.read(TOKEN);
  settings.throwIfWrong();
  if (token === undefined) throw new ConfigError(['GATEWAY_TOKEN is missing.']);
  return token;
}

function secretOfReceipts(): string {
  const settings = new SettingsReader(process.env);
  const auditSecret = settings.read(GATEWAY_SETTINGS.auditSecret);
  const secret = auditSecret ?? settings.read(GATEWAY_SETTINGS.idSecret);
  settings.throwIfWrong();
  if (secret === undefined) throw new ConfigError(['AUDIT_SECRET and ID_SECRET are missing.']);
  return secret;
}
