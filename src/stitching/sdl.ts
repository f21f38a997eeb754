import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  buildASTSchema,
  GraphQLError,
  isTypeDefinitionNode,
  Kind,
  KnownArgumentNamesRule,
  KnownDirectivesRule,
  parse,
  print,
  ProvidedRequiredArgumentsRule,
  Source,
  specifiedScalarTypes,
  UniqueDirectivesPerLocationRule,
  validate,
  validateSchema,
  ValuesOfCorrectTypeRule,
  visit,
  type ASTNode,
  type ConstDirectiveNode,
  type DefinitionNode,
  type DocumentNode,
  type EnumTypeExtensionNode,
  type ObjectTypeDefinitionNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import type { TimelineDeclaration } from '../customer/timeline-declaration.js';
import type { TimelineSource } from '../customer/timeline.js';
import { didYouMean } from '../did-you-mean.js';
import { ConfigError } from '../errors.js';
import type { Namespace } from '../identity/declaration.js';
import { readDescriptions } from './descriptions.js';
import { audienceConditionSdl, customerKeySdl, sourceEnumSdl, sourceValue } from './generated-sdl.js';

/** How a source's SDL finds an object: `@foundBy` in schema/directives.graphql. */
export type Key = { identifier: string } | { field: string };

/** The validated SDL of the core schema and of every plugged-in source. */
export interface Sdl {
  /**
   * Scalars, directives, the customer view, events, `CustomerKey` and `Source`. Includes the sources' additions to
   * `Subscription` and to enums with `@extensible`.
   */
  coreSchema: DocumentNode;
  /** The SDL of each source. */
  sources: ReadonlyMap<string, DocumentNode>;
  /** The source that declares a field, by `Customer.orders`. Fields of the core schema are absent. */
  owners: ReadonlyMap<string, string>;
  /** Keys by source, then by type. */
  keys: ReadonlyMap<string, ReadonlyMap<string, Key>>;
  /** The result of readDescriptions(): the core schema is the first file, then the sources in their order. */
  descriptions: ReadonlyMap<string, string>;
}

/** A file of SDL. */
export interface SdlFile {
  /** Its name in messages, such as `schema/sources/warranty.graphql`. */
  name: string;
  text: string;
  /** The source it belongs to; undefined for the core schema. */
  source?: string;
}

const SCHEMA_FOLDER = new URL('../../schema/', import.meta.url);

/** Reads the SDL of the core schema and of the sources. `sdlOfSources`: the SDL of sources without a file in schema/sources. */
export function readSdl(
  sources: readonly string[],
  sdlOfSources: Readonly<Record<string, string>>,
  namespaces: Parameters<typeof composeSdl>[1],
  conditions: Parameters<typeof composeSdl>[2] = [],
): Sdl {
  const packaged = sources.filter((name) => sdlOfSources[name] === undefined);
  const brought = Object.entries(sdlOfSources)
    .filter(([source]) => sources.includes(source))
    .map(([source, text]): SdlFile => ({ name: `schema/sources/${source}.graphql`, text, source }));
  return composeSdl([...readSdlFiles(packaged), ...brought], namespaces, conditions);
}

/** Reads schema/*.graphql and the files of the given sources. */
export function readSdlFiles(sources: readonly string[]): SdlFile[] {
  const coreSchema = ['scalars', 'directives', 'customer', 'audiences', 'events'].map((name): SdlFile =>
    readSdlFile(`${name}.graphql`),
  );
  return [
    ...coreSchema,
    ...sources.map((source): SdlFile => ({ ...readSdlFile(`sources/${source}.graphql`), source })),
  ];
}

function readSdlFile(path: string): SdlFile {
  try {
    return {
      name: `schema/${path}`,
      text: readFileSync(fileURLToPath(new URL(path, SCHEMA_FOLDER)), 'utf8'),
    };
  } catch (error) {
    throw new ConfigError([
      `schema/${path} cannot be read: each source needs a file with its SDL. (${String(error)})`,
    ]);
  }
}

/** Recent compositions by their files. A reload may have the same files. */
const compositions = new LRUCache<string, Sdl>({ max: 4 });

/**
 * Parses the files, and refuses a name that two files declare. Equal files have the same result. Throws a ConfigError
 * that lists all problems.
 */
export function composeSdl(
  files: readonly SdlFile[],
  namespaces: Iterable<Namespace>,
  conditions: Parameters<typeof audienceConditionSdl>[0] = [],
): Sdl {
  const sourceNames = files.flatMap(({ source }) => source ?? []);
  const all: SdlFile[] = [
    ...files,
    { name: 'the identifiers of the sources', text: customerKeySdl(namespaces) },
    { name: 'the names of the sources', text: sourceEnumSdl(sourceNames) },
    { name: 'the conditions of the sources', text: audienceConditionSdl(conditions) },
  ];
  const key = JSON.stringify(all);
  const composed = compositions.get(key) ?? compose(all);
  compositions.set(key, composed);
  return composed;
}

function compose(files: readonly SdlFile[]): Sdl {
  const problems: string[] = [];
  const owners = new Map<string, string>();
  const keys = new Map<string, ReadonlyMap<string, Key>>();
  const sources = new Map<string, DocumentNode>();
  const coreSchema: DefinitionNode[] = [];
  const extensions: EnumTypeExtensionNode[] = [];
  const kinds = new Map<string, { kind: Kind; file: string }>();
  const fields = new Map<string, { file: string; type: string; key: boolean }>();

  for (const file of files) {
    const document = parseFile(file, problems);
    const ofType = new Map<string, Key>();
    const definitions: DefinitionNode[] = [];
    for (const definition of document.definitions) {
      if (definition.kind === Kind.ENUM_TYPE_EXTENSION) {
        extensions.push(definition);
        continue;
      }
      const isSubscription =
        definition.kind === Kind.OBJECT_TYPE_DEFINITION && definition.name.value === 'Subscription';
      (isSubscription ? coreSchema : definitions).push(definition);
      if (!isTypeDefinitionNode(definition) && definition.kind !== Kind.DIRECTIVE_DEFINITION) {
        problems.push(`${file.name} has a ${definition.kind}; SDL here declares types and directives only.`);
        continue;
      }
      const name =
        definition.kind === Kind.DIRECTIVE_DEFINITION ? `@${definition.name.value}` : definition.name.value;
      const earlier = kinds.get(name);
      kinds.set(name, earlier ?? { kind: definition.kind, file: file.name });
      if (
        definition.kind !== Kind.OBJECT_TYPE_DEFINITION ||
        (earlier !== undefined && earlier.kind !== definition.kind)
      ) {
        if (earlier !== undefined)
          problems.push(`"${name}" is declared in both ${earlier.file} and ${file.name}.`);
        continue;
      }
      const itsKeys = readKeys(definition);
      const [key] = itsKeys;
      if (key !== undefined) ofType.set(name, key);
      if (key === undefined && earlier !== undefined && name !== 'Query' && !isSubscription) {
        problems.push(
          `"${name}" is declared in both ${earlier.file} and ${file.name}; the second must declare by @foundBy how it finds the object.`,
        );
      }
      const keyFields = itsKeys.flatMap((key) => ('field' in key ? [key.field] : []));
      for (const field of keyFields.filter((name) => !declares(definition, name))) {
        problems.push(`${file.name} finds "${name}" by "${field}", so it must declare that field too.`);
      }
      for (const field of definition.fields ?? []) {
        const path = `${name}.${field.name.value}`;
        const isKey = keyFields.includes(field.name.value);
        const other = fields.get(path);
        if (other !== undefined && !(other.key && isKey && other.type === print(field.type))) {
          problems.push(
            `"${path}" is declared in both ${other.file} and ${file.name}; only a @foundBy field of one type may be.`,
          );
        }
        fields.set(path, other ?? { file: file.name, type: print(field.type), key: isKey });
        if (file.source !== undefined && other === undefined) owners.set(path, file.source);
      }
    }
    if (file.source === undefined) coreSchema.push(...definitions);
    else {
      sources.set(file.source, { ...document, definitions });
      keys.set(file.source, ofType);
    }
  }
  extendEnums(coreSchema, extensions, problems);
  problems.push(
    ...undeclaredTypes([...coreSchema, ...[...sources.values()].flatMap(({ definitions }) => definitions)]),
  );
  if (problems.length === 0) problems.push(...check(coreSchema, sources));
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    coreSchema: { kind: Kind.DOCUMENT, definitions: coreSchema },
    sources,
    owners,
    keys,
    descriptions: readDescriptions([
      coreSchema,
      ...[...sources.values()].map(({ definitions }) => definitions),
    ]),
  };
}

/** Adds the values of extensions to the enums with `@extensible` in `coreSchema`. */
function extendEnums(
  coreSchema: DefinitionNode[],
  extensions: readonly EnumTypeExtensionNode[],
  problems: string[],
): void {
  for (const extension of extensions) {
    const { value: name } = extension.name;
    const place = coreSchema.findIndex(
      (definition) => definition.kind === Kind.ENUM_TYPE_DEFINITION && definition.name.value === name,
    );
    const declared = coreSchema[place];
    if (declared?.kind !== Kind.ENUM_TYPE_DEFINITION || !declared.directives?.some(isExtensible)) {
      problems.push(
        `${placeOf(extension.name)}: "${name}" is not an enum with @extensible, so sources cannot extend it.`,
      );
      continue;
    }
    const { values = [], directives = [] } = declared;
    for (const { name: value } of extension.values ?? []) {
      const earlier = values.find((known) => known.name.value === value.value);
      if (earlier !== undefined)
        problems.push(
          `${placeOf(value)}: "${name}.${value.value}" is declared in ${placeOf(earlier)} already.`,
        );
    }
    coreSchema[place] = {
      ...declared,
      directives: [...directives, ...(extension.directives ?? [])],
      values: [...values, ...(extension.values ?? [])],
    };
  }
}

function isExtensible({ name }: ConstDirectiveNode): boolean {
  return name.value === 'extensible';
}

function parseFile({ name, text }: SdlFile, problems: string[]): DocumentNode {
  try {
    return parse(new Source(text, name));
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    const [at] = error.locations ?? [];
    problems.push(`${name}${at === undefined ? '' : ` line ${at.line}`}: ${error.message}`);
    return { kind: Kind.DOCUMENT, definitions: [] };
  }
}

/** Checks for such fields, because composition would omit them without an error. */
function undeclaredTypes(definitions: readonly DefinitionNode[]): string[] {
  const declared = new Set(specifiedScalarTypes.map(({ name }) => name));
  for (const definition of definitions)
    if (isTypeDefinitionNode(definition)) declared.add(definition.name.value);
  const problems: string[] = [];
  visit(
    { kind: Kind.DOCUMENT, definitions },
    {
      NamedType: (node) => {
        const { value } = node.name;
        if (!declared.has(value)) problems.push(`${placeOf(node)}: "${value}" is not declared.`);
      },
    },
  );
  return problems;
}

/** Checks the directives. Nothing else does, and a misspelt directive would protect nothing. */
const DIRECTIVE_RULES = [
  KnownDirectivesRule,
  UniqueDirectivesPerLocationRule,
  KnownArgumentNamesRule,
  ProvidedRequiredArgumentsRule,
  ValuesOfCorrectTypeRule,
];

/**
 * Finds errors that are visible only over all files: a type without fields, an input as a field's type, an unknown
 * directive, or invalid arguments of a directive.
 */
function check(coreSchema: readonly DefinitionNode[], sources: ReadonlyMap<string, DocumentNode>): string[] {
  const documents: DocumentNode[] = [{ kind: Kind.DOCUMENT, definitions: coreSchema }, ...sources.values()];
  const whole = new Map<string, DefinitionNode>();
  for (const definition of documents.flatMap(({ definitions }) => definitions)) {
    const name = 'name' in definition ? `${definition.kind} ${definition.name.value}` : definition.kind;
    const earlier = whole.get(name);
    whole.set(name, earlier === undefined ? definition : withFieldsOf(earlier, definition));
  }
  const schema = buildASTSchema(
    { kind: Kind.DOCUMENT, definitions: [...whole.values()] },
    { assumeValidSDL: true },
  );
  const wrong = validateSchema(schema);
  const all =
    wrong.length > 0 ? wrong : documents.flatMap((document) => validate(schema, document, DIRECTIVE_RULES));
  return all.map(({ nodes, message }) => `${placeOf(nodes?.[0])}: ${message}`);
}

function withFieldsOf(first: DefinitionNode, second: DefinitionNode): DefinitionNode {
  if (first.kind !== Kind.OBJECT_TYPE_DEFINITION || second.kind !== Kind.OBJECT_TYPE_DEFINITION) return first;
  const fields = new Map(
    [...(first.fields ?? []), ...(second.fields ?? [])].map((field) => [field.name.value, field]),
  );
  return { ...first, fields: [...fields.values()] };
}

/** File and line, for messages. */
export function placeOf(node: ASTNode | undefined): string {
  return node?.loc === undefined
    ? "The sources' SDL"
    : `${node.loc.source.name} line ${node.loc.startToken.line}`;
}

/** The `@foundBy` of a type. Only types of the core schema have several, each for some sources; a source uses the first. */
function readKeys({ directives = [] }: ObjectTypeDefinitionNode): Key[] {
  return directives.flatMap((directive) => {
    const argument = directive.name.value === 'foundBy' ? directive.arguments?.[0] : undefined;
    if (argument?.value.kind !== Kind.STRING) return [];
    const { value } = argument.value;
    return [argument.name.value === 'field' ? { field: value } : { identifier: value }];
  });
}

function declares({ fields = [] }: ObjectTypeDefinitionNode, field: string): boolean {
  return fields.some(({ name }) => name.value === field);
}

/** The source names by enum value of `Source`. Resolvers use the names. */
export function sourceNamesByValue({ sources }: Pick<Sdl, 'sources'>): Readonly<Record<string, string>> {
  return Object.fromEntries([...sources.keys()].map((source) => [sourceValue(source), source]));
}

/** The declaring source of each field that sources add to a type. */
export function fieldsOf(type: string, { owners }: Sdl): ReadonlyMap<string, string> {
  const fields = [...owners].filter(([path]) => path.startsWith(`${type}.`));
  return new Map(fields.map(([path, source]) => [path.slice(type.length + 1), source]));
}

/** The namespace by which a source's SDL finds customers. */
export function customerKeyOf({ keys }: Sdl, source: string): string | undefined {
  const key = keys.get(source)?.get('Customer');
  return key !== undefined && 'identifier' in key ? key.identifier : undefined;
}

/** The timelines of sources. Throws a ConfigError that lists kinds which are not in TimelineKind. */
export function timelinesOf(
  sources: readonly { name: string; timeline?: TimelineDeclaration }[],
  { coreSchema }: Sdl,
): TimelineSource[] {
  const kinds = coreSchema.definitions.flatMap((definition) =>
    definition.kind === Kind.ENUM_TYPE_DEFINITION && definition.name.value === 'TimelineKind'
      ? (definition.values ?? [])
      : [],
  );
  const known = kinds.map(({ name }) => name.value);
  const timelines = sources.flatMap(({ name, timeline }) =>
    timeline === undefined ? [] : [{ name, timeline }],
  );
  const problems = timelines.flatMap(({ name, timeline }) =>
    timeline.kinds
      .filter((kind) => !known.includes(kind))
      .map(
        (kind) =>
          `${name} has the kind "${kind}" in its timeline, which is not a value of TimelineKind.${didYouMean(kind, known)} A source adds one by "extend enum TimelineKind".`,
      ),
  );
  if (problems.length > 0) throw new ConfigError(problems);
  return timelines;
}
