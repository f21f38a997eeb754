import type { FailureKind } from '../../diagnosis.js';
import {
  GatewayError,
  SourceContractError,
  SourceForbiddenError,
  SourceRateLimitedError,
  SourceUnavailableError,
  type SourceErrorOptions,
  type SourceError,
} from '../../errors.js';
import { nameIn } from '../sql/statement.js';

type Class = new (source: string, message: string, options: SourceErrorOptions) => SourceError;

/** Errors by the beginning of DuckDB's message, the most specific first. */
const KINDS: readonly (readonly [RegExp, Class, FailureKind, string])[] = [
  [
    /^IO Error: [^]*Permission denied/,
    SourceForbiddenError,
    'forbidden',
    'has a file that the gateway has no permission to read.',
  ],
  [/No files found/, SourceUnavailableError, 'missing-files', 'has no files at the configured path.'],
  // Includes a file that was removed after it was listed.
  [/^IO Error/, SourceUnavailableError, 'missing-files', 'has a file that cannot be read.'],
  [/^Out of Memory Error/, SourceRateLimitedError, 'no-room', 'has no room for more work.'],
  [
    /^Permission Error/,
    SourceContractError,
    'missing-files',
    'leads out of its folder, and the gateway reads nothing there.',
  ],
  [
    /^(Binder|Catalog|Parser) Error/,
    SourceContractError,
    'missing-column',
    "has no table or column that the gateway's query needs.",
  ],
];

/** Translates an error of DuckDB. Names and contents of files stay in its cause. */
export function translate(source: string, error: unknown, statement = ''): Error {
  if (error instanceof GatewayError) return error;
  const message = error instanceof Error ? error.message : '';
  const [
    ,
    Known = SourceContractError,
    kind = 'wrong-format',
    what = 'has a file that is damaged or incomplete.',
  ] = KINDS.find(([beginning]) => beginning.test(message)) ?? [];
  const databaseError = /^([A-Z][a-z]+(?: [a-zA-Z]+){0,3}) Error: /.exec(message)?.[1];
  const name = kind === 'missing-column' ? nameIn(message, statement) : undefined;
  return new Known(source, `${source} ${what}`, { cause: error, kind, received: { databaseError, name } });
}
