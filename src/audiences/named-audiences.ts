import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  GraphQLError,
  isInputType,
  Kind,
  OperationTypeNode,
  parse,
  Source,
  validate,
  valueFromAST,
  type ASTNode,
  type DocumentNode,
  type FieldNode,
  type GraphQLSchema,
} from 'graphql';
import { InvalidInputError } from '../errors.js';

/** The conditions of the named audiences, by name. */
export type NamedAudiences = ReadonlyMap<string, unknown>;

export interface NamedAudiencesOptions {
  /** Default: schema/audiences. */
  folder?: URL | undefined;
  schema: GraphQLSchema;
  /** Why the audience cannot be evaluated by any caller. Throws an InvalidInputError for a wrong condition. */
  refusalsOf: (where: unknown) => readonly string[];
}

const FOLDER = new URL('../../schema/audiences/', import.meta.url);

/** Reads the named audiences of a folder. An invalid one is omitted and reported with its file and line. */
export function readNamedAudiences({ folder = FOLDER, schema, refusalsOf }: NamedAudiencesOptions): {
  audiences: NamedAudiences;
  problems: string[];
} {
  const audiences = new Map<string, unknown>();
  const fileOf = new Map<string, string>();
  const problems: string[] = [];
  const path = fileURLToPath(folder);
  for (const file of filesIn(path)) {
    const report = (line: number | undefined, what: string) => {
      problems.push(`${path}${file} line ${line ?? 1}: ${what}`);
    };
    try {
      const document = parse(new Source(readFileSync(`${path}${file}`, 'utf8'), file));
      const { name, line, where } = readDocument(document, schema);
      const other = fileOf.get(name);
      if (other !== undefined)
        report(line, `the audience "${name}" is in ${other} too. Choose another name.`);
      const refusals = refusalsOf(where);
      for (const refusal of refusals) report(line, refusal);
      if (refusals.length > 0 || other !== undefined) continue;
      audiences.set(name, where);
      fileOf.set(name, file);
    } catch (error) {
      const found = error instanceof AggregateError ? error.errors : [error];
      for (const problem of found) {
        if (problem instanceof GraphQLError) report(problem.locations?.[0]?.line, problem.message);
        else if (problem instanceof InvalidInputError) report(1, problem.message);
        else throw problem;
      }
    }
  }
  return { audiences, problems };
}

function filesIn(path: string): string[] {
  try {
    return readdirSync(path)
      .filter((name) => name.endsWith('.graphql'))
      .sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Reads the name and the condition. Throws a GraphQLError, or an AggregateError of several. */
function readDocument(
  document: DocumentNode,
  schema: GraphQLSchema,
): { name: string; line: number | undefined; where: unknown } {
  const invalid = validate(schema, document);
  if (invalid.length > 0) throw new AggregateError(invalid);
  const [operation, ...others] = document.definitions;
  if (
    operation?.kind !== Kind.OPERATION_DEFINITION ||
    operation.operation !== OperationTypeNode.QUERY ||
    operation.name === undefined ||
    others.length > 0
  )
    throw problemAt(operation, 'the file must hold one query, with the name of the audience.');
  if ((operation.variableDefinitions ?? []).length > 0)
    throw problemAt(operation, 'the query has variables. Write the values in the file.');
  const [field, ...more] = operation.selectionSet.selections;
  if (field?.kind !== Kind.FIELD || field.name.value !== 'audience' || more.length > 0)
    throw problemAt(operation, 'the query must select the field "audience" alone.');
  return {
    name: operation.name.value,
    line: operation.loc?.startToken.line,
    where: conditionOf(field, schema),
  };
}

function conditionOf(field: FieldNode, schema: GraphQLSchema): unknown {
  const [where, ...others] = field.arguments ?? [];
  const type = schema.getType('AudienceCondition');
  if (where?.name.value !== 'where' || others.length > 0 || !isInputType(type))
    throw problemAt(field, 'an audience has the argument "where" alone.');
  return valueFromAST(where.value, type);
}

function problemAt(node: ASTNode | undefined, message: string): GraphQLError {
  return new GraphQLError(message, node === undefined ? {} : { nodes: node });
}
