import { opendir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { nameWords } from '../tables/table-names.js';

/** Finds the files of a folder, and groups them into tables. */

export interface FilePattern {
  /** The name of the table in queries: lower-case letters, digits and underscores. */
  name: string;
  /** The pattern in the syntax of a declaration, such as `2026/*.csv`. */
  files: string;
  fileCount: number;
  bytes: number;
  /** The part of the path with the day of the rows, and the number of days. Undefined without such a part. */
  day?: { column: string; count: number };
}

export interface FolderContent {
  patterns: readonly FilePattern[];
  /** Files whose names a pattern cannot contain. */
  refused: readonly string[];
  /** Whether the folder has more files than were listed. */
  isCut: boolean;
}

const MAX_ENTRIES = 50_000;
const MAX_DEPTH = 8;
const DATA_FILE = /^(.+?)\.(parquet|(?:csv|json|ndjson|jsonl)(?:\.gz)?)$/i;

/** Lists a folder, and groups its data files into tables. Symbolic links are not followed. */
export async function readFolder(folder: string): Promise<FolderContent> {
  const root = await realpath(folder);
  const groups = new Map<string, FileGroup>();
  const refused: string[] = [];
  let entries = 0;
  const visit = async (below: readonly string[]): Promise<void> => {
    const directory = await opendir(join(root, ...below));
    for await (const entry of directory) {
      entries += 1;
      if (entries > MAX_ENTRIES) return;
      const path = [...below, entry.name];
      if (entry.isDirectory() && !entry.name.startsWith('.') && below.length < MAX_DEPTH) await visit(path);
      if (!entry.isFile() || entry.name.startsWith('.') || !DATA_FILE.test(entry.name)) continue;
      // The extension decides the format. A pattern has it in lower case, so other files are refused.
      if (/[*?[\]\\\p{C}]/u.test(path.join('/')) || !/\.[a-z.]+$/.test(entry.name)) {
        refused.push(path.join('/'));
        continue;
      }
      const { size } = await stat(join(root, ...path));
      const key = patternOf(path);
      const group = groups.get(key) ?? { paths: [], bytes: 0 };
      group.paths.push(path.join('/'));
      group.bytes += size;
      groups.set(key, group);
    }
  };
  await visit([]);
  const all = [...groups.values()].flatMap(({ paths }) => paths);
  const names = new Set<string>();
  const patterns = [...groups]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .flatMap(([pattern, group]) => separated(pattern, group, all, refused))
    .map(([pattern, { paths, bytes }]): FilePattern => {
      const [only] = paths.length === 1 ? paths : [];
      const files = only !== undefined && !/(^|\/)\w+=[^/]*\//.test(only) ? only : pattern;
      const name = tableName(pattern, names);
      names.add(name);
      const day = dayOf(pattern, paths);
      return { name, files, fileCount: paths.length, bytes, ...(day === undefined ? {} : { day }) };
    });
  return { patterns, refused, isCut: entries > MAX_ENTRIES };
}

interface FileGroup {
  paths: string[];
  bytes: number;
}

/** Files that become separate tables, because a pattern would match files of other tables. */
const MAX_SEPARATED = 5;

/** The groups whose patterns match no file of another group. */
function separated(
  pattern: string,
  group: FileGroup,
  all: readonly string[],
  refused: string[],
): [string, FileGroup][] {
  const matching = new RegExp(`^${pattern.replace(/[.+^${}()|\\]/g, '\\$&').replaceAll('*', '[^/]*')}$`);
  const count = all.filter((path) => matching.test(path)).length;
  if (group.paths.length === 1 || count === group.paths.length) return [[pattern, group]];
  if (group.paths.length > MAX_SEPARATED) {
    refused.push(...group.paths);
    return [];
  }
  return group.paths
    .toSorted()
    .map((path) => [path, { paths: [path], bytes: group.bytes / group.paths.length }]);
}

/** The path with `*` for the parts that differ between files of one table: values, numbers, dates and ids. */
function patternOf(path: readonly string[]): string {
  const file = path.at(-1) ?? '';
  const [, stem = '', extension = ''] = DATA_FILE.exec(file) ?? [];
  const folders = path
    .slice(0, -1)
    .map((folder) => folder.replace(/^(\w+)=.*$/, '$1=*').replace(/^\d+([-_]\d+)*$/, '*'));
  const plain = stem
    .replace(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/gi, '*')
    .replace(/\d+/g, '*')
    .replace(/\*([-_.T:]?\*)+/g, '*');
  return [...folders, `${plain}.${extension}`].join('/');
}

/** Words that DuckDB does not accept as the name of a table function. */
const RESERVED = new Set(
  `all analyse analyze and anti any array as asc asof asymmetric at authorization between bigint binary
  bit boolean both by case cast char character check coalesce collate collation column columns
  concurrently constraint create cross dec decimal default deferrable desc describe distinct do else
  end except exists extract false fetch float for foreign freeze from full glob group grouping having
  if ilike in initially inner inout int integer intersect interval into is isnull join lambda lateral
  leading left like limit national natural nchar none not notnull null nullif numeric offset on only
  or order out outer overlaps overlay pivot placing position positional precision primary qualify real
  references returning right row select semi setof show similar smallint some summarize symmetric
  table tablesample then time timestamp to trailing treat trim true union unique unpack unpivot using
  values varchar variadic verbose when where window with`.split(/\s+/),
);
/** Names of files that do not describe their rows. */
const GENERIC = /^(part|data|file|export|output|out|chunk|batch|rows|records|c|snappy|gz)$/;

function tableName(pattern: string, taken: ReadonlySet<string>): string {
  const parts = pattern.replace(DATA_FILE, '$1').split('/');
  const wordsOf = (part: string) =>
    nameWords(part.replace(/^\w+=\*$/, '')).filter((word) => !/^\d+$/.test(word));
  const ofFile = wordsOf(parts.at(-1) ?? '').filter((word) => !GENERIC.test(word));
  const ofFolder =
    parts
      .slice(0, -1)
      .map(wordsOf)
      .findLast((words) => words.length > 0) ?? [];
  const words = ofFile.length > 0 ? ofFile : ofFolder;
  const plain = words
    .join('_')
    .replace(/[^a-z\d_]/g, '')
    .slice(0, 50);
  const name = !/^[a-z]/.test(plain)
    ? `table_${plain}`.replace(/_$/, '')
    : RESERVED.has(plain)
      ? `${plain}_rows`
      : plain;
  let unique = name;
  for (let n = 2; taken.has(unique); n += 1) unique = `${name}_${n}`;
  return unique;
}

function dayOf(pattern: string, paths: readonly string[]): FilePattern['day'] {
  for (const [, column = ''] of pattern.matchAll(/(?:^|\/)([A-Za-z_]\w*)=\*/g)) {
    const values = new Set(
      paths.map((path) => new RegExp(`(?:^|/)${column}=([^/]*)/`).exec(path)?.[1] ?? ''),
    );
    if ([...values].every((value) => /^\d{4}-\d\d-\d\d$/.test(value))) return { column, count: values.size };
  }
  return undefined;
}
