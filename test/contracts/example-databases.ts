import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { startEmbeddedServer } from '../../sources/stand-ins/embedded-server.js';

/** Databases that their authors publish as examples, in PostgreSQL. `ORDER_SYSTEM_TEST_URL` selects the server. */

export interface ExampleServer {
  /** Creates a database from a script. Returns its address for a role that may only read. */
  create(name: string, file: string): Promise<URL>;
  close(): Promise<void>;
}

export async function startExampleServer(): Promise<ExampleServer> {
  const { ORDER_SYSTEM_TEST_URL: testUrl } = process.env;
  const embedded = testUrl === undefined ? await startEmbeddedServer() : undefined;
  const server = testUrl ?? embedded?.connectionString ?? '';
  const mark = randomBytes(5).toString('hex');
  const reader = `connect_reader_${mark}`;
  const databases: string[] = [];
  await run(server, [`CREATE ROLE ${reader} LOGIN PASSWORD '${mark}'`]);
  return {
    create: async (name, file) => {
      const database = `${name}_${mark}`;
      databases.push(database);
      // Statements of psql, and those about databases, are not for a connection.
      const script = readFileSync(file, 'utf8')
        .replace(/^\uFEFF/, '')
        .replace(/^(DROP|CREATE) DATABASE[^;]*;|^\\c .*$|^SET default_with_oids.*$/gm, '');
      await run(server, [`CREATE DATABASE ${database} TEMPLATE template0 ENCODING 'UTF8'`]);
      const url = new URL(server);
      url.pathname = `/${database}`;
      await run(url.href, [script, `GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${reader}`]);
      url.username = reader;
      url.password = mark;
      return url;
    },
    close: async () => {
      await run(server, [
        ...databases.map((database) => `DROP DATABASE ${database} WITH (FORCE)`),
        `DROP ROLE ${reader}`,
      ]);
      await embedded?.close();
    },
  };
}

async function run(server: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
