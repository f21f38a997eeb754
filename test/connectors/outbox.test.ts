import * as mysql from 'mysql2/promise';
import pg from 'pg';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openOutbox } from '../../src/connectors/sql/outbox.js';

vi.mock('mysql2/promise', () => ({ createConnection: vi.fn() }));

afterEach(() => {
  vi.restoreAllMocks();
});

/** An outbox whose database returns prepared answers. */
async function outbox() {
  const connect = vi.spyOn(pg.Client.prototype, 'connect').mockReturnValue(Promise.resolve() as never);
  vi.spyOn(pg.Client.prototype, 'query').mockReturnValue(Promise.resolve({ rows: [] }) as never);
  const box = await openOutbox('postgres://localhost/orders', { name: 'outbox' });
  const client = connect.mock.contexts[0] as pg.Client;
  const closing = new AbortController();
  let hasNotification = false;
  return {
    read: () => box.take('0', () => Promise.resolve([])),
    notify: () => client.emit('notification'),
    /** Whether `waitForRows` reports a notification at once. */
    isNotified: async () => {
      const reported = box.waitForRows(closing.signal).then(() => (hasNotification = true));
      await new Promise(setImmediate);
      const result = hasNotification;
      hasNotification = false;
      closing.abort();
      await reported;
      return result;
    },
  };
}

describe('the outbox of a PostgreSQL database', () => {
  it('is read again at once if a notification arrives during a read', async () => {
    const { read, notify, isNotified } = await outbox();
    await read();
    notify();
    expect(await isNotified()).toBe(true);
  });

  it('is not read without a notification', async () => {
    const { read, isNotified } = await outbox();
    await read();
    expect(await isNotified()).toBe(false);
  });
});

describe('the outbox of a MariaDB database', () => {
  it('deletes only the processed rows', async () => {
    const query = vi.fn(({ sql }: mysql.QueryOptions) =>
      Promise.resolve([sql.startsWith('SELECT') ? [{ id: 1 }, { id: 2 }, { id: 3 }] : []]),
    );
    vi.mocked(mysql.createConnection).mockResolvedValue({ query, on: () => undefined } as never);
    const box = await openOutbox('mariadb://localhost/orders', { name: 'outbox' });
    expect(await box.take('0', () => Promise.resolve(['1', '3']))).toBe('3');
    const deletions = query.mock.calls.flatMap(([{ sql, values }]) =>
      sql.startsWith('DELETE') ? [values as unknown] : [],
    );
    expect(deletions).toEqual([[['1', '3']]]);
  });
});
