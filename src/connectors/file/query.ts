import type { DuckDBConnection, DuckDBType, DuckDBValue } from '@duckdb/node-api';
import { InvalidInputError, SourceContractError } from '../../errors.js';
import type { Database } from './database.js';
import { translate } from './errors.js';

type Scalar = string | number | boolean | null;
/** A text, integer, boolean, null, or a list of texts or of integers. */
export type FileParameter = Scalar | readonly Scalar[];

/**
 * Interval of interrupts. A query that has not begun yet ignores an interrupt, so it is repeated until the query
 * ends.
 */
const INTERRUPT_INTERVAL_MS = 10;

export interface QueryOptions {
  text: string;
  parameters: readonly FileParameter[];
  signal: AbortSignal;
  source: string;
  maxAnswerBytes: number;
}

/** The rows of a query that only reads. It is cancelled when the signal aborts. */
export async function runQuery(
  database: Database,
  { text, parameters, signal, source, maxAnswerBytes }: QueryOptions,
): Promise<unknown[]> {
  const { duckdb, instance } = database;
  const connection = await instance.connect();
  const stop = interruptOn(signal, connection);
  try {
    await database.prepare(connection);
    const statement = await connection.prepare(text);
    if (statement.statementType !== duckdb.StatementType.SELECT)
      throw new SourceContractError(source, `${source} accepts only statements that read.`);
    for (const [i, parameter] of parameters.entries()) {
      const { value, type } = toDuckDb(database, parameter);
      statement.bindValue(i + 1, value, type);
    }
    signal.throwIfAborted();
    // Rows are streamed, so that memory stays within the bound.
    const result = await statement.stream();
    const rows: unknown[] = [];
    let bytes = 0;
    for await (const some of result.yieldRowObjectJson()) {
      signal.throwIfAborted();
      bytes += Buffer.byteLength(JSON.stringify(some));
      if (bytes > maxAnswerBytes)
        throw new SourceContractError(
          source,
          `${source} returned an answer of more than ${maxAnswerBytes} bytes.`,
          { kind: 'too-large' },
        );
      rows.push(...some);
    }
    return rows;
  } catch (error) {
    signal.throwIfAborted();
    throw translate(source, error, text);
  } finally {
    stop();
    connection.closeSync();
  }
}

/** Interrupts the connection when the signal aborts. Returns a function that ends this. */
function interruptOn(signal: AbortSignal, connection: DuckDBConnection): () => void {
  let timer: NodeJS.Timeout | undefined;
  const interrupt = () => {
    connection.interrupt();
    timer = setInterval(() => {
      connection.interrupt();
    }, INTERRUPT_INTERVAL_MS);
  };
  if (signal.aborted) interrupt();
  else signal.addEventListener('abort', interrupt, { once: true });
  return () => {
    clearInterval(timer);
    signal.removeEventListener('abort', interrupt);
  };
}

function toDuckDb({ duckdb }: Database, parameter: FileParameter): { value: DuckDBValue; type: DuckDBType } {
  const typeOf = (value: Scalar | undefined): DuckDBType => {
    if (typeof value === 'number') return duckdb.INTEGER;
    return typeof value === 'boolean' ? duckdb.BOOLEAN : duckdb.VARCHAR;
  };
  if (typeof parameter !== 'object' || parameter === null)
    return { value: parameter, type: typeOf(parameter) };
  return {
    value: duckdb.listValue([...parameter]),
    type: duckdb.LIST(typeOf(parameter.find((item) => item !== null))),
  };
}

/** Refuses unpaired surrogates, which would be changed, and NUL, which no file has in a text. */
export function refuseImpossibleText(parameters: readonly FileParameter[]): void {
  for (const parameter of parameters.flat()) {
    if (typeof parameter === 'string' && (parameter.includes('\0') || /\p{Surrogate}/u.test(parameter)))
      throw new InvalidInputError(
        'A text in the query has an invalid character: a control character or half of a surrogate pair.',
      );
  }
}
