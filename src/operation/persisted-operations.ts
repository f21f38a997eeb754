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

/** An operation that clients ask for by its id. */
export interface PersistedOperation {
  /** `sha256:` and the digest of the document, as GraphQL over HTTP has it for persisted documents. */
  documentId: string;
  name: string;
  /** Where it is declared, as a path within its folder. */
  file: string;
  /** The operation and the fragments it uses, printed. */
  document: string;
}

/**
 * Reads all operations of a folder and those in it. A file holds one operation, with a name that no other has, and the
 * fragments that are its own; those that several use lie in files without an operation. All problems are told together.
 */
export function readPersistedOperations(folder = FOLDER): PersistedOperation[] {
  const problems: string[] = [];
  const operations = new Map<string, { node: OperationDefinitionNode; file: string }>();
  const fragments = new Map<string, { node: FragmentDefinitionNode; file: string }>();

  for (const file of filesIn(folder)) {
    let count = 0;
    for (const node of definitionsIn(file, folder, problems)) {
      if (node.kind !== Kind.OPERATION_DEFINITION && node.kind !== Kind.FRAGMENT_DEFINITION) {
        problems.push(`${file} has a ${node.kind}; it may hold an operation and fragments only.`);
        continue;
      }
      const name = node.name?.value;
      if (name === undefined) {
        problems.push(`${file} has an operation without a name.`);
        continue;
      }
      const others = node.kind === Kind.OPERATION_DEFINITION ? operations : fragments;
      const other = others.get(name);
      if (other !== undefined) problems.push(`"${name}" is in both ${other.file} and ${file}.`);
      if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(name, { node, file });
      else if (++count > 1) problems.push(`${file} has several operations; give each a file of its own.`);
      else operations.set(name, { node, file });
    }
  }

  const read = [...operations].map(([name, { node, file }]): PersistedOperation => {
    const used = new Map<string, FragmentDefinitionNode>();
    const gather = (from: OperationDefinitionNode | FragmentDefinitionNode): void => {
      visit(from, {
        FragmentSpread: ({ name: { value } }) => {
          const fragment = fragments.get(value)?.node;
          if (fragment === undefined)
            problems.push(`${file} uses a fragment "${value}", which is in no file.`);
          else if (!used.has(value)) {
            used.set(value, fragment);
            gather(fragment);
          }
        },
      });
    };
    gather(node);
    const inOrder = [...used].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, one]) => one);
    const document = print({ kind: Kind.DOCUMENT, definitions: [node, ...inOrder] });
    const digest = createHash('sha256').update(document).digest('hex');
    return { documentId: `sha256:${digest}`, name, file, document };
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return read;
}

/** The documents that the schema can answer, by id. For each other operation an error is logged. */
export function validOperations(
  operations: readonly PersistedOperation[],
  schema: GraphQLSchema,
  logger: Pick<Logger, 'error'>,
): ReadonlyMap<string, string> {
  return new Map(
    operations.flatMap(({ documentId, name, file, document }) => {
      const [reason] = problemsOf(document, schema);
      if (reason === undefined) return [[documentId, document] as const];
      logger.error(
        { operation: name, file, documentId, reason },
        'persisted operation refused: the schema of this gateway cannot answer it, and its id is unknown to clients; correct the file, or plug in the source that has the field',
      );
      return [];
    }),
  );
}

/** What keeps a schema from answering a document. Empty when nothing does. */
export function problemsOf(document: string, schema: GraphQLSchema): readonly string[] {
  return validate(schema, parse(document)).map(({ message }) => message);
}

/** For client builds: the content of `manifest.generated.json`. */
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
