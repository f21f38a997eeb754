import { randomBytes } from 'node:crypto';
import mysql, { type Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { outbox } from '../../sources/order-system/outbox.js';
import type { SourceEvent } from '../../src/webhooks/event.js';
import { createOutboxReader } from '../../src/webhooks/outbox.js';
import { eventTypes } from '../support/published-schema.js';

const database = `outbox_${randomBytes(5).toString('hex')}`;
const server = new URL(process.env['MARIADB_URL'] ?? 'mariadb://root@127.0.0.1:3306');
let root: Connection;

beforeAll(async () => {
  root = await mysql.createConnection({
    uri: server.href.replace(/^mariadb:/, 'mysql:'),
    multipleStatements: true,
  });
  await root.query(`CREATE DATABASE ${database}; USE ${database};
    CREATE TABLE outbox (
      id          bigint AUTO_INCREMENT PRIMARY KEY,
      occurred_at timestamp(6) NOT NULL DEFAULT current_timestamp(6),
      type        varchar(40) NOT NULL,
      subject     varchar(40),
      cust_no     varchar(40),
      data        json
    )`);
});

afterAll(async () => {
  await root.query(`DROP DATABASE ${database}`);
  await root.end();
});

describe('an outbox in MariaDB', () => {
  it('is polled, and stored rows are deleted from it', async () => {
    const added: SourceEvent[] = [];
    let isFull = true;
    const reader = createOutboxReader({
      source: 'order-system',
      address: new URL(`/${database}`, server).href,
      declaration: outbox,
      types: eventTypes,
      add: (events) => {
        if (isFull) return Promise.reject(new Error('no disk'));
        added.push(...events);
        return Promise.resolve({ added: events.length, known: 0 });
      },
      identify: (_, value) => value,
      logger: { warn: () => undefined, error: () => undefined },
      pausesMs: { first: 50, last: 50 },
    });
    const waiting = async () => ((await root.query('SELECT id FROM outbox'))[0] as unknown[]).length;
    try {
      await root.query(
        `INSERT INTO outbox (id, type, subject, cust_no, occurred_at, data)
         VALUES (9007199254740993, 'order.paid', 'ORD-1', 'K000123', '2026-11-20 12:00:00.5', '{"total": 12.5}'),
                (9007199254740994, 'sold.out', NULL, NULL, '2026-11-20 12:00:00', NULL)`,
      );
      expect(await waiting()).toBe(2);
      isFull = false;
      await vi.waitFor(async () => {
        expect(await waiting()).toBe(0);
      }, 5_000);
      expect(added).toMatchObject([
        {
          id: expect.stringMatching(/^9007199254740993 /) as string,
          type: 'order.paid',
          subject: 'ORD-1',
          identifiers: { customerNumber: ['K000123'] },
          data: { total: 12.5 },
        },
      ]);
      await root.query(`INSERT INTO outbox (type, subject) VALUES ('order.placed', 'ORD-2')`);
      await vi.waitFor(() => {
        expect(added.map(({ subject }) => subject)).toEqual(['ORD-1', 'ORD-2']);
      }, 5_000);
    } finally {
      await reader.close();
    }
  });
});
