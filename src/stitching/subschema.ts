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
import type { Loader } from '../loaders/loader.js';
import type { LoadedSource, LoaderRegistry } from '../loaders/registry.js';
import { fieldWeakMap } from '../v8/field-weak-map.js';
import type { StitchedDeclaration } from '../source.js';
import type { Key, Sdl } from './sdl.js';
import { StitchedObject } from './stitched-object.js';

/** A source that speaks GraphQL, joined to the schema but asked only when one of its fields is. */
export interface StitchedSource {
  name: string;
  /** Its SDL, in our words. Composed into the gateway's schema; never executed. */
  schema: GraphQLSchema;
  declaration: StitchedDeclaration;
  keys: ReadonlyMap<string, Key>;
  /** By our type. */
  entities: ReadonlyMap<string, StitchedEntity>;
}

/** How objects of one type are loaded. */
interface StitchedEntity {
  loader: Loader<GraphqlClient, SelectedKey, unknown>;
  translate: (selected: Selected) => KnownTranslation;
}

/** An object by its key, with what is selected of it. */
interface SelectedKey {
  /** A plan's `selection`. A cached answer refers to it, and not to the plan, which is larger. */
  selection: string;
  /** Stands for the selection in the key's text. */
  digest: string;
  /** The most keys that one request can have with this selection. */
  maxKeys: number;
  key: string;
}

interface KnownTranslation extends Translation {
  digest: string;
}

/** Selections of one entity that are remembered in translation, by their characters; a plan takes some fifty times its text. */
const MAX_SELECTION_CHARACTERS = 100_000;

/**
 * Joins a GraphQL system by the SDL of its source, in our words. What is asked of it goes by loaders, as with every
 * other source: what the same selection says about a key is kept, shared and asked in batches.
 */
export function createSubschema(
  source: LoadedSource<GraphqlClient>,
  sdl: Sdl,
  declaration: StitchedDeclaration,
  registry: LoaderRegistry,
): StitchedSource {
  const { name } = source;
  const own = sdl.sources.get(name);
  if (own === undefined) throw new Error(`The source "${name}" has no SDL.`);
  const schema = makeExecutableSchema({ typeDefs: [usedOf(sdl.coreSchema, own), own] });
  const keyFieldOf = (type: string, field: string): string | undefined => {
    const key = sdl.keys.get(sdl.owners.get(`${type}.${field}`) ?? '')?.get(type);
    return key !== undefined && 'field' in key ? key.field : undefined;
  };
  const translator = createTranslator(schema, declaration.mapping, name, keyFieldOf);
  const keys = sdl.keys.get(name) ?? new Map<string, Key>();
  const entities = new Map<string, StitchedEntity>();
  for (const [typeName, { entry }] of Object.entries(declaration.entities)) {
    const known = new LRUCache<string, KnownTranslation>({
      maxSize: MAX_SELECTION_CHARACTERS,
      sizeCalculation: ({ plan }) => plan.selection.length,
    });
    const remember = (translation: Translation): KnownTranslation => {
      const { selection } = translation.plan;
      // Equal selections of many documents share one plan.
      const earlier = known.get(selection);
      if (earlier !== undefined) return earlier;
      const made = { ...translation, digest: createHash('sha256').update(selection).digest('base64url') };
      known.set(selection, made);
      return made;
    };
    const ofSelection = (selection: string): Translation =>
      known.get(selection) ?? remember(translator.retranslate(entry, selection));
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
 * One loader for all selections of a type: how many selections clients think of bounds nothing, so there is no loader,
 * metric or queue for each. Each selection is a batch of its own, so that a slow one holds up no request for another.
 */
function createLoader(
  typeName: string,
  key: Key | undefined,
  ofSelection: (selection: string) => Translation,
): Loader<GraphqlClient, SelectedKey, unknown> {
  return {
    name: typeName,
    keyText: (one) => `${one.digest} ${one.key}`,
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

/** A field that the vendor could not answer is an Error in its place. */
function holdsError(value: unknown): boolean {
  if (value instanceof Error) return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsError);
}

/** What a source's SDL uses of the core schema, with what that uses in turn. */
function usedOf(core: DocumentNode, own: DocumentNode): DocumentNode {
  const nameOf = (one: DefinitionNode): string | undefined => {
    if (one.kind === Kind.DIRECTIVE_DEFINITION) return `@${one.name.value}`;
    return isTypeDefinitionNode(one) ? one.name.value : undefined;
  };
  const declared = new Map(core.definitions.map((one) => [nameOf(one), one]));
  const ofSource = new Set(own.definitions.map(nameOf));
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
  follow(own);
  return { kind: Kind.DOCUMENT, definitions: [...used] };
}

/**
 * Resolves a field of a stitched source on an object that another source made.
 *
 * Plain type merging would fetch the stitched part before any field of the object is resolved, and every other
 * source would wait for it. Here the first field of the source to be resolved asks for the object, with all that the
 * client selected of the source on it; the source's other fields share the result.
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
  const asked = fieldWeakMap<object, Promise<StitchedObject | null>>();

  const ask = async (
    parent: object,
    { load }: Context,
    info: GraphQLResolveInfo,
  ): Promise<StitchedObject | null> => {
    const value =
      'identifier' in key
        ? await (parent as Customer).identifier(key.identifier)
        : keyOf(parent, key.field, info);
    // A failed or missing key asks nothing, and is never handed on as a key.
    if (value instanceof Error) throw value;
    if (typeof value !== 'string') return null;
    const from = madeBy(parent);
    const { plan, digest, maxKeys } = translate(from);
    const { selection } = plan;
    const found = await load(entity.loader, { selection, digest, maxKeys, key: value });
    if (found === null) return null;
    return new StitchedObject(name, plan, found as Record<string, unknown>, from);
  };

  return async (parent, args: Record<string, unknown>, context, info) => {
    if (parent instanceof StitchedObject && parent.source === name)
      return parent.read(info.fieldName, args, info);
    // Who made the object knows its key, whether the source does or not.
    if ('field' in key && key.field === info.fieldName) return keyOf(parent, key.field, info);
    let object = asked.get(parent);
    if (object === undefined) {
      object = ask(parent, context, info);
      asked.set(parent, object);
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

/** Values of variables that make so many different questions of one selection are remembered. */
const MAX_VARIANTS = 50;
/** Values of variables that are longer than this, as text, are not remembered. */
const MAX_VARIANT_CHARACTERS = 1_000;

/**
 * What a client selects on an object of the source, in the vendor's words. It depends on the selection and its variables
 * alone, so it is remembered for as long as the client's document is.
 */
function createSelectionTranslator(entity: StitchedEntity): (info: GraphQLResolveInfo) => KnownTranslation {
  const remembered = new WeakMap<object, Map<string, KnownTranslation>>();
  return (info) => {
    const { fieldNodes, fragments, variableValues } = info;
    const selectionSets = fieldNodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    const [only] = selectionSets;
    // A field that stands several times in an operation has several nodes.
    const selected = selectionSets.length === 1 && only !== undefined ? only : fieldNodes;
    const variables = variablesText(selected, selectionSets, info);
    let variants = remembered.get(selected);
    let translation = variants?.get(variables);
    if (translation !== undefined) return translation;
    translation = entity.translate({ selectionSets, fragments, variables: variableValues });
    if (variables.length > MAX_VARIANT_CHARACTERS) return translation;
    if (variants === undefined) remembered.set(selected, (variants = new Map<string, KnownTranslation>()));
    if (variants.size >= MAX_VARIANTS) variants.clear();
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
    const all = selectionSets.flatMap((one) => [...variablesIn(one, fragments, seen)]);
    names = [...new Set(all)].sort();
    variableNames.set(selected, names);
  }
  if (names.length === 0) return '';
  // One that is left out is not null: there may be a default in its place.
  const given = names.filter((name) => name in variableValues);
  return JSON.stringify(Object.fromEntries(given.map((name) => [name, variableValues[name]])));
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
      for (const one of variablesIn(fragment.selectionSet, fragments, seen)) names.add(one);
    },
  });
  return names;
}

const MADE_BY = Symbol('the field that made this object');

/** Wraps a local field that gives objects with a stitched part: each remembers the field, since it holds what the client asks. */
export function rememberField(
  resolve: GraphQLFieldResolver<unknown, Context>,
): GraphQLFieldResolver<unknown, Context> {
  const remember = (value: unknown, info: GraphQLResolveInfo): unknown => {
    if (Array.isArray(value)) return value.map((item: unknown) => remember(item, info));
    if (value instanceof StitchedObject) return value;
    // A copy, since what a loader gave may be shared with other requests.
    return typeof value === 'object' && value !== null && !(value instanceof Error)
      ? { ...value, [MADE_BY]: info }
      : value;
  };
  return (parent, args, context, info) => {
    const value = resolve(parent, args, context, info);
    return value instanceof Promise
      ? value.then((settled) => remember(settled, info))
      : remember(value, info);
  };
}

function madeBy(parent: object): GraphQLResolveInfo {
  if (parent instanceof StitchedObject) return parent.info;
  if (MADE_BY in parent) return parent[MADE_BY] as GraphQLResolveInfo;
  if ('info' in parent) return (parent as Customer).info;
  throw new Error('The object does not tell which field made it.');
}
