import {
  GraphQLError,
  isTypeDefinitionNode,
  Kind,
  parse,
  Source,
  visit,
  type DefinitionNode,
  type DocumentNode,
  type EnumTypeDefinitionNode,
  type EnumValueDefinitionNode,
  type FieldDefinitionNode,
  type ObjectTypeDefinitionNode,
  type TypeNode,
} from 'graphql';
import { accessReader, type ValuePolicy } from '../stitching/policies.js';
import { readSdlFiles } from '../stitching/sdl.js';
import type { DeclarationProblem } from './problems.js';

/** The SDL of a declared source, and the types of the core schema. */
export interface SourceSdl {
  /** The SDL to compose: without unclassified fields, and with the connections that it refers to. Lines stay the same. */
  text: string;
  /** The object types of the source, by name. Only what `text` has. */
  objects: ReadonlyMap<string, ObjectTypeDefinitionNode>;
  /** The object types that a value of the source may have: its own, and those of the core schema. */
  objectNamed(name: string): ObjectTypeDefinitionNode | undefined;
  enumNamed(name: string): EnumTypeDefinitionNode | undefined;
  /** The values of an enum: those of the core schema or the source, and those that the source adds. */
  valuesOf(enumName: string): readonly EnumValueDefinitionNode[];
  /** The scopes and purposes of a field or value; undefined if its directives are not valid. */
  accessTo(node: FieldDefinitionNode | EnumValueDefinitionNode): ValuePolicy | undefined;
  /** The type of the nodes, if the name is that of a connection. */
  nodeTypeOf(connection: string): string | undefined;
  /** Where a field or type is declared. */
  placeOf(node: { loc?: FieldDefinitionNode['loc'] }): Pick<DeclarationProblem, 'file' | 'line' | 'column'>;
  /** Fields that are left out because they, or all fields of their type, are not classified. */
  unclassified: readonly DeclarationProblem[];
}

/** The SDL of a declaration whose records are mapped in code. */
export const NO_SDL: SourceSdl = {
  text: '',
  objects: new Map(),
  objectNamed: () => undefined,
  enumNamed: () => undefined,
  valuesOf: () => [],
  accessTo: () => undefined,
  nodeTypeOf: () => undefined,
  placeOf: () => ({ file: '', line: 1, column: 1 }),
  unclassified: [],
};

/** Types whose objects the gateway makes. A source adds fields to them. */
export const ROOTS: ReadonlySet<string> = new Set(['Query', 'Subscription', 'Customer', 'Company']);

let core:
  { types: ReadonlyMap<string, DefinitionNode>; accessTo: ReturnType<typeof accessReader> } | undefined;

function coreSchema() {
  if (core !== undefined) return core;
  const definitions = readSdlFiles([]).flatMap(({ text }) => parse(text).definitions);
  return (core = {
    types: typesOf(definitions),
    accessTo: accessReader({ kind: Kind.DOCUMENT, definitions }),
  });
}

function typesOf(definitions: readonly DefinitionNode[]): Map<string, DefinitionNode> {
  return new Map(
    definitions.flatMap((definition) =>
      isTypeDefinitionNode(definition) ? [[definition.name.value, definition] as const] : [],
    ),
  );
}

/** The type without lists and non-null marks. */
export function namedTypeOf(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : namedTypeOf(type.type);
}

/**
 * Reads the SDL of a source. `customerKey`: the kind of identifier for `@foundBy` on `Customer`, unless the SDL has one.
 * Problems of syntax and repeated types are returned; composition finds the others.
 */
export function readSourceSdl(
  file: string,
  text: string,
  customerKey: string | undefined,
): SourceSdl | { problems: DeclarationProblem[] } {
  let document: DocumentNode;
  try {
    document = parse(new Source(text, file));
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    const { line = 1, column = 1 } = error.locations?.[0] ?? {};
    return {
      problems: [
        {
          file,
          line,
          column,
          problem: `The SDL is not valid: ${error.message}`,
          remedy: 'Correct the syntax.',
        },
      ],
    };
  }
  const placeOf: SourceSdl['placeOf'] = ({ loc }) => ({
    file,
    line: loc?.startToken.line ?? 1,
    column: loc?.startToken.column ?? 1,
  });
  const problems = repeatedTypes(document).map((type) => ({
    ...placeOf(type.name),
    problem: `The fields of "${type.name.value}" are declared in several places.`,
    remedy: `Declare them all in one "type ${type.name.value}".`,
  }));
  if (problems.length > 0) return { problems };
  const edits = new Edits(text);
  const { unclassified, hasNoneLeft } = removeUnclassified(document, edits, placeOf);
  // A source that shows nothing is a mistake.
  if (hasNoneLeft) return { problems: unclassified };
  if (customerKey !== undefined) addCustomerKey(document, edits, customerKey);
  const connections = missingConnections(parse(edits.text));
  const composed = `${edits.text}${connections.map(connectionSdl).join('')}`;
  const { definitions } = parse(new Source(composed, file));
  const sourceTypes = typesOf(definitions);
  const typeNamed = (name: string) => sourceTypes.get(name) ?? coreSchema().types.get(name);
  const enumNamed = (name: string) => {
    const type = typeNamed(name);
    return type?.kind === Kind.ENUM_TYPE_DEFINITION ? type : undefined;
  };
  return {
    text: composed,
    objects: new Map(
      [...sourceTypes].flatMap(([name, type]) =>
        type.kind === Kind.OBJECT_TYPE_DEFINITION ? [[name, type]] : [],
      ),
    ),
    objectNamed: (name) => {
      const type = typeNamed(name);
      return type?.kind === Kind.OBJECT_TYPE_DEFINITION ? type : undefined;
    },
    enumNamed,
    valuesOf: (name) => [
      ...(enumNamed(name)?.values ?? []),
      ...definitions.flatMap((definition) =>
        definition.kind === Kind.ENUM_TYPE_EXTENSION && definition.name.value === name
          ? (definition.values ?? [])
          : [],
      ),
    ],
    accessTo: (node) => coreSchema().accessTo(node),
    nodeTypeOf: (name) => {
      const type = typeNamed(name);
      if (!name.endsWith('Connection') || type?.kind !== Kind.OBJECT_TYPE_DEFINITION) return undefined;
      const nodes = type.fields?.find((field) => field.name.value === 'nodes');
      return nodes === undefined ? undefined : namedTypeOf(nodes.type);
    },
    placeOf,
    unclassified,
  };
}

/** The object types that the file declares again or extends. */
function repeatedTypes({ definitions }: DocumentNode) {
  const names = new Set<string>();
  return definitions
    .filter(
      (definition) =>
        definition.kind === Kind.OBJECT_TYPE_DEFINITION || definition.kind === Kind.OBJECT_TYPE_EXTENSION,
    )
    .filter((type) => {
      const isRepeated = type.kind === Kind.OBJECT_TYPE_EXTENSION || names.has(type.name.value);
      names.add(type.name.value);
      return isRepeated;
    });
}

/** Edits a text without moving its lines. */
class Edits {
  #text: string;
  #inserted: { at: number; text: string }[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  get text(): string {
    return this.#inserted.reduce(
      (text, { at, text: inserted }) => `${text.slice(0, at)}${inserted}${text.slice(at)}`,
      this.#text,
    );
  }

  blank({ loc }: { loc?: { start: number; end: number } | undefined }): void {
    if (loc === undefined) return;
    const blanks = this.#text.slice(loc.start, loc.end).replace(/[^\n]/g, ' ');
    this.#text = `${this.#text.slice(0, loc.start)}${blanks}${this.#text.slice(loc.end)}`;
  }

  insert(at: number, text: string): void {
    this.#inserted.push({ at, text });
  }
}

function isClassified({ directives = [] }: FieldDefinitionNode | ObjectTypeDefinitionNode): boolean {
  return directives.some(({ name }) => name.value === 'personalData');
}

/** Removes fields that are not classified, and fields of types that have no field left. */
function removeUnclassified(
  { definitions }: DocumentNode,
  edits: Edits,
  placeOf: SourceSdl['placeOf'],
): {
  unclassified: DeclarationProblem[];
  /** Whether no definition remains. */
  hasNoneLeft: boolean;
} {
  const objects = definitions.filter((definition) => definition.kind === Kind.OBJECT_TYPE_DEFINITION);
  const removed: DeclarationProblem[] = [];
  const remaining = new Map(
    objects.map((type) => [
      type,
      (type.fields ?? []).filter((field) => {
        if (isClassified(type) || isClassified(field)) return true;
        edits.blank(field);
        removed.push({
          ...placeOf(field.name),
          problem: `"${type.name.value}.${field.name.value}" is not classified, so it is not shown.`,
          remedy: 'Add @personalData to it or its type: the category of its data, or NONE.',
        });
        return false;
      }),
    ]),
  );
  for (;;) {
    // A source may find customers without a field of its own.
    const empty = [...remaining].find(
      ([{ name }, fields]) => fields.length === 0 && name.value !== 'Customer',
    )?.[0];
    if (empty === undefined) break;
    remaining.delete(empty);
    edits.blank(empty);
    const removedTypes = new Set([empty.name.value, `${empty.name.value}Connection`]);
    for (const [type, fields] of remaining) {
      const rest = fields.filter((field) => !removedTypes.has(namedTypeOf(field.type)));
      for (const field of fields) {
        if (rest.includes(field)) continue;
        edits.blank(field);
        removed.push({
          ...placeOf(field.name),
          problem: `"${type.name.value}.${field.name.value}" is not shown, because no field of "${empty.name.value}" is classified.`,
          remedy: `Add @personalData to "${empty.name.value}" or its fields: the category of the data, or NONE.`,
        });
      }
      remaining.set(type, rest);
    }
  }
  for (const [type, fields] of remaining) if (fields.length === 0) edits.blank({ loc: bracesOf(type) });
  const isRemoved = (definition: DefinitionNode) =>
    definition.kind === Kind.OBJECT_TYPE_DEFINITION && !remaining.has(definition);
  return { unclassified: removed, hasNoneLeft: definitions.every(isRemoved) };
}

/** Where the fields of a type are, with the braces around them. Undefined if it has none. */
function bracesOf({ name, directives = [], fields = [], loc }: ObjectTypeDefinitionNode) {
  const before = (directives.at(-1) ?? name).loc;
  return fields.length === 0 || loc === undefined || before === undefined
    ? undefined
    : { start: before.end, end: loc.end };
}

/** Adds `@foundBy` to `type Customer`, with the identifier of the declaration, unless the SDL has the directive. */
function addCustomerKey({ definitions }: DocumentNode, edits: Edits, key: string): void {
  for (const type of definitions) {
    if (type.kind !== Kind.OBJECT_TYPE_DEFINITION || type.name.value !== 'Customer') continue;
    if (type.directives?.some(({ name }) => name.value === 'foundBy') === true || type.name.loc === undefined)
      continue;
    edits.insert(type.name.loc.end, ` @foundBy(identifier: ${JSON.stringify(key)})`);
  }
}

interface MissingConnection {
  node: string;
  category: string;
}

/** The connections that a field refers to and the SDL does not declare, although it declares the type of their nodes. */
function missingConnections({ definitions }: DocumentNode): MissingConnection[] {
  const types = typesOf(definitions);
  const missing = new Map<string, MissingConnection>();
  visit(
    { kind: Kind.DOCUMENT, definitions },
    {
      NamedType: ({ name: { value } }) => {
        const node = types.get(value.replace(/Connection$/, ''));
        if (!value.endsWith('Connection') || types.has(value) || node?.kind !== Kind.OBJECT_TYPE_DEFINITION)
          return;
        const category = node.directives
          ?.find(({ name }) => name.value === 'personalData')
          ?.arguments?.find(({ name }) => name.value === 'category')?.value;
        missing.set(value, {
          node: node.name.value,
          category: category?.kind === Kind.ENUM ? category.value : 'NONE',
        });
      },
    },
  );
  return [...missing.values()];
}

function connectionSdl({ node, category }: MissingConnection): string {
  return `
"""
One page of a list of ${node}.
"""
type ${node}Connection @personalData(category: ${category}) {
  "The items with their cursors."
  edges: [${node}Edge!]!
  "The items alone."
  nodes: [${node}!]!
  "The position of this page in the list."
  pageInfo: PageInfo!
}

"""
An item and its position in the list.
"""
type ${node}Edge @personalData(category: ${category}) {
  "The position of the item in the list."
  cursor: String!
  "The item."
  node: ${node}!
}
`;
}
