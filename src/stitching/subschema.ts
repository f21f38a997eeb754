import { makeExecutableSchema } from '@graphql-tools/schema';
import { createHash } from 'node:crypto';
import {
  getNullableType,
  isListType,
  isTypeDefinitionNode,
  Kind,
  visit,
  type ASTNode,
  type DefinitionNode,
  type DocumentNode,
  type GraphQLFieldResolver,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type SelectionSetNode,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import type { GraphqlClient } from '../connectors/graphql/client.js';
import type { Selected } from '../connectors/graphql/collect-fields.js';
import { createTranslator, type Translation } from '../connectors/graphql/translate.js';
import type { Context, Customer } from '../customer/customer.js';
import { isPromise } from '../is-promise.js';
import type { Loader } from '../loaders/loader.js';
import type { LoadedSource, LoaderRegistry } from '../loaders/registry.js';
import { fieldWeakMap } from '../v8/field-weak-map.js';
import type { StitchedDeclaration } from '../source.js';
import { copyOf } from './descriptions.js';
import type { Key, Sdl } from './sdl.js';
import { StitchedObject } from './stitched-object.js';

/** A GraphQL source, joined to the schema. It is called only if one of its fields is requested. */
export interface StitchedSource {
  name: string;
  /** Its SDL in the terms of the gateway. It is composed into the gateway's schema, never executed. */
  schema: GraphQLSchema;
  declaration: StitchedDeclaration;
  keys: ReadonlyMap<string, Key>;
  /** Entities by the gateway's type. */
  entities: ReadonlyMap<string, StitchedEntity>;
}

/** How objects of one type are loaded. */
interface StitchedEntity {
  loader: Loader<GraphqlClient, SelectedKey, unknown>;
  translate: (selected: Selected) => KnownTranslation;
}

/** The key of an object, and the selection on it. */
interface SelectedKey {
  /** A plan's `selection`. Cached answers refer to this text instead of the larger plan. */
  selection: string;
  /** Digest of the selection, for the cache key. */
  digest: string;
  /** Maximum number of keys in one call with this selection. */
  maxKeys: number;
  key: string;
}

interface KnownTranslation extends Translation {
  digest: string;
}

/** Size of the cache of translated selections per entity, in characters. A plan takes about 50 times its text. */
const MAX_SELECTION_CHARACTERS = 100_000;

/**
 * Joins a GraphQL system by the SDL of its source. All calls use loaders, as for every other source: objects with the same
 * key and selection are cached, shared and loaded in batches.
 */
export function createSubschema(
  source: LoadedSource<GraphqlClient>,
  sdl: Sdl,
  declaration: StitchedDeclaration,
  registry: LoaderRegistry,
): StitchedSource {
  const { name } = source;
  const document = sdl.sources.get(name);
  if (document === undefined) throw new Error(`The source "${name}" has no SDL.`);
  const schema = makeExecutableSchema({ typeDefs: [usedOf(sdl.coreSchema, document), document].map(copyOf) });
  const keyFieldOf = (type: string, field: string): string | undefined => {
    const key = sdl.keys.get(sdl.owners.get(`${type}.${field}`) ?? '')?.get(type);
    return key !== undefined && 'field' in key ? key.field : undefined;
  };
  const translator = createTranslator(schema, declaration.mapping, name, keyFieldOf);
  const keys = sdl.keys.get(name) ?? new Map<string, Key>();
  const entities = new Map<string, StitchedEntity>();
  for (const [typeName, { entry }] of Object.entries(declaration.entities)) {
    const translations = new LRUCache<string, KnownTranslation>({
      maxSize: MAX_SELECTION_CHARACTERS,
      sizeCalculation: ({ plan }) => plan.selection.length,
    });
    const remember = (translation: Translation): KnownTranslation => {
      const { selection } = translation.plan;
      // Equal selections of many documents share one plan.
      const earlier = translations.get(selection);
      if (earlier !== undefined) return earlier;
      const known = {
        ...translation,
        digest: createHash('sha256').update(selection).digest('base64url'),
      };
      translations.set(selection, known);
      return known;
    };
    const ofSelection = (selection: string): Translation =>
      translations.get(selection) ?? remember(translator.retranslate(entry, selection));
    const loader = createLoader(typeName, keys.get(typeName), ofSelection);
    registry.add(source, loader);
    entities.set(typeName, {
      loader,
      translate: (selected) => remember(translator.translate(entry, selected)),
    });
  }
  return { name, schema, declaration, keys, entities };
}

/**
 * One loader for all selections of a type. The number of selections is unlimited, so there is no loader, metric or queue
 * per selection. Each selection has its own batch, so that a slow one delays no other.
 */
function createLoader(
  typeName: string,
  key: Key | undefined,
  ofSelection: (selection: string) => Translation,
): Loader<GraphqlClient, SelectedKey, unknown> {
  return {
    name: typeName,
    keyText: (key) => `${key.digest} ${key.key}`,
    batchOf: ({ digest, maxKeys }) => ({ id: digest, maxKeys }),
    load: async (all, client) => {
      const [first] = all;
      if (first === undefined) return [];
      const request = ofSelection(first.selection).requestFor(all.map(({ key: value }) => value));
      return request.read(await client.query(request.document, request.variables));
    },
    about: ({ key: value }) => [
      key !== undefined && 'identifier' in key
        ? { namespace: key.identifier, value }
        : { type: typeName, key: value },
    ],
    isComplete: (value) => !holdsError(value),
  };
}

/** Whether a value contains an Error: the vendor's error for one field. */
function holdsError(value: unknown): boolean {
  if (value instanceof Error) return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsError);
}

/** The definitions of the core schema that a source's SDL uses, directly or indirectly. */
function usedOf(core: DocumentNode, document: DocumentNode): DocumentNode {
  const nameOf = (definition: DefinitionNode): string | undefined => {
    if (definition.kind === Kind.DIRECTIVE_DEFINITION) return `@${definition.name.value}`;
    return isTypeDefinitionNode(definition) ? definition.name.value : undefined;
  };
  const declared = new Map(core.definitions.map((definition) => [nameOf(definition), definition]));
  const ofSource = new Set(document.definitions.map(nameOf));
  const used = new Set<DefinitionNode>();
  const use = (name: string): void => {
    const definition = ofSource.has(name) ? undefined : declared.get(name);
    if (definition === undefined || used.has(definition)) return;
    used.add(definition);
    follow(definition);
  };
  const follow = (node: ASTNode): void => {
    visit(node, {
      NamedType: ({ name }) => {
        use(name.value);
      },
      Directive: ({ name }) => {
        use(`@${name.value}`);
      },
    });
  };
  follow(document);
  return { kind: Kind.DOCUMENT, definitions: [...used] };
}

/**
 * Resolves a field of a stitched source on an object that another source translation.
 *
 * Plain type merging would load the stitched part before any field of the object is resolved, and every other source would
 * wait for it. Here the first field of the source loads the object with all fields of the source that the client
 * selected. The source's other fields share the result.
 */
export function lazyField(source: StitchedSource, typeName: string): GraphQLFieldResolver<object, Context> {
  const { name, keys, entities } = source;
  const entity = entities.get(typeName);
  const key = keys.get(typeName);
  if (entity === undefined || key === undefined) {
    throw new Error(
      `The source "${name}" adds to ${typeName}, so its SDL needs a @foundBy there and its declaration an entity.`,
    );
  }
  const translate = createSelectionTranslator(entity);
  const objects = fieldWeakMap<object, Promise<StitchedObject | null>>();

  const loadObject = async (
    parent: object,
    { load }: Context,
    info: GraphQLResolveInfo,
  ): Promise<StitchedObject | null> => {
    const value =
      'identifier' in key
        ? await (parent as Customer).identifier(key.identifier)
        : keyOf(parent, key.field, info);
    // A failed or missing key causes no call, and is never passed on as a key.
    if (value instanceof Error) throw value;
    if (typeof value !== 'string') return null;
    const from = fieldOf(parent);
    const { plan, digest, maxKeys } = translate(from);
    const { selection } = plan;
    const found = await load(entity.loader, { selection, digest, maxKeys, key: value });
    if (found === null) return null;
    return new StitchedObject(name, plan, found as Record<string, unknown>, from);
  };

  return async (parent, args: Record<string, unknown>, context, info) => {
    if (parent instanceof StitchedObject && parent.source === name)
      return parent.read(info.fieldName, args, info);
    // The object itself has its key, even if the source does not know the object.
    if ('field' in key && key.field === info.fieldName) return keyOf(parent, key.field, info);
    let object = objects.get(parent);
    if (object === undefined) {
      object = loadObject(parent, context, info);
      objects.set(parent, object);
    }
    const found = await object;
    if (found === null) return isListType(getNullableType(info.returnType)) ? [] : null;
    return found.read(info.fieldName, args, info);
  };
}

function keyOf(parent: object, field: string, info: GraphQLResolveInfo): unknown {
  return parent instanceof StitchedObject
    ? parent.read(field, {}, info)
    : (parent as Record<string, unknown>)[field];
}

/** Number of cached translations per selection, one for each combination of variable values. */
const MAX_CACHED_VARIANTS = 50;
/** Maximum length of variable values, as text, of a cached translation. */
const MAX_CACHED_VARIANT_CHARACTERS = 1_000;

/**
 * Translates a client's selection on an object of the source into the vendor's terms. The translation depends only on the
 * selection and its variables, so it is cached together with the client's document.
 */
function createSelectionTranslator(entity: StitchedEntity): (info: GraphQLResolveInfo) => KnownTranslation {
  const translations = new WeakMap<object, Map<string, KnownTranslation>>();
  return (info) => {
    const { fieldNodes, fragments, variableValues } = info;
    const selectionSets = fieldNodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    const [only] = selectionSets;
    // A field that occurs several times in an operation has several nodes.
    const selected = selectionSets.length === 1 && only !== undefined ? only : fieldNodes;
    const variables = variablesText(selected, selectionSets, info);
    let variants = translations.get(selected);
    let translation = variants?.get(variables);
    if (translation !== undefined) return translation;
    translation = entity.translate({ selectionSets, fragments, variables: variableValues });
    if (variables.length > MAX_CACHED_VARIANT_CHARACTERS) return translation;
    if (variants === undefined) translations.set(selected, (variants = new Map<string, KnownTranslation>()));
    if (variants.size >= MAX_CACHED_VARIANTS) variants.clear();
    variants.set(variables, translation);
    return translation;
  };
}

const variableNames = new WeakMap<object, readonly string[]>();

/** The values of all variables in a selection. */
function variablesText(
  selected: object,
  selectionSets: readonly SelectionSetNode[],
  { variableValues, fragments }: GraphQLResolveInfo,
): string {
  let names = variableNames.get(selected);
  if (names === undefined) {
    const seen = new Set<string>();
    const all = selectionSets.flatMap((selectionSet) => [...variablesIn(selectionSet, fragments, seen)]);
    names = [...new Set(all)].sort();
    variableNames.set(selected, names);
  }
  if (names.length === 0) return '';
  // An absent variable is not null: it may have a default.
  const present = names.filter((name) => name in variableValues);
  return JSON.stringify(Object.fromEntries(present.map((name) => [name, variableValues[name]])));
}

function variablesIn(
  selectionSet: SelectionSetNode,
  fragments: GraphQLResolveInfo['fragments'],
  seen: Set<string>,
): Set<string> {
  const names = new Set<string>();
  visit(selectionSet, {
    Variable: ({ name }) => {
      names.add(name.value);
    },
    FragmentSpread: ({ name }) => {
      const fragment = fragments[name.value];
      if (fragment === undefined || seen.has(name.value)) return;
      seen.add(name.value);
      for (const variable of variablesIn(fragment.selectionSet, fragments, seen)) names.add(variable);
    },
  });
  return names;
}

const PARENT_FIELD = Symbol('the field that returned this object');

/** Wraps a local field that returns objects with a stitched part. Each object gets the field, with the client's selection. */
export function withParentField(
  resolve: GraphQLFieldResolver<unknown, Context>,
): GraphQLFieldResolver<unknown, Context> {
  const remember = (value: unknown, info: GraphQLResolveInfo): unknown => {
    if (Array.isArray(value)) return value.map((item: unknown) => remember(item, info));
    if (value instanceof StitchedObject) return value;
    // A copy, because a loader's object may be shared with other requests.
    return typeof value === 'object' && value !== null && !(value instanceof Error)
      ? { ...value, [PARENT_FIELD]: info }
      : value;
  };
  return (parent, args, context, info) => {
    const value = resolve(parent, args, context, info);
    return isPromise(value) ? value.then((settled) => remember(settled, info)) : remember(value, info);
  };
}

function fieldOf(parent: object): GraphQLResolveInfo {
  if (parent instanceof StitchedObject) return parent.info;
  if (PARENT_FIELD in parent) return parent[PARENT_FIELD] as GraphQLResolveInfo;
  if ('info' in parent) return (parent as Customer).info;
  throw new Error('The object has no reference to the field that returned it.');
}
