import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

/** The example of a source declared over files: permits in CSV, and visits in Parquet. */
export const PARKING_YAML = `source: parking
connect:
  files: "\${PARKING_FOLDER}"
  tables:
    permit: { files: permits.csv }
    visit: { files: "visits/day=*/*.parquet", optional: [note], newest: { column: day, days: 30 } }
limits: { timeout: 2 s, concurrency: 2 }
namespaces:
  permitNumber: { pattern: '^P\\d{4}$', description: "The number of a permit, such as P0017." }
identity:
  recordKey: permitNumber
  id: number
  foundBy:
    permitNumber: { call: permitsByNumber, uniqueness: enforced }
    email: { call: permitsByEmail, uniqueness: usual }
  yields: { email: { one: mail } }
calls:
  permitsByNumber: { from: permit, by: number }
  permitsByEmail: { from: permit, by: mail, matching: lower }
  visits:
    query: SELECT permit, id, entered_at, paid, note FROM visit() WHERE permit = ANY(:keys)
    key: permit
fields:
  Customer.hasPermit: { from: active, boolean: { "true": ["yes"], "false": ["no"] } }
  Customer.parkingVisits: { call: visits, order: [-enteredAt, number] }
  ParkingVisit.number: id
  ParkingVisit.enteredAt: entered_at
  ParkingVisit.paid: { from: paid, money: { currency: EUR } }
`;

export const PARKING_SDL = `type Customer {
  "Whether the customer has a parking permit. Source: the files of the car park, up to a minute old."
  hasPermit: Boolean @personalData(category: TRANSACTION) @requiresScopes(scopes: [["orders:read"]])
  "Visits to the car park, the newest first. Source: the files of the car park."
  parkingVisits(
    "How many, 1 to 100."
    first: Int! = 10
    "The endCursor of the page before."
    after: String
  ): ParkingVisitConnection @personalData(category: BEHAVIOUR) @requiresScopes(scopes: [["orders:read"]])
}

"A visit to the car park."
type ParkingVisit @personalData(category: BEHAVIOUR) {
  "The number of the visit."
  number: ID!
  "When the car entered."
  enteredAt: DateTime!
  "What was paid."
  paid: Money
  "A note of the warden."
  note: String
}
`;

export interface Visit {
  id: number;
  permit: string;
  /** The time of entry in UTC, without a zone. */
  enteredAt: string;
  paid: string;
}

/** The permits P0001 to P0020. The number of a permit is also its number of visits. */
export const PERMITS = Array.from({ length: 20 }, (_, i) => ({
  number: `P${String(i + 1).padStart(4, '0')}`,
  mail: `Driver${String(i + 1)}@example.nl`,
  active: i % 2 === 0 ? 'yes' : 'no',
}));
export const VISITS: readonly Visit[] = PERMITS.flatMap(({ number }, i) =>
  Array.from({ length: i + 1 }, (_, j) => ({
    id: i * 100 + j,
    permit: number,
    enteredAt: `2026-10-${String((j % 28) + 1).padStart(2, '0')} 12:00:00`,
    paid: `${String(j)}.50`,
  })),
);

/** Creates the files of a car park in a separate folder. */
export async function createParking(
  visits: readonly Visit[] = VISITS,
): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'stekkerdoos-parking-'));
  const permits = PERMITS.map(({ number, mail, active }) => `${number},${mail},${active}`);
  await writeFile(join(folder, 'permits.csv'), ['number,mail,active', ...permits, ''].join('\n'));
  const days = new Set(visits.map(({ enteredAt }) => enteredAt.slice(0, 10)));
  for (const day of days) {
    const rows = visits
      .filter(({ enteredAt }) => enteredAt.startsWith(day))
      .map(
        ({ id, permit, enteredAt, paid }) =>
          `(${String(id)}, '${permit}', TIMESTAMPTZ '${enteredAt}+00', ${paid}::DECIMAL(8, 2))`,
      );
    await writeParquet(
      join(folder, `visits/day=${day}/visits.parquet`),
      `SELECT * FROM (VALUES ${rows.join(', ')}) visits(id, permit, entered_at, paid)`,
    );
  }
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

export async function writeParquet(path: string, select: string): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  const database = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await database.connect();
  await connection.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`);
  connection.closeSync();
  database.closeSync();
}
