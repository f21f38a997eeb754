import { randomBytes } from 'node:crypto';
import mysql, { type Connection } from 'mysql2/promise';
import { rowsOf } from '../../sources/order-system/stand-in/load.js';
import type { World } from '../../sources/stand-ins/world.js';

export interface OrderDatabase {
  /** The URL for the gateway, with a user that may only read. */
  url: string;
  /** A user with all privileges, in the same database. */
  root: Connection;
  /** Drops the database and the user. */
  close(): Promise<void>;
}

/** Creates the tables and rows of the order system in a separate database. */
export async function createOrderDatabase(world: World): Promise<OrderDatabase> {
  const address = process.env.MARIADB_URL;
  if (address === undefined) throw new Error('MARIADB_URL must be the address of a MariaDB.');
  const mark = randomBytes(5).toString('hex');
  const database = `order_system_${mark}`;
  const reader = { name: `gateway_${mark}`, password: randomBytes(12).toString('hex') };
  const { hostname, port, username, password } = new URL(address);
  const root = await mysql.createConnection({
    host: hostname,
    port: Number(port || 3306),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    timezone: 'Z',
    multipleStatements: true,
  });
  const close = async (): Promise<void> => {
    await root.query(`DROP DATABASE IF EXISTS ${database}; DROP USER IF EXISTS '${reader.name}'@'%'`);
    await root.end();
  };
  try {
    // The collation differs from that of the gateway's connections, as in most databases.
    await root.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
      USE ${database}; SET time_zone = '+00:00'; ${tables};
      CREATE USER '${reader.name}'@'%' IDENTIFIED BY '${reader.password}';
      GRANT SELECT ON ${database}.* TO '${reader.name}'@'%'`);
    const { customers, devices, consents, orders, lines, payments } = rowsOf(world);
    const rows = {
      customers,
      customer_devices: devices,
      customer_consents: consents,
      orders,
      order_lines: lines,
      payments,
    };
    for (const [table, objects] of Object.entries(rows)) await insert(root, table, objects);
    await root.query(`ANALYZE TABLE ${Object.keys(rows).join(', ')}`);
  } catch (error) {
    await close();
    throw error;
  }
  const host = `${hostname}:${port || '3306'}`;
  return { url: `mariadb://${reader.name}:${reader.password}@${host}/${database}`, root, close };
}

async function insert(root: Connection, table: string, objects: readonly object[]): Promise<void> {
  const columns = [...new Set(objects.flatMap((object) => Object.keys(object)))];
  const rows = objects.map((object) =>
    columns.map((column) => {
      const value = (object as Record<string, unknown>)[column];
      return column.endsWith('_at') && typeof value === 'string' ? new Date(value) : (value ?? null);
    }),
  );
  for (let start = 0; start < rows.length; start += 5_000)
    await root.query(`INSERT INTO ${table} (${columns.join(', ')}) VALUES ?`, [
      rows.slice(start, start + 5_000),
    ]);
}

/** The tables of sources/order-system/stand-in/schema.ts, in the SQL of MariaDB. */
const tables = `
  CREATE TABLE customers (
    cust_no        varchar(40) PRIMARY KEY,
    email          varchar(254) NOT NULL,
    email_lower    varchar(254) AS (lower(email)) VIRTUAL,
    email_verified boolean NOT NULL,
    phone          varchar(40),
    phone_verified boolean NOT NULL,
    first_name     text NOT NULL,
    last_name      text NOT NULL,
    birth_date     date,
    street         text,
    house_no       text,
    postcode       text,
    city           text,
    country        char(2) NOT NULL,
    company_name   text,
    kvk_no         varchar(20),
    vat_no         varchar(20),
    created_at     timestamp(6) NOT NULL,
    updated_at     timestamp(6) NOT NULL,
    KEY customers_email (email_lower),
    KEY customers_phone (phone),
    KEY customers_kvk_no (kvk_no),
    KEY customers_vat_no (vat_no)
  );
  CREATE TABLE customer_devices (
    cust_no      varchar(40) NOT NULL REFERENCES customers (cust_no),
    visitor_id   varchar(100) NOT NULL,
    last_seen_at timestamp(6) NOT NULL,
    PRIMARY KEY (cust_no, visitor_id),
    KEY customer_devices_visitor_id (visitor_id)
  );
  CREATE TABLE customer_consents (
    cust_no    varchar(40) NOT NULL REFERENCES customers (cust_no),
    purpose    varchar(20) NOT NULL,
    channel    varchar(20),
    status     varchar(20) NOT NULL,
    changed_at timestamp(6) NOT NULL,
    expires_at timestamp(6) NULL,
    evidence   text,
    UNIQUE KEY customer_consents_of (cust_no, purpose, channel)
  );
  CREATE TABLE orders (
    order_no      varchar(40) PRIMARY KEY,
    cust_no       varchar(40) NOT NULL REFERENCES customers (cust_no),
    status        varchar(20) NOT NULL,
    placed_at     timestamp(6) NOT NULL,
    currency      char(3) NOT NULL,
    shop_order_no varchar(40) UNIQUE,
    KEY orders_newest_first (cust_no, placed_at DESC, order_no DESC)
  );
  CREATE TABLE order_lines (
    order_no    varchar(40) NOT NULL REFERENCES orders (order_no),
    line_no     integer NOT NULL,
    sku         varchar(100) NOT NULL,
    description text NOT NULL,
    quantity    integer NOT NULL,
    unit_price  numeric(12,2) NOT NULL,
    PRIMARY KEY (order_no, line_no)
  );
  CREATE TABLE payments (
    order_no   varchar(40) NOT NULL REFERENCES orders (order_no),
    payment_no integer NOT NULL,
    method     varchar(20) NOT NULL,
    amount     numeric(12,2) NOT NULL,
    paid_at    timestamp(6) NOT NULL,
    PRIMARY KEY (order_no, payment_no)
  )`;
