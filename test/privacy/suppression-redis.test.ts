import { afterEach, expect, it, vi } from 'vitest';
import { SuppressionUnavailableError } from '../../src/errors.js';
import { createDigests, createSuppression, type Suppression } from '../../src/privacy/suppression.js';
import { createLogger } from '../../src/telemetry/logger.js';
import { imitation, listenAs } from '../cache/shared-cache/imitation.js';

const SECRET = 'a secret of the tests';
const anna = { namespace: 'email', value: 'anna@example.nl' };
const bert = { namespace: 'phone', value: '+31612345678' };
const { of, mark } = createDigests(SECRET);

const open: { close(): void }[] = [];
afterEach(() => {
  for (const item of open.splice(0).reverse()) item.close();
});

/** A server that answers like a Redis with this set. Returns instances that use it. */
async function redisWith(...members: string[]) {
  const set = new Set(members);
  const redis = imitation();
  const published: string[] = [];
  let refusal: string | undefined;
  let refused = 0;
  redis.otherwise = ([name = '', ...parameters]) => {
    if (refusal !== undefined) {
      refused += 1;
      return `-${refusal}\r\n`;
    }
    switch (name.toLowerCase()) {
      case 'smembers':
        return `*${set.size}\r\n${[...set].map((member) => `$${member.length}\r\n${member}\r\n`).join('')}`;
      case 'sadd':
        for (const member of parameters.slice(1)) set.add(member);
        return ':1\r\n';
      case 'publish':
        published.push(parameters.join(' '));
        return ':1\r\n';
      default:
        return '+OK\r\n';
    }
  };
  const server = await listenAs(redis.serve);
  open.push(server);
  const instance = () => {
    const logger = createLogger('silent');
    const errors = vi.spyOn(logger, 'error');
    const list: Suppression = createSuppression({
      ...{ secret: SECRET, file: undefined, redisUrl: server.url, logger, clock: performance },
    });
    open.push(list);
    return { list, errors: () => errors.mock.calls.map((all) => JSON.stringify(all)) };
  };
  return {
    set,
    published,
    instance,
    refuse: (reason: string) => (refusal = reason),
    refused: () => refused,
    changed: () => {
      redis.publish('changed', 'stekkerdoos:1:suppressed:changed');
    },
  };
}

it('knows the customers of the set once it is loaded, and not the mark of the key', async () => {
  const { list } = (await redisWith(mark, of(anna))).instance();
  expect(list.has(anna)).toBe(false);
  await list.loading();
  expect([list.has(anna), list.has(bert), list.isEmpty]).toEqual([true, false, false]);
  expect(list.loading()).toBeUndefined();
  const empty = (await redisWith(mark)).instance();
  await empty.list.loading();
  expect(empty.list.isEmpty).toBe(true);
});

it('adds digests with the mark of the key, and notifies other instances', async () => {
  const { set, published, instance } = await redisWith();
  const { list } = instance();
  // This waits until the set is read.
  await list.add([anna]);
  await list.add([bert]);
  expect([...set].sort()).toEqual([mark, of(anna), of(bert)].sort());
  expect([list.has(anna), list.has(bert)]).toEqual([true, true]);
  expect(published).toEqual(Array(2).fill('stekkerdoos:1:suppressed:changed changed'));
});

it('is read again when another instance has added a customer', async () => {
  const { set, instance, changed } = await redisWith(mark);
  const { list } = instance();
  await list.loading();
  const { version } = list;
  set.add(of(bert));
  changed();
  await vi.waitFor(() => {
    expect(list.has(bert)).toBe(true);
  });
  expect(list.version).not.toBe(version);
});

it('restores a set that Redis has lost', async () => {
  const { set, instance, changed } = await redisWith(mark, of(anna));
  const { list, errors } = instance();
  await list.loading();
  set.clear();
  changed();
  await vi.waitFor(() => {
    expect([...set].sort()).toEqual([mark, of(anna)].sort());
  });
  expect(list.has(anna)).toBe(true);
  expect(errors()).toEqual([expect.stringContaining('Redis has lost the suppression list')]);
});

it('is unavailable if the set was written with another secret', async () => {
  const { instance } = await redisWith(createDigests('another secret').mark, of(anna));
  const { list, errors } = instance();
  await expect(list.loading()).rejects.toThrow(SuppressionUnavailableError);
  await expect(list.add([bert])).rejects.toThrow(SuppressionUnavailableError);
  expect(errors()).toEqual([expect.stringContaining('another ID_SECRET')]);
});

it('stays in force while it cannot be read, which is logged once', async () => {
  const { instance, refuse, refused, changed } = await redisWith(mark, of(anna));
  const { list, errors } = instance();
  await list.loading();
  refuse('LOADING Redis is loading');
  changed();
  await vi.waitFor(() => {
    expect(errors()).toHaveLength(1);
  });
  expect(errors()[0]).toContain('the last list that was read stays in force');
  expect([list.loading(), list.has(anna)]).toEqual([undefined, true]);
  await expect(list.add([bert])).rejects.toThrow(SuppressionUnavailableError);
  expect(list.has(bert)).toBe(false);
  changed();
  // A read and an addition were refused before this read.
  await vi.waitFor(() => {
    expect(refused()).toBe(3);
  });
  await expect(list.add([bert])).rejects.toThrow(SuppressionUnavailableError);
  expect(errors()).toHaveLength(1);
});
