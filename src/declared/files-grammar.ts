import { z } from 'zod';
import { members } from './grammar-problems.js';
import { callMembers, text, wholeNumber } from './grammar.js';
import { settingName } from './setting-name.js';
import { columnName, columnOrder } from './sql-grammar.js';

const TABLE = 'must be the name of a table: lower-case letters, digits and underscores';
const tableName = z.string({ error: TABLE }).regex(/^[a-z][a-z\d_]{0,60}$/, { error: TABLE });
const PATTERN =
  'must be a pattern of .parquet, .csv, .json, .ndjson or .jsonl files in the folder, such as "2026/*.csv"';
const pattern = z
  .string({ error: PATTERN })
  .regex(/^[^/\0][^\0]*\.(parquet|(csv|json|ndjson|jsonl)(\.gz)?)$/, { error: PATTERN })
  .refine((files) => !files.split('/').includes('..'), { error: PATTERN });
const DAY_COLUMN = 'must be the part of the path that names the day, such as day in visits/day=2026-10-01';
const dayColumn = z.string({ error: DAY_COLUMN }).regex(/^[A-Za-z_]\w{0,60}$/, { error: DAY_COLUMN });
const keyType = z.enum(['text', 'integer'], {
  error: 'must be the type of the column of the key: text or integer',
});

export const filesConnect = members(
  {
    files: settingName,
    tables: z
      .record(
        tableName,
        members({
          files: pattern,
          optional: z.array(columnName).exactOptional(),
          newest: members({ column: dayColumn, days: wholeNumber(1, 3_650) }).exactOptional(),
        }),
        { error: 'must have the files of each table, such as { visit: { files: "visits/*.parquet" } }' },
      )
      .refine((tables) => Object.keys(tables).length > 0, { error: 'must have a table' }),
    memoryMb: wholeNumber(64, 100_000).exactOptional(),
  },
  'must be such as { files: "${PARKING_FOLDER}", tables: { visit: { files: "visits/*.parquet" } } }',
);
export type FilesConnect = z.infer<typeof filesConnect>;

const tableCall = members({
  from: tableName,
  by: columnName,
  order: columnOrder.exactOptional(),
  keys: keyType.exactOptional(),
  ...callMembers,
});
const queryCall = members({
  query: text('must be a SELECT statement with :keys'),
  keys: keyType.exactOptional(),
  ...callMembers,
});
export const filesCall = z.union([tableCall, queryCall], {
  error: 'must be a call such as { from: visit, by: plate }, or one with query',
});
export type FilesCall = z.infer<typeof filesCall>;
