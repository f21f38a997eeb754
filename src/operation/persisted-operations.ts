import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  GraphQLError,
  Kind,
  parse,
  print,
  Source,
  validate,
  visit,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { ConfigError } from '../errors.js';
import type { Logger } from '../telemetry/logger.js';

const FOLDER = new URL('../../schema/operations/', import.meta.url);

/** An operation that clients request by its id. */
export interface PersistedOperation {
  /** `sha256:` and the digest of the document, as GraphQL over HTTP specifies for persisted documents. */
  documentId: string;
  name: string;
  /** The path of its file within the folder. */
  file: string;
  /** The printed operation with the fragments that it uses. */
  document: string;
}

/**
 * Reads all operations of a folder and its subfolders. A file has one operation with a unique name, and fragments
 * that only this operation uses. Shared fragments are in files without an operation. Throws a ConfigError that lists
 * all problems.
 */
export function readPersistedOperations(folder = FOLDER): PersistedOperation[] {
  const problems: string[] = [];
  const operations = new Map<string, { node: OperationDefinitionNode; file: string }>();
  const fragments = new Map<string, { node: FragmentDefinitionNode; file: string }>();

  for (const file of filesIn(folder)) {
    let count = 0;
    for (const node of definitionsIn(file, folder, problems)) {
      if (node.kind !== Kind.OPERATION_DEFINITION && node.kind !== Kind.FRAGMENT_DEFINITION) {
        problems.push(`${file} has a ${node.kind}; it may have only an operation and fragments.`);
        continue;
      }
      const name = node.name?.value;
      if (name === undefined) {
        problems.push(`${file} has an operation without a name.`);
        continue;
      }
      const known = node.kind === Kind.OPERATION_DEFINITION ? operations : fragments;
      const other = known.get(name);
      if (other !== undefined) problems.push(`"${name}" is in both ${other.file} and ${file}.`);
      if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(name, { node, file });
      else if (++count > 1) problems.push(`${file} has several operations; move each to a separate file.`);
      else operations.set(name, { node, file });
    }
  }

  const persisted = [...operations].map(([name, { node, file }]): PersistedOperation => {
    const used = new Map<string, FragmentDefinitionNode>();
    const collectFragments = (from: OperationDefinitionNode | FragmentDefinitionNode): void => {
      visit(from, {
        FragmentSpread: ({ name: { value } }) => {
          const fragment = fragments.get(value)?.node;
          if (fragment === undefined)
            problems.push(`${file} uses a fragment "${value}", which is in no file.`);
          else if (!used.has(value)) {
            used.set(value, fragment);
            collectFragments(fragment);
          }
        },
      });
    };
    collectFragments(node);
    const sorted = [...used].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, fragment]) => fragment);
    const document = print({ kind: Kind.DOCUMENT, definitions: [node, ...sorted] });
    const digest = createHash('sha256').update(document).digest('hex');
    return { documentId: `sha256:${digest}`, name, file, document };
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return persisted;
}

/** Returns the operations that are valid in the schema. For each other operation, an error is logged. */
export function validOperations(
  operations: readonly PersistedOperation[],
  schema: GraphQLSchema,
  logger: Pick<Logger, 'error'>,
): readonly PersistedOperation[] {
  return operations.filter(({ documentId, name, file, document }) => {
    const [reason] = problemsOf(document, schema);
    if (reason === undefined) return true;
    logger.error(
      { operation: name, file, documentId, reason },
      'persisted operation refused: the schema of this gateway cannot answer it, and its id is unknown to clients; correct the file, or plug in the source that has the field',
    );
    return false;
  });
}

/** Returns the validation errors of a document. Empty if the schema can answer it. */
export function problemsOf(document: string, schema: GraphQLSchema): readonly string[] {
  return validate(schema, parse(document)).map(({ message }) => message);
}

/** Returns the content of `manifest.generated.json`, for client builds. */
export function manifestOf(operations: readonly PersistedOperation[]): string {
  const entries = operations.map(
    ({ documentId, name, document }) => [documentId, { name, document }] as const,
  );
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`;
}

function filesIn(folder: URL): string[] {
  return readdirSync(fileURLToPath(folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.graphql'))
    .sort();
}

function definitionsIn(file: string, folder: URL, problems: string[]) {
  try {
    const text = readFileSync(fileURLToPath(new URL(file, folder)), 'utf8');
    return parse(new Source(text, file), { noLocation: true }).definitions;
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    problems.push(`${file} line ${error.locations?.[0]?.line ?? 1}: ${error.message}`);
    return [];
  }
}
