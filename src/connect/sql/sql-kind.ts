import type { ReaderKind } from '../reader.js';

/** The reader of a database. */
export const sqlReaderKind: ReaderKind = {
  kind: 'sql',
  label: 'a database: PostgreSQL (postgres://), MySQL or MariaDB (mysql://)',
  recognises: ({ url }) => url !== undefined && /^(postgres(ql)?|mysql|mariadb):$/.test(url.protocol),
  open: async (options) => {
    const { SqlReader } = await import('./sql-reader.js');
    return new SqlReader(options);
  },
};
