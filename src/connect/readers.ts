import { InvalidInputError } from '../errors.js';
import { filesReaderKind } from './files/files-kind.js';
import { graphqlReaderKind } from './graphql/graphql-kind.js';
import { odataReaderKind } from './odata/odata-kind.js';
import type { ReaderKind, Target } from './reader.js';
import { restReaderKind } from './rest/rest-kind.js';
import { soapReaderKind } from './soap/soap-kind.js';
import { sqlReaderKind } from './sql/sql-kind.js';

/**
 * The kinds of system, in the order in which they are tried. An entry imports its reader when it is opened, so that a command
 * loads no package that it does not need.
 */
export const READERS: readonly ReaderKind[] = [
  restReaderKind,
  soapReaderKind,
  graphqlReaderKind,
  odataReaderKind,
  sqlReaderKind,
  filesReaderKind,
];

/** Chooses the reader of a target, by `--kind` or by its form. Undefined if the form does not decide. */
export function chooseReader(
  readers: readonly ReaderKind[],
  target: Target,
  kind?: string,
): ReaderKind | undefined {
  if (kind === undefined) return readers.find((reader) => reader.recognises(target));
  const chosen = readers.find((reader) => reader.kind === kind);
  if (chosen !== undefined) return chosen;
  throw new InvalidInputError(
    `There is no kind "${kind}". Use one of ${readers.map((reader) => reader.kind).join(', ')}.`,
  );
}
