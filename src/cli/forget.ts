import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { defineCommand } from 'citty';
import { z } from 'zod';
import { GATEWAY_SETTINGS } from '../config.js';
import { ConfigError, InvalidInputError } from '../errors.js';
import { readReceipt, sealReceipt } from '../privacy/receipt.js';
import { secretSetting, SettingsReader } from '../settings.js';
import { openOwnGateway, readBy, type OwnGateway } from './own-gateway.js';

const TOKEN = secretSetting('GATEWAY_TOKEN');
const PATIENCE_MS = 60_000;

export const forget = defineCommand({
  meta: {
    name: 'forget',
    description: 'Makes the gateways forget a customer, and never show them again if that is wanted',
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
      description: 'Puts the customer on the list of those whom nobody is shown any more',
    },
    receipt: {
      type: 'string',
      valueHint: 'file',
      description: 'Where to write what was done. It holds nothing of the person that can be read',
    },
    url: {
      type: 'string',
      valueHint: 'address',
      description: 'A running gateway to be told, where there is no Redis; GATEWAY_TOKEN is its ADMIN_TOKEN',
    },
    verify: {
      type: 'string',
      valueHint: 'file',
      description: 'Instead of all that: tells whether a receipt is as it was written',
    },
  },
  run: async ({ args: { by, suppress, receipt, url, verify } }) => {
    if (verify !== undefined) {
      const found = readReceipt(readFileSync(verify, 'utf8'), secretOfReceipts());
      process.exitCode = found === null ? 1 : 0;
      process.stdout.write(
        found === null
          ? 'It is no receipt, or has been changed, or was written with another secret.\n'
          : `It is as it was written at ${found.time}.\n`,
      );
      return;
    }
    if (by === undefined) throw new InvalidInputError('Say who is to be forgotten: --by <kind>=<value>.');
    if (receipt !== undefined && existsSync(receipt))
      throw new InvalidInputError('The receipt is there already: name another file.');
    const token = url === undefined ? undefined : readToken();
    const identifier = await readBy(by);
    const gateway = openOwnGateway();
    try {
      const customerId = await idOf(gateway, identifier);
      const { everywhere, droppedWhole, customer } = await gateway.forget({ identifier, suppress });
      const isTold = token === undefined || url === undefined ? true : await tell(url, token, identifier);
      const hasShared = gateway.config.redisUrl !== undefined;
      const everyInstance = isTold && (hasShared ? everywhere : url !== undefined);
      const { identifiers = [], records = [], isSuppressed = false } = customer ?? {};
      const { digests } = gateway;
      const whole = sealReceipt(
        {
          format: 'stekkerdoos receipt 1',
          time: new Date().toISOString(),
          customerId,
          identifiers: identifiers.map((one) => digests.of(one)),
          records: records.map(({ source, id }) => ({
            source,
            record: digests.of({ namespace: `record of ${source}`, value: id }),
          })),
          couldNotSay: [...droppedWhole],
          everyInstance,
          suppressed: isSuppressed,
        },
        secretOfReceipts(),
      );
      if (receipt !== undefined)
        writeFileSync(receipt, `${JSON.stringify(whole, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
      if (!everyInstance || droppedWhole.length > 0) process.exitCode = 2;
      process.stdout.write(
        [
          `Forgotten under ${identifiers.length} identifiers.`,
          ...(isSuppressed
            ? ['Suppressed: nobody is shown this customer any more, but the operator.']
            : [
                'Not suppressed: what is asked for from now on is shown again, until the systems hold it no more.',
              ]),
          ...toldOf({ everyInstance, hasShared, isTold }),
          ...(droppedWhole.length === 0
            ? []
            : [`Could not say what they hold: ${droppedWhole.join(', ')}. Run this again when they answer.`]),
          ...(records.length === 0
            ? ['No system that answered holds a record.']
            : [
                'Still to be erased in the systems themselves, by their owners (this list is written nowhere else):',
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

function toldOf({
  everyInstance,
  hasShared,
  isTold,
}: {
  everyInstance: boolean;
  hasShared: boolean;
  isTold: boolean;
}): string[] {
  if (everyInstance)
    return [
      hasShared
        ? 'All instances were told, by Redis.'
        : 'The gateway at --url was told; any others were not.',
    ];
  if (!isTold) return ['The gateway at --url was not told, or has not told all others: run this again.'];
  if (hasShared) return ['Redis could not be reached, so other instances were not told: run this again.'];
  return [
    'No running gateway was told: there is no Redis, and no --url. Each keeps what it has for as long as its sources allow. Run this again with --url, for each of them.',
  ];
}

/** The opaque id, by which the receipt can be found again. Null when it cannot be told now. */
async function idOf(
  gateway: OwnGateway,
  { namespace, value }: { namespace: string; value: string },
): Promise<string | null> {
  const result = await gateway.ask('query ($by: CustomerKey!) { customer(by: $by) { id } }', {
    by: { [namespace]: value },
  });
  const schema = z.object({ data: z.object({ customer: z.object({ id: z.string() }) }) });
  return schema.safeParse(result).data?.data.customer.id ?? null;
}

/** Whether the running gateway has forgotten too. */
async function tell(
  url: string,
  token: string,
  { namespace, value }: { namespace: string; value: string },
): Promise<boolean> {
  const response = await fetch(new URL('/admin/forget', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ identifier: { [namespace]: value } }),
    redirect: 'error',
    signal: AbortSignal.timeout(PATIENCE_MS),
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
  const own = settings.read(GATEWAY_SETTINGS.auditSecret);
  const secret = own ?? settings.read(GATEWAY_SETTINGS.idSecret);
  settings.throwIfWrong();
  if (secret === undefined) throw new ConfigError(['AUDIT_SECRET and ID_SECRET are missing.']);
  return secret;
}
