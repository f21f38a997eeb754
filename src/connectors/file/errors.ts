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

/** By how DuckDB's message begins, which is the kind of the error; more particular ones first. */
const KINDS: readonly (readonly [RegExp, Class, FailureKind, string])[] = [
  [/^IO Error: [^]*Permission denied/, SourceForbiddenError, 'forbidden', 'may not be read by the gateway.'],
  [/No files found/, SourceUnavailableError, 'missing-files', 'has no files where it is set to be.'],
  // Also one that went away after it was listed.
  [/^IO Error/, SourceUnavailableError, 'missing-files', 'has a file that cannot be read.'],
  [/^Out of Memory Error/, SourceRateLimitedError, 'no-room', 'has no room for more work.'],
  [
    /^Permission Error/,
    SourceContractError,
    'missing-files',
    'leads out of its own folder, where nothing is read.',
  ],
  [
    /^(Binder|Catalog|Parser) Error/,
    SourceContractError,
    'missing-column',
    "does not hold what the gateway's query asks for.",
  ],
];

/** In the gateway's words, what DuckDB says; the files' names and what is in them stay in the cause. */
export function translate(source: string, error: unknown, statement = ''): Error {
  if (error instanceof GatewayError) return error;
  const message = error instanceof Error ? error.message : '';
  const [
    ,
    Known = SourceContractError,
    kind = 'wrong-format',
    what = 'has a file that is broken or only half written.',
  ] = KINDS.find(([beginning]) => beginning.test(message)) ?? [];
  const databaseError = /^([A-Z][a-z]+(?: [a-zA-Z]+){0,3}) Error: /.exec(message)?.[1];
  const name = kind === 'missing-column' ? nameIn(message, statement) : undefined;
  return new Known(source, `${source} ${what}`, { cause: error, kind, received: { databaseError, name } });
}
