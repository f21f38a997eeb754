import { setTimeout as wait } from 'node:timers/promises';
import type { Person, World } from './world.js';

/** What a system sends when something happens in it. */
export interface WebhookMessage {
  /** Behind the address. */
  search?: string;
  body: string;
  /** What its headers prove that it is the system's; made anew for each attempt. */
  headers: (url: string, atMs: number) => Record<string, string>;
}

/**
 * By kind of event: makes it happen to somebody, and gives what the system sends of it; `'told'` when it tells of it in
 * another way by itself. Undefined when the system does not know them, or nothing of theirs that it could happen to.
 */
export type Emitter = Readonly<
  Record<
    string,
    (email: string) => WebhookMessage | 'told' | undefined | Promise<WebhookMessage | 'told' | undefined>
  >
>;

/** How often it was sent, and the last answer; 0 when nobody answered. */
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

/** After so long it is sent again, when the answer is not 2xx. Vendors take hours for it. */
const RETRIES_MS = [200, 1_000];

/** Makes something happen in a system, and sends its webhook until it is taken. */
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
      known === '' ? `${name} tells of nothing` : `${name} does not tell of "${type}", only of ${known}`,
    );
  }
  const message = await happen(email.trim().toLowerCase());
  if (message === undefined)
    throw new UnknownPersonError(`${name} knows nobody with this address to whom ${type} could happen`);
  if (message === 'told') return { type, attempts: 0 };
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
    // Anything but 2xx is a failure to the vendors, also that the address is elsewhere now.
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

/** Whoever has the address and is known to the system. */
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
