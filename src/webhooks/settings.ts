import { z } from 'zod';
import { milliseconds } from '../duration.js';
import { setting, type SettingsReader } from '../settings.js';
import type { WebhookStoreOptions } from './store.js';

const hours = (atLeast: number, atMost: number, usual: number) =>
  z.coerce
    .number()
    .int()
    .min(atLeast)
    .max(atMost)
    .default(usual)
    .transform((count) => count * milliseconds('1 hour'));

/** The settings of the webhook store and of its deliveries. */
export const WEBHOOK_SETTINGS = {
  /** The store of one instance. It must be on a local disk: file locks and syncs are not reliable over a network. */
  file: setting(
    'WEBHOOK_FILE',
    z.string().min(1).optional(),
    'the path of a file, such as /var/lib/stekkerdoos/webhooks.db',
  ),
  /** The store of several instances. The role must be allowed to create tables in the database. */
  postgresUrl: setting(
    'WEBHOOK_POSTGRES_URL',
    z.url({ protocol: /^postgres(ql)?$/ }).optional(),
    'an address such as postgres://user:password@localhost:5432/webhooks',
    { secret: true },
  ),
  /** Encrypts the store. With another secret, stored events cannot be read, and repeated events are not recognised. */
  secret: setting(
    'WEBHOOK_SECRET',
    z.string().min(16),
    'a secret text of at least 16 characters, the same on every instance',
    { secret: true },
  ),
  /** A JSON list of endpoints: see Endpoint for the fields. */
  endpoints: setting('WEBHOOK_ENDPOINTS', z.string().optional(), 'a JSON list of endpoints', {
    secret: true,
  }),
  /** Timeout of a request to an endpoint. */
  timeoutMs: setting(
    'WEBHOOK_TIMEOUT_MS',
    z.coerce.number().int().min(100).max(60_000).default(15_000),
    'milliseconds, 100 to 60000 (default 15000)',
  ),
  /** How long a repeated event is recognised. Systems repeat events for up to three days. */
  rememberMs: setting('WEBHOOK_REMEMBER_H', hours(75, 1_000, 80), 'hours, 75 to 1000 (default 80)'),
  /** How long the content of an event is stored after its last delivery ended, for a replay. */
  retainUsedMs: setting('WEBHOOK_RETAIN_USED_H', hours(0, 1_000, 24), 'hours, 0 to 1000 (default 24)'),
  /** How long dead deliveries and the content of their events are stored, for a replay. */
  retainDeadMs: setting('WEBHOOK_RETAIN_DEAD_H', hours(1, 10_000, 720), 'hours, 1 to 10000 (default 720)'),
} as const;

/** Reads the options of the store. Returns undefined if neither a file nor a database is set: there are no webhooks then. */
export function readStoreSettings(settings: SettingsReader): WebhookStoreOptions | undefined {
  const { file, postgresUrl } = WEBHOOK_SETTINGS;
  for (const setting of Object.values(WEBHOOK_SETTINGS)) settings.isPresent(setting);
  const places = [file, postgresUrl].filter((setting) => settings.isPresent(setting));
  if (places.length === 0) return undefined;
  if (places.length === 2)
    settings.problems.push('WEBHOOK_FILE and WEBHOOK_POSTGRES_URL are both set: leave out one of them.');
  return {
    file: settings.read(file),
    postgresUrl: settings.read(postgresUrl),
    secret: settings.read(WEBHOOK_SETTINGS.secret) ?? '',
    rememberMs: settings.read(WEBHOOK_SETTINGS.rememberMs),
    retainUsedMs: settings.read(WEBHOOK_SETTINGS.retainUsedMs),
    retainDeadMs: settings.read(WEBHOOK_SETTINGS.retainDeadMs),
  };
}
