import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { listIn } from '../settings.js';
import { privateKeyOf, secretOf, type SigningKeys } from './standard-webhooks.js';

/** A receiver of deliveries. */
export interface Endpoint extends SigningKeys {
  /** The name in triggers. */
  name: string;
  url: string;
  /** Deliveries a second by each instance of the gateway. Its workers share them. */
  ratePerSecond: number;
  /** Concurrent deliveries by each instance of the gateway. Its workers share them. */
  concurrency: number;
  /** Whether it may be in a private network, and may use http. */
  allowPrivate: boolean;
  /** The names of the callers whose bulk jobs may be sent to it. */
  callers: readonly string[];
}

/** An entry of WEBHOOK_ENDPOINTS. */
const declaredEndpoint = z.strictObject({
  name: z.string().regex(/^[\w.-]{1,64}$/),
  url: z.url({ protocol: /^https?$/ }).refine((text) => {
    if (!URL.canParse(text)) return false;
    const { username, password, hash } = new URL(text);
    return `${username}${password}${hash}` === '';
  }),
  secrets: z
    .array(z.string().transform(readWith(secretOf)))
    .max(2)
    .optional(),
  privateKey: z.string().transform(readWith(privateKeyOf)).optional(),
  ratePerSecond: z.number().min(0.01).max(1_000).default(10),
  concurrency: z.number().int().min(1).max(100).default(5),
  allowPrivate: z.boolean().default(false),
  callers: z.array(z.string().regex(/^[\w.:-]{1,100}$/)).default([]),
});

const EXAMPLE = '[{"name": "mailer", "url": "https://mailer.example.nl/hooks", "secrets": ["whsec_..."]}]';

/** Descriptions of valid values, for error messages. */
const EXPECTS: Readonly<Record<string, string>> = {
  name: '1 to 64 letters, digits, dots, hyphens and underscores, which no other endpoint has',
  url: 'an https address, without user name or fragment; http only with allowPrivate',
  secrets: 'one or two texts of whsec_ and 24 to 64 bytes in base64; optional with a privateKey',
  privateKey: 'whsk_ and an ed25519 key in base64',
  ratePerSecond: 'a number of deliveries a second, 0.01 to 1000 (default 10)',
  concurrency: 'a whole number of deliveries at once, 1 to 100 (default 5)',
  allowPrivate: 'true or false (default false)',
  callers: 'a list of names of callers, such as ["campaigns"] (default: none)',
};

/**
 * Reads WEBHOOK_ENDPOINTS, with the share of one worker. A problem names the endpoint and the field, without the value. Invalid
 * endpoints are omitted.
 */
export function readEndpoints(text: string, problems: string[], workers = 1): Endpoint[] {
  const endpoints: Endpoint[] = [];
  for (const [index, entry] of listIn('WEBHOOK_ENDPOINTS', text, EXAMPLE, problems).entries()) {
    const { data, error } = declaredEndpoint.safeParse(entry);
    const name = nameOf(entry) ?? String(index + 1);
    const wrong = new Set(error?.issues.map(({ path }) => String(path[0] ?? '')));
    if (data !== undefined) {
      if (endpoints.some((other) => other.name === data.name)) wrong.add('name');
      if (!data.allowPrivate && !data.url.startsWith('https:')) wrong.add('url');
      if ((data.secrets ?? []).length === 0 && data.privateKey === undefined) wrong.add('secrets');
    }
    for (const field of wrong)
      problems.push(
        field === ''
          ? `WEBHOOK_ENDPOINTS, endpoint ${name}, fields: an unknown field. The fields are ${Object.keys(EXPECTS).join(', ')}.`
          : `WEBHOOK_ENDPOINTS, endpoint ${name}, ${field}: it must be ${EXPECTS[field] ?? ''}.`,
      );
    if (data === undefined || wrong.size > 0) continue;
    const { secrets = [], privateKey, ...same } = data;
    if (data.concurrency < workers)
      problems.push(
        `WORKERS ${workers} is more than the concurrency of endpoint ${name} (${data.concurrency}). Set WORKERS to ${data.concurrency} at most, or raise the concurrency.`,
      );
    endpoints.push({
      ...same,
      ratePerSecond: data.ratePerSecond / workers,
      concurrency: Math.floor(data.concurrency / workers),
      secrets,
      ...(privateKey === undefined ? {} : { privateKey }),
    });
  }
  return endpoints;
}

function readWith<T extends Buffer | KeyObject>(read: (text: string) => T | undefined) {
  return (text: string, context: z.core.$RefinementCtx<string>): T => {
    const value = read(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: 'not readable' });
    return z.NEVER;
  };
}

function nameOf(entry: unknown): string | undefined {
  const { data } = z.object({ name: declaredEndpoint.shape.name }).safeParse(entry);
  return data?.name;
}
