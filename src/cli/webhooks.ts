import { existsSync } from 'node:fs';
import { defineCommand } from 'citty';
import { ConfigError, InvalidInputError } from '../errors.js';
import { SettingsReader } from '../settings.js';
import { readStoreSettings } from '../webhooks/settings.js';
import {
  createWebhookStore,
  DELIVERY_STATES,
  type DeliveryRecord,
  type DeliveryState,
  type WebhookStore,
} from '../webhooks/store.js';

const list = defineCommand({
  meta: { name: 'list', description: 'The deliveries, the newest first' },
  args: {
    state: { type: 'string', description: `Those that are ${DELIVERY_STATES.join(', ')}` },
    endpoint: { type: 'string', description: 'Those for one endpoint' },
    limit: { type: 'string', default: '50', description: 'So many at most' },
  },
  run: ({ args: { state, endpoint, limit } }) =>
    withStore(async (store) => {
      if (state !== undefined && !isState(state))
        throw new InvalidInputError(`--state must be one of ${DELIVERY_STATES.join(', ')}.`);
      if (!/^[1-9]\d{0,5}$/.test(limit)) throw new InvalidInputError('--limit must be a number from 1.');
      const found = await store.list({
        limit: Number(limit),
        ...(state === undefined ? {} : { state }),
        ...(endpoint === undefined ? {} : { endpoint }),
      });
      print(...found.map(lineOf));
    }),
});

const show = defineCommand({
  meta: { name: 'show', description: 'One delivery; never what was in it' },
  args: {
    id: {
      type: 'positional',
      required: true,
      description: 'Its id, as list and the header webhook-id tell it',
    },
  },
  run: ({ args: { id } }) =>
    withStore(async (store) => {
      const found = await store.find(id);
      if (found === undefined) throw new InvalidInputError('There is no such delivery.');
      const { createdAt, dueAt, nextAt, finishedAt, ...words } = found;
      const times = { createdAt, dueAt, nextAt, finishedAt };
      print(
        ...Object.entries(words).map(([name, value]) => `${name} ${value}`),
        ...Object.entries(times).flatMap(([name, value]) =>
          value === null ? [] : [`${name} ${timeOf(value)}`],
        ),
      );
    }),
});

const replay = defineCommand({
  meta: { name: 'replay', description: 'Sends again, under the same webhook-id' },
  args: {
    id: { type: 'positional', required: false, description: 'One delivery' },
    dead: { type: 'boolean', description: 'Or all that were given up' },
    endpoint: { type: 'string', description: 'With --dead: those for one endpoint' },
  },
  run: ({ args: { id, dead, endpoint } }) =>
    withStore(async (store) => {
      if ((id === undefined) === (dead !== true) || (id !== undefined && endpoint !== undefined))
        throw new InvalidInputError(
          'Name one delivery by its id, or say --dead, with --endpoint or without.',
        );
      const count = await store.replay(
        id === undefined ? { dead: true, ...(endpoint === undefined ? {} : { endpoint }) } : { id },
      );
      print(`${count} to be sent again.`);
      if (count > 0) return;
      process.exitCode = 1;
      process.stderr.write(
        'Nothing can be replayed that waits, whose event is deleted already, or whose endpoint is disabled (stekkerdoos webhooks endpoints).\n',
      );
    }),
});

const endpoints = defineCommand({
  meta: { name: 'endpoints', description: 'What waits for each endpoint, and which are disabled' },
  args: {
    action: { type: 'positional', required: false, description: 'enable: to send to it again' },
    name: { type: 'positional', required: false, description: 'The endpoint' },
  },
  run: ({ args: { action, name } }) =>
    withStore(async (store) => {
      if (action === undefined) {
        print(...(await endpointLines(store)));
        return;
      }
      if (action !== 'enable' || name === undefined)
        throw new InvalidInputError('Say: stekkerdoos webhooks endpoints enable <name>.');
      if (!(await store.enable(name)))
        throw new InvalidInputError('There is no such endpoint that is disabled.');
      print(`${name} is enabled. What was given up: stekkerdoos webhooks replay --dead --endpoint ${name}`);
    }),
});

async function endpointLines(store: WebhookStore): Promise<string[]> {
  const disabled = new Map((await store.disabled()).map((one) => [one.endpoint, one]));
  const { deliveries } = await store.counts();
  const names = new Set([...deliveries.map(({ endpoint }) => endpoint), ...disabled.keys()]);
  return [...names].sort().map((name) => {
    const counts = deliveries.filter(({ endpoint }) => endpoint === name);
    const off = disabled.get(name);
    return [
      name,
      off === undefined ? 'enabled' : `disabled since ${timeOf(off.at)} (${off.reason})`,
      ...counts.map(({ state, count }) => `${count} ${state}`),
    ].join('  ');
  });
}

/** Opens the store of the settings; the gateway may be running. */
async function withStore(use: (store: WebhookStore) => Promise<void>): Promise<void> {
  const settings = new SettingsReader(process.env);
  const options = readStoreSettings(settings);
  settings.throwIfWrong();
  if (options === undefined) throw new ConfigError(['WEBHOOK_FILE or WEBHOOK_POSTGRES_URL is missing.']);
  if (options.file !== undefined && !existsSync(options.file))
    throw new ConfigError(['WEBHOOK_FILE names a file that is not there.']);
  const store = await createWebhookStore(options);
  try {
    await use(store);
  } finally {
    await store.close();
  }
}

function isState(text: string): text is DeliveryState {
  return DELIVERY_STATES.some((state) => state === text);
}

function lineOf({ id, state, endpoint, trigger, attempts, reason, dueAt }: DeliveryRecord): string {
  const parts = [id, state, endpoint, trigger, `due ${timeOf(dueAt)}`, `${attempts} attempts`, reason];
  return parts.filter((part) => part !== '').join('  ');
}

const timeOf = (at: number): string => new Date(at).toISOString();

function print(...lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

export const webhooks = defineCommand({
  meta: { name: 'webhooks', description: 'What was sent to endpoints, and what was not' },
  subCommands: { list, show, replay, endpoints },
});
