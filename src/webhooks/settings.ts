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

/** Where events and deliveries are kept, and where they go. */
export const WEBHOOK_SETTINGS = {
  /** For one instance. It must lie on a disk of the machine's own: file locks and syncs over a network promise little. */
  file: setting(
    'WEBHOOK_FILE',
    z.string().min(1).optional(),
    'the path of a file, such as /var/lib/stekkerdoos/webhooks.db',
  ),
  /** For several instances. The role must be allowed to make tables in the database. */
  postgresUrl: setting(
    'WEBHOOK_POSTGRES_URL',
    z.url({ protocol: /^postgres(ql)?$/ }).optional(),
    'an address such as postgres://user:password@localhost:5432/webhooks',
    { secret: true },
  ),
  /** Encrypts what is kept. With another secret, what is there cannot be read any more, and every event is new. */
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
  /** So long an endpoint has to answer. */
  timeoutMs: setting(
    'WEBHOOK_TIMEOUT_MS',
    z.coerce.number().int().min(100).max(60_000).default(15_000),
    'milliseconds, 100 to 60000 (default 15000)',
  ),
  /** So long an event that is sent again counts as known. Systems repeat for up to three days. */
  rememberMs: setting('WEBHOOK_REMEMBER_H', hours(75, 1_000, 80), 'hours, 75 to 1000 (default 80)'),
  /** So long what an event held is kept after its last delivery is done, in case one is to be replayed. */
  keepUsedMs: setting('WEBHOOK_KEEP_USED_H', hours(0, 1_000, 24), 'hours, 0 to 1000 (default 24)'),
  /** So long deliveries that were given up are kept for a replay, and with them what their events held. */
  keepDeadMs: setting('WEBHOOK_KEEP_DEAD_H', hours(1, 10_000, 720), 'hours, 1 to 10000 (default 720)'),
} as const;

/** How the store is to be opened. Undefined when neither a file nor a database is set: then there are no webhooks. */
export function readStoreSettings(settings: SettingsReader): WebhookStoreOptions | undefined {
  const { file, postgresUrl } = WEBHOOK_SETTINGS;
  for (const one of Object.values(WEBHOOK_SETTINGS)) settings.isPresent(one);
  const places = [file, postgresUrl].filter((one) => settings.isPresent(one));
  if (places.length === 0) return undefined;
  if (places.length === 2)
    settings.problems.push('WEBHOOK_FILE and WEBHOOK_POSTGRES_URL are both set: leave out one of them.');
  return {
    file: settings.read(file),
    postgresUrl: settings.read(postgresUrl),
    secret: settings.read(WEBHOOK_SETTINGS.secret) ?? '',
    rememberMs: settings.read(WEBHOOK_SETTINGS.rememberMs),
    keepUsedMs: settings.read(WEBHOOK_SETTINGS.keepUsedMs),
    keepDeadMs: settings.read(WEBHOOK_SETTINGS.keepDeadMs),
  };
}
