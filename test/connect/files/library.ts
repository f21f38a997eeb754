import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

/**
 * The files of a library: readers in CSV, loans in Parquet by day, fines in JSON. Its names and addresses
 * must not appear in findings.
 */

export const READERS = Array.from({ length: 40 }, (_, i) => ({
  number: `R${String(i + 1).padStart(4, '0')}`,
  name: `Teuntje Bibliosma${String(i + 1)}`,
  mail: `Teuntje.${String(i + 1)}@Boek.example`,
}));

const LOANS = `SELECT n AS loan_id, 'R' || lpad(CAST(n % 40 + 1 AS VARCHAR), 4, '0') AS reader_number,
  CAST(TIMESTAMP '2026-03-01 09:30:00' + INTERVAL 1 DAY * (n % 3) AS TIMESTAMP) AS lent_at, n % 7 AS book_id,
  CAST('2026-03-0' || CAST(n % 3 + 1 AS VARCHAR) AS VARCHAR) AS day, CAST(n AS DECIMAL(10, 2)) / 4 AS fee FROM range(1, 200) t(n)`;

export interface Library {
  folder: string;
  write(path: string, text: string): Promise<void>;
  /** Writes the loans with these columns, in the syntax of SELECT. */
  writeLoans(columns: string): Promise<void>;
  remove(): Promise<void>;
}

export async function createLibrary(): Promise<Library> {
  const folder = await mkdtemp(join(tmpdir(), 'stekkerdoos-library-'));
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  };
  const writeLoans = async (columns: string): Promise<void> => {
    const database = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await database.connect();
    await mkdir(join(folder, 'loans'));
    await connection.run(
      `COPY (SELECT ${columns} FROM (${LOANS})) TO '${join(folder, 'loans')}' (FORMAT parquet, PARTITION_BY (day))`,
    );
    connection.closeSync();
    database.closeSync();
  };
  const rows = READERS.map(({ number, name, mail }, i) =>
    [
      ...[number, name, mail, i % 2 === 0 ? 'ja' : 'nee', `${String((i % 28) + 1).padStart(2, '0')}-12-1990`],
      ...[`06123456${String(i).padStart(2, '0')}`, `${i}.50`, '1234AB', 'digest'],
    ].join(','),
  );
  await write(
    'readers.csv',
    ['number,name,mail,active,born,phone,balance,postcode,password_hash', ...rows, ''].join('\n'),
  );
  const fines = READERS.flatMap(({ number }, i) =>
    i % 4 === 0
      ? [
          {
            id: i,
            reader_number: number,
            amount: i + 0.25,
            currency: 'EUR',
            paid: i % 8 === 0,
            tags: ['late'],
          },
        ]
      : [],
  );
  await write('fines-2026-01.json', JSON.stringify(fines.slice(0, 5)));
  await write('fines-2026-02.json', JSON.stringify(fines.slice(5)));
  await write(
    'book/part-0001.csv',
    ['book_id,title', ...Array.from({ length: 7 }, (_, i) => `${i},Title ${i}`), ''].join('\n'),
  );
  await write('notes.txt', 'no data');
  await write('[odd].csv', 'a,b\n1,2\n');
  await write('broken.parquet', 'no parquet');
  await writeLoans('*');
  return { folder, write, writeLoans, remove: () => rm(folder, { recursive: true, force: true }) };
}
