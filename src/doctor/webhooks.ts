import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { createLogger } from '../telemetry/logger.js';
import { incomingOf } from '../http/webhooks.js';
import { createReceiver, type Webhook } from '../webhooks/receive.js';
import type { WebhookStoreOptions } from '../webhooks/store.js';
import { storeFindings } from './databases.js';
import { codeOf, type Finding } from './finding.js';
import type { GatewayParts } from './gateway-parts.js';

const REQUEST_TIMEOUT_MS = 5_000;
/** The origin of test requests if PUBLIC_URL is not set. The command then receives them itself. */
const LOCAL_ORIGIN = 'http://gateway';

/** Checks where events are stored. */
export async function storeCheck({ store, webhooks, outboxes }: GatewayParts['events']): Promise<Finding[]> {
  const sources = [...webhooks.keys(), ...outboxes.map(({ source }) => source)];
  if (store !== undefined) return storedFindings(store);
  if (sources.length === 0) return [];
  return [
    {
      check: 'webhook store',
      severity: 'warning',
      where: sources.join(', '),
      seen: 'Events of these systems are not received, because no store is set.',
      remedy: 'Set WEBHOOK_FILE or WEBHOOK_POSTGRES_URL, and WEBHOOK_SECRET.',
    },
  ];
}

async function storedFindings({ file, postgresUrl }: WebhookStoreOptions): Promise<Finding[]> {
  if (postgresUrl !== undefined) return storeFindings('WEBHOOK_POSTGRES_URL', postgresUrl);
  if (file === undefined) return [];
  try {
    if (existsSync(file)) accessSync(file, constants.R_OK | constants.W_OK);
    accessSync(dirname(file), constants.W_OK);
    return [];
  } catch (error) {
    return [
      {
        check: 'webhook store',
        severity: 'error',
        where: 'WEBHOOK_FILE',
        seen: `The file or its folder cannot be written${codeOf(error)}.`,
        remedy: 'Create the folder, and let the user of the gateway write to it.',
      },
    ];
  }
}

/** Sends a signed test event for each secret of a webhook. The event has no content, so no record changes. */
export async function secretFindings(
  source: string,
  webhook: Webhook,
  publicUrl: string | undefined,
): Promise<Finding[]> {
  const origin = publicUrl ?? LOCAL_ORIGIN;
  const url = `${origin}/webhooks/${source}`;
  const findings = await Promise.all(
    webhook.secrets.map(async (secret, at) => {
      const message = webhook.declaration.testMessage?.(url, secret, Date.now());
      if (message === undefined) return [];
      const { search = '', headers = {}, body } = message;
      const request = { method: 'POST', headers, body };
      const sent = publicUrl === undefined ? undefined : await send(`${url}${search}`, request);
      const answer = sent ?? (await receiveHere(source, webhook, origin, `${url}${search}`, request));
      const finding = findingOf(answer, sent !== undefined);
      const { variable } = webhook.declaration.secrets;
      const which = webhook.secrets.length === 1 ? '' : ` (secret ${at + 1} of ${webhook.secrets.length})`;
      return finding === undefined ? [] : [{ ...finding, where: `${variable}${which}` }];
    }),
  );
  return findings.flat();
}

interface TestRequest {
  method: string;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** Sends a request to the running gateway. Resolves to undefined if nothing answers: the gateway may be stopped. */
async function send(url: string, request: TestRequest): Promise<number | undefined> {
  try {
    const response = await fetch(url, {
      ...request,
      redirect: 'manual',
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.status;
  } catch {
    return undefined;
  }
}

/** Receives a request as a running gateway would. Nothing is stored. */
async function receiveHere(
  source: string,
  webhook: Webhook,
  publicUrl: string,
  url: string,
  request: TestRequest,
): Promise<number | undefined> {
  const receive = createReceiver({
    webhooks: new Map([[source, webhook]]),
    add: () => Promise.reject(new Error('A test event is not stored.')),
    types: new Set(),
    identify: () => null,
    logger: createLogger('silent'),
    publicUrl,
  });
  return (await receive(incomingOf(new Request(url, request))))?.status;
}

/** A correctly signed message gets a success status, or 400 because it has no content. */
function findingOf(status: number | undefined, isRunning: boolean): Omit<Finding, 'where'> | undefined {
  if (status !== undefined && (status < 300 || status === 400)) return undefined;
  const error = { check: 'webhook secrets', severity: 'error' as const };
  if (!isRunning)
    return {
      ...error,
      seen: 'The webhook refuses a test event that is signed with the secret.',
      remedy: 'Copy the secret from the system again: the README of the source describes it.',
    };
  if (status === 401)
    return {
      ...error,
      seen: 'The running gateway refuses a test event that is signed with the secret.',
      remedy:
        'Restart the gateway, because it may use a former secret. Check that PUBLIC_URL is the address that systems use, and that no proxy changes the body.',
    };
  return {
    ...error,
    seen: `A test event to PUBLIC_URL got status ${status ?? 'none'}.`,
    remedy: 'Have the proxy pass /webhooks/ on to the gateway, and add its host to ALLOWED_HOSTS.',
  };
}
