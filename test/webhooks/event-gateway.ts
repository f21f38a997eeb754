import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, vi } from 'vitest';
import type { GatewayOptions } from '../../src/gateway.js';
import type { Environment } from '../../src/settings.js';
import { createWebhookStore, type WebhookStore } from '../../src/webhooks/store.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { createTestGateway, patientSources, type TestGateway } from '../support/gateway.js';
import { startReceiver, type Receiver } from './receiver.js';
import { subscribe, sendWebshopEvent, type ShopEvent, type Subscriber } from './subscriber.js';

export interface EventGatewayOptions extends Partial<Pick<GatewayOptions, 'logger'>> {
  /** The settings of the systems. */
  settings: Environment;
  systems: readonly string[];
  /** Operations of triggers by name. They deliver to the endpoint `tool`. */
  triggers: Readonly<Record<string, string>>;
}

/** A gateway with callers, an audit file, a webhook store, an endpoint named `tool`, and triggers. */
export interface EventGateway {
  readonly gateway: TestGateway;
  /** The receiver of the messages to the endpoint. */
  readonly tool: Receiver;
  /** The webhook store of the gateway, opened as by the command line. */
  readonly store: WebhookStore;
  /** A campaign subscribes for MARKETING. The stream ends with `hangUpAll()`. */
  subscribeAs: (role: 'operator' | 'campaign', query: string) => Promise<Subscriber>;
  sendFromShop: (topic: string, event: ShopEvent) => Promise<void>;
  /**
   * The reasons why events of the operation were withheld, oldest first. Undefined for a sent event. Waits for the
   * first event.
   */
  withheldReasons: (operation: string) => Promise<(string | undefined)[]>;
  hangUpAll: () => Promise<void>;
  close: () => Promise<void>;
}

export async function openEventGateway({
  settings,
  systems,
  triggers,
  logger,
}: EventGatewayOptions): Promise<EventGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-event-gateway-'));
  const triggersFolder = join(folder, 'triggers');
  mkdirSync(triggersFolder);
  for (const [name, text] of Object.entries(triggers))
    writeFileSync(join(triggersFolder, `${name}.graphql`), text);
  const auditFile = join(folder, 'audit.jsonl');
  const file = join(folder, 'webhooks.db');
  const secret = 'a secret of the tests of events';
  const tool = await startReceiver();
  const gateway = createTestGateway(
    {
      ...settings,
      ...CALLER_SETTINGS,
      AUDIT_FILE: auditFile,
      WEBHOOK_FILE: file,
      WEBHOOK_SECRET: secret,
      WEBHOOK_ENDPOINTS: JSON.stringify([
        {
          name: 'tool',
          url: tool.url,
          secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
          allowPrivate: true,
          ratePerSecond: 100,
        },
      ]),
    },
    {
      sources: patientSources()
        .filter(({ name }) => systems.includes(name))
        .map((source) => ({ ...source, limits: { ...source.limits, retries: 0 } })),
      triggers: pathToFileURL(`${triggersFolder}/`),
      ...(logger === undefined ? {} : { logger }),
    },
  );
  await gateway.opened;
  const store = await createWebhookStore({ file, secret });
  const fetch = (path: string, init: RequestInit) => gateway.fetch(path, init);
  const open: Subscriber[] = [];

  return {
    gateway,
    tool,
    store,
    subscribeAs: async (role, query) => {
      const headers = await headersOf(role, role === 'campaign' ? { purpose: 'MARKETING' } : {});
      const subscriber = await subscribe(fetch, { query }, headers);
      open.push(subscriber);
      return subscriber;
    },
    sendFromShop: (topic, event) =>
      sendWebshopEvent(fetch, settings['WEBSHOP_WEBHOOK_SECRETS'] ?? '', topic, event),
    withheldReasons: (operation) =>
      vi.waitFor(
        () => {
          const lines = readFileSync(auditFile, 'utf8')
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line) as { operation: { name: string }; because?: string })
            .filter((line) => line.operation.name === operation);
          expect(lines).not.toEqual([]);
          return lines.map(({ because }) => because);
        },
        { timeout: 20_000, interval: 20 },
      ),
    hangUpAll: async () => {
      await Promise.all(open.splice(0).map((subscriber) => subscriber.hangUp()));
    },
    close: async () => {
      await gateway.close();
      await store.close();
      await tool.close();
      rmSync(folder, { recursive: true });
    },
  };
}
