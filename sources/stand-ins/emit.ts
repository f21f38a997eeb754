import { setTimeout as wait } from 'node:timers/promises';
import type { Person, World } from './world.js';

/** The webhook that a system sends for an event. */
export interface WebhookMessage {
  /** The query string of the address. */
  search?: string;
  body: string;
  /** The headers that prove the sender. Each attempt has new ones. */
  headers: (url: string, atMs: number) => Record<string, string>;
}

/**
 * For each type of event, a function that makes it happen to a person and returns the webhook. The result is `'reported'` if the
 * system reports the event in another way itself. Undefined if the system does not know the person, or has no record for it.
 */
export type Emitter = Readonly<
  Record<
    string,
    (
      email: string,
    ) => WebhookMessage | 'reported' | undefined | Promise<WebhookMessage | 'reported' | undefined>
  >
>;

/** How often the webhook was sent, and the status of the last answer: 0 without an answer. */
export interface Emitted {
  type: string;
  attempts: number;
  status?: number;
}

export class UnknownTypeError extends Error {
  override name = 'UnknownTypeError';
}

export class UnknownPersonError extends Error {
  override name = 'UnknownPersonError';
}

/** The delays before it is sent again, if the answer is not 2xx. Vendors wait for hours. */
const RETRIES_MS = [200, 1_000];

/** Makes an event happen in a system, and sends its webhook until the answer is 2xx. */
export async function emit(
  { name, emitter = {} }: { name: string; emitter?: Emitter },
  { type, email }: { type: string; email: string },
  /** The gateway, such as `http://127.0.0.1:4000`. */
  gateway: string,
  { retriesMs = RETRIES_MS, now = Date.now }: { retriesMs?: readonly number[]; now?: () => number } = {},
): Promise<Emitted> {
  const happen = Object.hasOwn(emitter, type) ? emitter[type] : undefined;
  if (happen === undefined) {
    const known = Object.keys(emitter).join(', ');
    throw new UnknownTypeError(
      known === '' ? `${name} has no events` : `${name} has no event "${type}", only ${known}`,
    );
  }
  const message = await happen(email.trim().toLowerCase());
  if (message === undefined)
    throw new UnknownPersonError(`${name} has no person with this address who can have the event ${type}`);
  if (message === 'reported') return { type, attempts: 0 };
  const url = `${gateway}/webhooks/${name}${message.search ?? ''}`;
  let attempts = 0;
  let status = 0;
  for (const pause of [0, ...retriesMs]) {
    await wait(pause);
    attempts++;
    status = await post(url, message, now());
    if (status >= 200 && status < 300) break;
  }
  return { type, attempts, status };
}

async function post(url: string, { headers, body }: WebhookMessage, atMs: number): Promise<number> {
  try {
    // Vendors take every other status as a failure, also a redirect.
    const answer = await fetch(url, {
      method: 'POST',
      headers: headers(url, atMs),
      body,
      redirect: 'manual',
    });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return 0;
  }
}

/** The person with the address, if the system knows the person. */
export function personWith<K extends keyof Person>(
  world: World,
  email: string,
  part: K,
): (Person & Record<K, NonNullable<Person[K]>>) | undefined {
  return world.people.find(
    (person): person is Person & Record<K, NonNullable<Person[K]>> =>
      person[part] !== undefined && person.email.toLowerCase() === email,
  );
}
