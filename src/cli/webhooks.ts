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
  meta: {
    name: 'list',
    description: 'The deliveries, the newest first. Example: stekkerdoos webhooks list --state dead',
  },
  args: {
    state: { type: 'string', description: `Deliveries in one state: ${DELIVERY_STATES.join(', ')}` },
    endpoint: { type: 'string', description: 'Deliveries to one endpoint' },
    limit: { type: 'string', default: '50', description: 'Deliveries at most' },
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
  meta: {
    name: 'show',
    description: 'One delivery, without its content. Example: stekkerdoos webhooks show 42',
  },
  args: {
    id: {
      type: 'positional',
      required: true,
      description: 'Its id, as in the list and in the header webhook-id',
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
  meta: {
    name: 'replay',
    description:
      'Sends deliveries again, with the same webhook-id. Example: stekkerdoos webhooks replay --dead',
  },
  args: {
    id: { type: 'positional', required: false, description: 'One delivery' },
    dead: { type: 'boolean', description: 'All deliveries that failed finally' },
    endpoint: { type: 'string', description: 'With --dead: deliveries to one endpoint' },
  },
  run: ({ args: { id, dead, endpoint } }) =>
    withStore(async (store) => {
      if ((id === undefined) === (dead !== true) || (id !== undefined && endpoint !== undefined))
        throw new InvalidInputError(
          'Name one delivery by its id, or use --dead, with or without --endpoint.',
        );
      const count = await store.replay(
        id === undefined ? { dead: true, ...(endpoint === undefined ? {} : { endpoint }) } : { id },
      );
      print(`${count} queued again.`);
      if (count > 0) return;
      process.exitCode = 1;
      process.stderr.write(
        'A delivery cannot be replayed while it waits, after its event was deleted, or while its endpoint is disabled (see stekkerdoos webhooks endpoints).\n',
      );
    }),
});

const endpoints = defineCommand({
  meta: {
    name: 'endpoints',
    description:
      'The endpoints, their waiting deliveries, and which are disabled. Example: stekkerdoos webhooks endpoints enable shop',
  },
  args: {
    action: { type: 'positional', required: false, description: 'enable: sends to the endpoint again' },
    name: { type: 'positional', required: false, description: 'The endpoint' },
  },
  run: ({ args: { action, name } }) =>
    withStore(async (store) => {
      if (action === undefined) {
        print(...(await endpointLines(store)));
        return;
      }
      if (action !== 'enable' || name === undefined)
        throw new InvalidInputError('Use: stekkerdoos webhooks endpoints enable <name>.');
      if (!(await store.enable(name))) throw new InvalidInputError('No disabled endpoint has this name.');
      print(
        `${name} is enabled. To send its failed deliveries again: stekkerdoos webhooks replay --dead --endpoint ${name}`,
      );
    }),
});

async function endpointLines(store: WebhookStore): Promise<string[]> {
  const disabled = new Map((await store.disabled()).map((entry) => [entry.endpoint, entry]));
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

/** Opens the store that the settings name. The gateway may be running. */
async function withStore(use: (store: WebhookStore) => Promise<void>): Promise<void> {
  const settings = new SettingsReader(process.env);
  const options = readStoreSettings(settings);
  settings.throwIfWrong();
  if (options === undefined) throw new ConfigError(['WEBHOOK_FILE or WEBHOOK_POSTGRES_URL is missing.']);
  if (options.file !== undefined && !existsSync(options.file))
    throw new ConfigError(['WEBHOOK_FILE names a file that does not exist.']);
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
  meta: { name: 'webhooks', description: 'Deliveries to endpoints.' },
  subCommands: { list, show, replay, endpoints },
});
