import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { filesCall } from '../declared/files-grammar.js';
import type { Environment } from '../settings.js';
import { measuredCalls, RecordingError } from './read-recording.js';
import type { RecordedTable, Recording } from './recording.js';
import type { RecordedStandIn } from './stand-in.js';
import { tableStandIn } from './table-stand-in.js';

/** Writes the recorded tables to files in a temporary folder, which is removed when the stand-in closes. */
export async function startFilesStandIn(
  recording: Recording,
  settings: (folder: string) => Environment,
): Promise<RecordedStandIn> {
  const { source, tables = {} } = recording;
  const measured = measuredCalls(recording, filesCall);
  const folder = await mkdtemp(join(tmpdir(), 'stekkerdoos-files-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    for (const [name, table] of Object.entries(tables)) await writeTable(source, folder, name, table);
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    name: source,
    url: pathToFileURL(folder).href,
    protocol: 'file',
    ...tableStandIn(measured, tables),
    settings: (url) => settings(fileURLToPath(url)),
    close: remove,
  };
}

/** Types of DuckDB. A column of another type is written as text. */
const TYPE = /^[a-z][a-z\d_ ]*(\(\d+(, ?\d+)?\))?(\[\])?$/i;

/** Writes one file for each value of the columns that are parts of the path, such as `day` in `visits/day=*` */
async function writeTable(
  source: string,
  folder: string,
  name: string,
  { files, columns, rows }: RecordedTable,
): Promise<void> {
  if (files === undefined)
    throw new RecordingError(source, `The table "${name}" has no pattern for its files (member "files").`);
  if (files.startsWith('/') || files.split('/').includes('..'))
    throw new RecordingError(source, `The files of the table "${name}" are outside the folder.`);
  const inPath = new Set(Array.from(files.matchAll(/(?:^|\/)(\w+)=\*/g), ([, column = '']) => column));
  const groups = new Map<string, RecordedTable['rows']>();
  for (const row of rows) {
    const path = pathOf(files, row);
    groups.set(path, [...(groups.get(path) ?? []), row]);
  }
  // Without rows, the file has only the columns.
  if (rows.length === 0 && inPath.size === 0) groups.set(pathOf(files, {}), []);
  const isText = files.replace(/\.gz$/, '').endsWith('.csv');
  const written = columns.filter((column) => !inPath.has(column.name));
  for (const [path, group] of groups)
    await writeRows(
      join(folder, path),
      written.map((column) => ({
        name: column.name,
        type: isText || !TYPE.test(column.type) ? 'VARCHAR' : column.type,
      })),
      group,
    );
}

function pathOf(files: string, row: Readonly<Record<string, unknown>>): string {
  const parts = files.split('/').flatMap((part) => {
    if (part === '**') return [];
    const [, column] = /^(\w+)=\*$/.exec(part) ?? [];
    const value = column === undefined ? undefined : row[column];
    return typeof value === 'string' || typeof value === 'number'
      ? `${column ?? ''}=${encodeURIComponent(value)}`
      : part.replaceAll('*', 'recorded').replaceAll('?', '1');
  });
  return parts.join('/');
}

async function writeRows(
  path: string,
  columns: readonly { name: string; type: string }[],
  rows: RecordedTable['rows'],
): Promise<void> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  await mkdir(dirname(path), { recursive: true });
  const lines = `${path}.rows`;
  await writeFile(lines, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const database = await DuckDBInstance.create(':memory:', { threads: '1' });
  try {
    const connection = await database.connect();
    const types = columns.map(({ name, type }) => `${text(name)}: ${text(type)}`).join(', ');
    const names = columns.map(({ name }) => `"${name.replaceAll('"', '""')}"`).join(', ');
    const plain = path.replace(/\.gz$/, '');
    const format = plain.endsWith('.parquet') ? 'parquet' : plain.endsWith('.csv') ? 'csv, HEADER' : 'json';
    await connection.run(
      `COPY (SELECT ${names} FROM read_json(${text(lines)}, format = 'newline_delimited', columns = {${types}})) TO ${text(path)} (FORMAT ${format})`,
    );
    connection.closeSync();
  } finally {
    database.closeSync();
    await rm(lines);
  }
}

/** A text in SQL. */
function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
