import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import mysql, { type Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCallBudget } from '../../src/connect/call-budget.js';
import type { Draft, DraftType, Finding } from '../../src/connect/draft.js';
import { sqlReaderKind } from '../../src/connect/sql/sql-kind.js';
import { openConnected } from '../connect/connected-gateway.js';

/** A bicycle workshop in MariaDB. Its names are planted: no finding may have them. */

const mark = randomBytes(5).toString('hex');
const database = `workshop_${mark}`;
const user = `workshop_reader_${mark}`;
let owner: Connection;
let url: URL;

const TABLES = `
  CREATE TABLE klanten (
    klantnr int unsigned PRIMARY KEY, voornaam varchar(80) NOT NULL, achternaam varchar(80) NOT NULL,
    email varchar(190) COLLATE utf8mb4_general_ci, barcode varchar(20) COLLATE utf8mb4_bin NOT NULL, actief boolean NOT NULL,
    soort enum('particulier', 'zakelijk') NOT NULL, wachtwoord varchar(100), geboren date, gewijzigd timestamp NULL, foto blob,
    KEY klanten_email (email), UNIQUE KEY klanten_kaart (barcode)
  ) COMMENT 'Mensen met een fiets.';
  CREATE TABLE reparaties (
    id bigint PRIMARY KEY, klantnr int unsigned NOT NULL, begonnen datetime NOT NULL, bedrag decimal(10, 2), valuta char(3),
    KEY reparaties_van (klantnr, begonnen, id), FOREIGN KEY (klantnr) REFERENCES klanten (klantnr)
  );
  CREATE TABLE bezoek (id int PRIMARY KEY, klantnr int unsigned NOT NULL, op datetime NOT NULL) ENGINE = MyISAM;
  CREATE TABLE rit (id int PRIMARY KEY, klantnr int unsigned NOT NULL, km int) ENGINE = MyISAM;
  CREATE VIEW v_klanten AS SELECT klantnr AS nummer, voornaam, achternaam, email FROM klanten WHERE actief;
  CREATE TABLE dossier (id int PRIMARY KEY, klantnr int unsigned NOT NULL, cijfer int, oordeel text)`;

beforeAll(async () => {
  const server = new URL(process.env['MARIADB_URL'] ?? 'mariadb://root@127.0.0.1:3306');
  owner = await mysql.createConnection({
    uri: server.href.replace(/^mariadb:/, 'mysql:'),
    multipleStatements: true,
  });
  await owner.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci; USE ${database};
    SET time_zone = '+00:00'; ${TABLES};
    INSERT INTO klanten SELECT seq, CONCAT('Wubbo', seq), CONCAT('Fietsma', seq), CONCAT('Wubbo', seq, '@Fiets.example'),
      CONCAT('K', 10000 + seq), true, IF(seq % 2, 'particulier', 'zakelijk'), 'x', '1990-05-06', '2026-01-02 03:04:05', 'x' FROM seq_1_to_40;
    INSERT INTO reparaties SELECT seq, seq % 40 + 1, '2026-02-03 04:05:06', 12.5, 'EUR' FROM seq_1_to_120;
    INSERT INTO bezoek SELECT seq, seq % 40 + 1, '2026-02-03 04:05:06' FROM seq_1_to_12000;
    INSERT INTO rit SELECT seq, seq % 40 + 1, 3 FROM seq_1_to_80;
    INSERT INTO dossier SELECT seq, seq, 7, 'geheim oordeel' FROM seq_1_to_40;
    ANALYZE TABLE klanten, reparaties, bezoek, rit, dossier;
    CREATE USER '${user}'@'%' IDENTIFIED BY '${mark}';
    GRANT SELECT ON ${database}.klanten TO '${user}'@'%'; GRANT SELECT ON ${database}.reparaties TO '${user}'@'%';
    GRANT SELECT ON ${database}.bezoek TO '${user}'@'%'; GRANT SELECT ON ${database}.rit TO '${user}'@'%';
    GRANT SELECT, SHOW VIEW ON ${database}.v_klanten TO '${user}'@'%';
    GRANT SELECT (id, klantnr, cijfer) ON ${database}.dossier TO '${user}'@'%'`);
  url = new URL(`mariadb://${user}:${mark}@${server.hostname}:${server.port || '3306'}/${database}`);
});
afterAll(async () => {
  await owner.query(`DROP DATABASE ${database}; DROP USER '${user}'@'%'`);
  await owner.end();
});

async function connect(by: string, address = url) {
  const budget = createCallBudget({ intervalMs: 0 });
  const reader = await sqlReaderKind.open({
    ...{ source: 'workshop', target: { what: address.href, url: address }, environment: {}, budget },
    questions: { keys: () => Promise.resolve([]) },
  });
  try {
    const look = await reader.look();
    return { look, ...(await reader.measure({ name: by, evidence: '' })), used: budget.used };
  } finally {
    await reader.close();
  }
}

const callsOf = ({ calls }: Draft) =>
  Object.fromEntries(Object.entries(calls).map(([name, { call }]) => [name, call]));
const textsOf = (findings: readonly Finding[]) => findings.map(({ text }) => text).join('\n');
const shapeOf = (type: DraftType | undefined) =>
  type?.fields.map(
    ({ name, type: of, isList, isNullable }) => `${name} ${isList ? `[${of}]` : of}${isNullable ? '' : '!'}`,
  );

describe('connecting a MariaDB', () => {
  it('finds the tables of persons, and leaves out secrets', async () => {
    const { look } = await connect('klanten');
    expect(look.candidates.map(({ name }) => name)).toEqual(['v_klanten', 'klanten']);
    expect(textsOf(look.findings)).toContain('they look like secrets: klanten.wachtwoord.');
  });

  it('drafts calls and types, with at most 20 statements', async () => {
    const { draft, findings, used } = await connect('klanten');
    expect(used).toBeLessThanOrEqual(20);
    expect(draft.system).toEqual({ database: 'mysql' });
    expect(callsOf(draft)).toEqual({
      byKlantnr: { from: 'klanten', by: 'klantnr', keys: 'bigint' },
      byEmail: { from: 'klanten', by: 'email' },
      byBarcode: { from: 'klanten', by: 'barcode' },
      reparaties: { from: 'reparaties', by: 'klantnr', keys: 'bigint' },
      dossiers: { from: 'dossier', by: 'klantnr', keys: 'bigint' },
      rits: { from: 'rit', by: 'klantnr', keys: 'bigint' },
    });
    expect(shapeOf(draft.customer)).toEqual([
      ...[
        'klantnr ID!',
        'voornaam String!',
        'achternaam String!',
        'email String',
        'barcode String!',
        'actief Boolean!',
      ],
      ...['soort Enum!', 'geboren Date', 'gewijzigd DateTime'],
      ...['reparaties [WorkshopReparatie]', 'dossiers [WorkshopDossier]', 'rits [WorkshopRit]'],
    ]);
    expect(shapeOf(draft.types['WorkshopReparatie'])).toEqual([
      'id ID!',
      'begonnen DateTime!',
      'bedrag Money',
      'valuta String',
    ]);
    const found = textsOf(findings);
    expect(found).toContain(
      'klanten.email finds no record by an unknown key or by a part of a key, and is case-insensitive.',
    );
    expect(found).toContain(
      'klanten.barcode finds no record by an unknown key or by a part of a key, and is case-sensitive.',
    );
    expect(found).toContain(
      'Reading bezoek by klantnr scans every row of the large table bezoek, so it is left out.',
    );
    expect(found).toContain('Left out, because their types cannot be mapped: klanten.foto.');
    for (const text of ['Wubbo', 'Fietsma', 'geheim']) expect(JSON.stringify([findings])).not.toContain(text);
    expect(JSON.stringify(draft)).not.toContain('oordeel');
  });

  it('connects a view, with the keys of its table', async () => {
    const { draft } = await connect('v_klanten');
    expect(callsOf(draft)).toMatchObject({
      byNummer: { from: 'v_klanten', by: 'nummer', keys: 'bigint' },
      reparaties: { from: 'reparaties', by: 'klantnr', keys: 'bigint' },
    });
    expect(draft.calls['byNummer']?.isUnique).toBe(true);
  });

  it('drafts a source that answers from the database', async () => {
    const { draft, values } = await connect('klanten');
    const gateway = openConnected(
      draft,
      {
        recordKey: 'klantnr',
        foundBy: {
          klantnr: { call: 'byKlantnr', uniqueness: 'enforced' },
          email: { call: 'byEmail', uniqueness: 'usual' },
        },
        yields: { email: 'email' },
      },
      values,
    );
    const { data, errors } = await gateway.query(
      `{ customer(by: { email: "wubbo7@fiets.example" }) { person { klantnr voornaam actief soort gewijzigd }
        reparaties(first: 1) { nodes { id begonnen bedrag { amount currency } } } } }`,
    );
    await gateway.close();
    expect(errors).toEqual([]);
    expect(data).toEqual({
      customer: {
        person: {
          ...{ klantnr: '7', voornaam: 'Wubbo7', actief: true, soort: 'PARTICULIER' },
          gewijzigd: '2026-01-02T03:04:05.000Z',
        },
        reparaties: {
          nodes: [
            { id: '86', begonnen: '2026-02-03T04:05:06.000Z', bedrag: { amount: '12.50', currency: 'EUR' } },
          ],
        },
      },
    });
  });

  it('reports a refused password without it', async () => {
    const wrong = new URL(url);
    wrong.password = 'swordfish';
    const error: unknown = await connect('klanten', wrong).catch((reason: unknown) => reason);
    expect(String(error)).toContain('The database refuses the user or the password (1045).');
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('swordfish');
  });
});
