import { file, folderSetting, type FileClient } from '../connectors/file/connector.js';
import { didYouMean } from '../did-you-mean.js';
import type { RowsRequest, CompileContext, ConnectorKind } from './connector-kind.js';
import { filesCall, filesConnect, type FilesCall, type FilesConnect } from './files-grammar.js';
import { variableIn } from './setting-name.js';
import { compileQueryCall, compileTableRequest } from './statements.js';

/** Sources in Parquet, CSV and JSON files of one folder. */
export const filesKind: ConnectorKind<FilesConnect, FilesCall, FileClient> = {
  connect: filesConnect,
  call: filesCall,
  // Each process reads the files itself.
  limits: { ofProcess: true },
  compileConnector: ({ files, tables, memoryMb }) =>
    file({
      folder: folderSetting(variableIn(files), '/data/parking'),
      tables,
      ...(memoryMb === undefined ? {} : { memoryMb }),
    }),
  compileCall: (call, context, { tables }) =>
    'from' in call
      ? compileTableCall(call, context, Object.keys(tables))
      : compileQuery(call, context, Object.keys(tables)),
};

function compileQuery(
  call: Extract<FilesCall, { query: string }>,
  context: CompileContext,
  tables: readonly string[],
): RowsRequest<FileClient> {
  for (const [, table = ''] of call.query.matchAll(/\b(?:FROM|JOIN)\s+(\w+)\s*\(\s*\)/gi))
    if (!tables.includes(table.replace(/_files$/, ''))) reportUnknownTable('query', table, context, tables);
  return { ...compileQueryCall(call, context), matching: 'exact' };
}

function reportUnknownTable(
  member: string,
  table: string,
  { place, report }: CompileContext,
  tables: readonly string[],
): void {
  report(
    [...place, member],
    `There is no table "${table}".`,
    didYouMean(table, tables).trim() || 'Declare it under connect.tables.',
  );
}

function compileTableCall(
  call: Extract<FilesCall, { from: string }>,
  context: CompileContext,
  tables: readonly string[],
): RowsRequest<FileClient> {
  if (!tables.includes(call.from)) reportUnknownTable('from', call.from, context, tables);
  const { request } = compileTableRequest<FileClient>(call, `${call.from}()`, context);
  return { ...request, matching: 'exact' };
}
