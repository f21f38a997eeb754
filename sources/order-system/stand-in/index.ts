import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import type { StandIn, World } from '../../stand-ins/world.js';
import { startEmbeddedServer } from '../../stand-ins/embedded-server.js';
import { createEmitter } from './emitter.js';
import { loadWorld } from './load.js';
import { outbox } from './outbox.js';
import { indexes, tables } from './schema.js';

export interface OrderSystemOptions {
  /**
   * The URL of a running PostgreSQL (15 or newer), with the permission to create databases and roles. The stand-in creates a
   * database and login roles, and drops them on close. Default: a new PostgreSQL server.
   */
  connectionString?: string;
}

export interface OrderSystemStandIn extends StandIn {
  /** The URL of the database for the software of the shop, which may write. */
  ownerUrl: string;
}

/** The order system of a shop: a real PostgreSQL that the gateway may only read. */
export async function startOrderSystem(
  world: World,
  { connectionString }: OrderSystemOptions = {},
): Promise<OrderSystemStandIn> {
  const embedded = connectionString === undefined ? await startEmbeddedServer() : undefined;
  const server = new URL(connectionString ?? embedded?.connectionString ?? '');

  const mark = randomBytes(5).toString('hex');
  const database = `order_system_${mark}`;
  const serverUrl = new URL(server);
  serverUrl.pathname = `/${database}`;
  const reader = { name: `gateway_${mark}`, password: randomBytes(18).toString('hex') };
  const taker = { name: `outbox_${mark}`, password: randomBytes(18).toString('hex') };

  const close = async (): Promise<void> => {
    if (embedded !== undefined) {
      await embedded.close();
      return;
    }
    await withClient(server, async (client) => {
      await client.query(`drop database if exists ${database} with (force)`);
      await client.query(`drop role if exists ${reader.name}, ${taker.name}`);
    });
  };

  try {
    await withClient(server, async (client) => {
      await client.query(`create database ${database} template template0 encoding 'UTF8'`);
      await client.query(`create role ${reader.name} login password '${reader.password}'`);
      await client.query(`create role ${taker.name} login password '${taker.password}'`);
      // Only a member of a role may end its connections, which may still be open when the database is dropped.
      await client.query(`grant ${reader.name}, ${taker.name} to current_user`);
      await client.query(`alter role ${reader.name} set default_transaction_read_only = on`);
    });
    await withClient(serverUrl, async (client) => {
      await client.query('begin');
      await client.query(tables);
      await loadWorld(client, world);
      await client.query(indexes);
      await client.query(outbox);
      await client.query(`revoke all on database ${database} from public`);
      await client.query(`grant connect on database ${database} to ${reader.name}, ${taker.name}`);
      await client.query(`grant select on all tables in schema public to ${reader.name}`);
      // Reading the outbox locks its rows, which needs the UPDATE permission in PostgreSQL.
      await client.query(`grant select, update, delete on outbox to ${taker.name}`);
      await client.query('commit');
    });
  } catch (error) {
    await close();
    throw error;
  }

  return {
    name: 'order-system',
    url: `postgres://${server.host}`,
    ownerUrl: serverUrl.href,
    settings: (url) => {
      const addressOf = ({ name, password }: { name: string; password: string }) =>
        `postgres://${name}:${password}@${new URL(url).host}/${database}`;
      return { ORDER_SYSTEM_URL: addressOf(reader), ORDER_SYSTEM_OUTBOX_URL: addressOf(taker) };
    },
    emitter: createEmitter(serverUrl.href),
    close,
  };
}

async function withClient(url: URL, use: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url.href });
  // A connection that fails during a query rejects the query. This handles failures of idle connections.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}
