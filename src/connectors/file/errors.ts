import {
  GatewayError,
  SourceAuthenticationError,
  SourceContractError,
  SourceRateLimitedError,
  SourceUnavailableError,
  type SourceError,
} from '../../errors.js';

type Kind = new (source: string, message: string, options: ErrorOptions) => SourceError;

/** By how DuckDB's message begins, which is the kind of the error; more particular ones first. */
const KINDS: readonly (readonly [RegExp, Kind, string])[] = [
  [/^IO Error: [^]*Permission denied/, SourceAuthenticationError, 'may not be read by the gateway.'],
  [/No files found/, SourceUnavailableError, 'has no files where it is set to be.'],
  // Also one that went away after it was listed.
  [/^IO Error/, SourceUnavailableError, 'has a file that cannot be read.'],
  [/^Out of Memory Error/, SourceRateLimitedError, 'has no room for more work.'],
  [/^Permission Error/, SourceContractError, 'leads out of its own folder, where nothing is read.'],
  [/^(Binder|Catalog|Parser) Error/, SourceContractError, "does not hold what the gateway's query asks for."],
];

/** In the gateway's words, what DuckDB says; the files' names and what is in them stay in the cause. */
export function translate(source: string, error: unknown): Error {
  if (error instanceof GatewayError) return error;
  const message = error instanceof Error ? error.message : '';
  const [, Known = SourceContractError, what = 'has a file that is broken or only half written.'] =
    KINDS.find(([beginning]) => beginning.test(message)) ?? [];
  return new Known(source, `${source} ${what}`, { cause: error });
}
