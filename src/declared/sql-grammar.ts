import { z } from 'zod';
import { members } from './grammar-problems.js';
import { callMembers, text } from './grammar.js';
import { settingName } from './setting-name.js';

// Not "$": the connector's parameters begin with it.
const NAME = '[^".$\\s\\0]+';
const COLUMN = 'must be the name of a column, without quotes, dots and blanks';
const TABLE = 'must be the name of a table or view, such as lesson or planning.lesson';
export const columnName = z.string({ error: COLUMN }).regex(new RegExp(`^${NAME}$`), { error: COLUMN });
const tableName = z.string({ error: TABLE }).regex(new RegExp(`^${NAME}(\\.${NAME})?$`), { error: TABLE });
const orderedColumn = z.string({ error: COLUMN }).regex(new RegExp(`^-?${NAME}$`), { error: COLUMN });
export const columnOrder = z
  .array(orderedColumn, { error: 'must be a list of columns, such as [-paid_on, id]' })
  .min(1);

const keyType = z.enum(['text', 'smallint', 'integer', 'bigint', 'uuid'], {
  error: 'must be the type of the column of the key: text, smallint, integer, bigint or uuid',
});
const readsWholeTable = z.literal(true, {
  error: 'must be true, or left out: then a large table must have an index for the call',
});
export type KeyType = z.infer<typeof keyType>;

export const sqlConnect = members({ sql: settingName }, 'must be such as { sql: "${SCHOOL_URL}" }');
export type SqlConnect = z.infer<typeof sqlConnect>;

const tableCall = members({
  from: tableName,
  by: columnName,
  order: columnOrder.exactOptional(),
  keys: keyType.exactOptional(),
  readsWholeTable: readsWholeTable.exactOptional(),
  ...callMembers,
});
export type TableCall = z.infer<typeof tableCall>;

const queryCall = members({
  query: text('must be a SELECT statement with :keys'),
  keys: keyType.exactOptional(),
  readsWholeTable: readsWholeTable.exactOptional(),
  ...callMembers,
});

export const sqlCall = z.union([tableCall, queryCall], {
  error: 'must be a call such as { from: lesson, by: pupil_id }, or one with query',
});
export type SqlCall = z.infer<typeof sqlCall>;
