import {
  defaultMergedResolver,
  delegateToSchema,
  isExternalObject,
  resolveExternalValue,
  type SubschemaConfig,
} from '@graphql-tools/delegate';
import { makeExecutableSchema } from '@graphql-tools/schema';
import type { ExecutionRequest, ExecutionResult } from '@graphql-tools/utils';
import {
  getNamedType,
  getNullableType,
  GraphQLList,
  isListType,
  isTypeDefinitionNode,
  Kind,
  type DocumentNode,
  type GraphQLFieldResolver,
  type GraphQLResolveInfo,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { GatewayError } from '../errors.js';
import type { GraphqlClient } from '../connectors/graphql/client.js';
import { createTranslator, type Translation } from '../connectors/graphql/translate.js';
import type { Context, Customer } from '../customer/customer.js';
import type { Loader, LoaderSettings } from '../loaders/loader.js';
import type { LoadedSource, LoaderRegistry } from '../loaders/registry.js';
import { sideTable } from '../side-table.js';
import type { StitchedDeclaration } from '../source.js';
import { withoutDefer } from './defer.js';
import type { Key, Sdl } from './sdl.js';

/** A source that speaks GraphQL, joined to the schema but asked only when one of its fields is. */
export interface StitchedSource {
  name: string;
  config: SubschemaConfig;
  declaration: StitchedDeclaration;
  keys: ReadonlyMap<string, Key>;
  /** The loader that asks what a translation says. */
  loaderOf: (translation: Translation) => SelectionLoader;
}

type SelectionLoader = Loader<GraphqlClient, string, unknown>;

/** Answers of so many different selections are told apart at a time; each is asked by a loader of its own. */
const MAX_SELECTIONS = 500;

/** What delegation is given as its context: where its executor leaves what is asked, in the vendor's words. */
interface Probe {
  translation?: Translation;
}

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
  const schema = makeExecutableSchema({ typeDefs: [sharedTypes(sdl.spine), own] });
  const translator = createTranslator(schema, declaration.mapping, name);
  const keys = sdl.keys.get(name) ?? new Map<string, Key>();
  const loaders = new LRUCache<string, SelectionLoader>({
    max: MAX_SELECTIONS,
    dispose: (loader) => {
      registry.remove(loader);
    },
  });
  const loaderOf = (translation: Translation): SelectionLoader => {
    const text = `${translation.entry} ${translation.selection}`;
    let loader = loaders.get(text);
    if (loader === undefined) {
      const entity = Object.entries(declaration.entities).find(
        ([, { entry }]) => entry === translation.entry,
      );
      const [typeName = ''] = entity ?? [];
      loader = createLoader(
        text,
        translation,
        typeName,
        keys.get(typeName),
        source.loaderSettings?.[typeName],
      );
      registry.add(source, loader);
      loaders.set(text, loader);
    }
    return loader;
  };
  const executor = (request: ExecutionRequest): ExecutionResult => {
    const { document, variables = {}, context } = request as ExecutionRequest<Record<string, unknown>, Probe>;
    const translation = translator.translate({ document, variables });
    if (context !== undefined) context.translation = translation;
    return { data: { [translation.entry]: [] } };
  };
  return { name, config: { name, schema, executor }, declaration, keys, loaderOf };
}

function createLoader(
  name: string,
  { requestFor, maxKeys }: Translation,
  typeName: string,
  key: Key | undefined,
  { freshness = {}, maxBatch = maxKeys }: LoaderSettings = {},
): SelectionLoader {
  return {
    name,
    freshness,
    maxBatch: Math.min(maxKeys, maxBatch),
    load: async (keys, client) => {
      const request = requestFor(keys);
      return request.read(await client.query(request.document, request.variables));
    },
    about: (value) => [
      key !== undefined && 'identifier' in key
        ? { namespace: key.identifier, value }
        : { type: typeName, key: value },
    ],
    isWhole: (value) => !holdsError(value),
  };
}

/** A field that the vendor could not answer is an Error in its place. */
function holdsError(value: unknown): boolean {
  if (value instanceof Error) return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsError);
}

/** Delegation writes notes of its own on what it is given, and what a loader gives is shared with other requests. */
function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (typeof value !== 'object' || value === null || value instanceof Error) return value;
  const copy = Object.create(null) as Record<string, unknown>;
  for (const [name, member] of Object.entries(value)) copy[name] = copyOf(member);
  return copy;
}

/** What any source's SDL may use of the spine: everything but the customer view itself. */
function sharedTypes({ definitions }: DocumentNode): DocumentNode {
  const spineOnly = new Set([
    'Query',
    'Customer',
    'CustomerKey',
    'Company',
    'CompanyKey',
    'NameAndPlaceInput',
    'Subscription',
    'CustomerEvent',
    'EventType',
  ]);
  return {
    kind: Kind.DOCUMENT,
    definitions: definitions.filter((one) => !isTypeDefinitionNode(one) || !spineOnly.has(one.name.value)),
  };
}

/**
 * Resolves a field of a stitched source on an object that another source made.
 *
 * Plain type merging would fetch the stitched part before any field of the object is resolved, and every other
 * source would wait for it. Here the first field of the source to be resolved asks for the object, with all that the
 * client selected of the source on it; the source's other fields share the result.
 */
export function lazyField(source: StitchedSource, typeName: string): GraphQLFieldResolver<object, Context> {
  const { name, config, declaration, keys, loaderOf } = source;
  const entity = declaration.entities[typeName];
  const key = keys.get(typeName);
  if (entity === undefined || key === undefined) {
    throw new Error(
      `The source "${name}" adds to ${typeName}, so its SDL needs a @key there and its declaration an entity.`,
    );
  }
  const translate = createSelectionTranslator(config, entity);
  const asked = sideTable<object, Promise<object | null>>();

  const ask = async (parent: object, { load }: Context): Promise<object | null> => {
    const value =
      'identifier' in key
        ? await (parent as Customer).identifier(key.identifier)
        : (parent as Record<string, unknown>)[key.field];
    // A failed or missing key asks nothing, and is never handed on as a key.
    if (typeof value !== 'string') return null;
    const info = madeBy(parent);
    const known = translate(info);
    const translation = known instanceof Promise ? await known : known;
    const found = copyOf(await load(loaderOf(translation), value));
    if (found === null) return null;
    const type = getNamedType(info.returnType);
    // Marks it as the source's own; other sources' fields on it are lazy too, so there is nothing to merge now.
    return resolveExternalValue(found, [], config, undefined, info, type, true) as object;
  };

  return async (parent, args, context, info) => {
    if (isExternalObject(parent)) return resolveMerged(parent, args, context, info);
    // Who made the object knows its key, whether the source does or not.
    if ('field' in key && key.field === info.fieldName) return (parent as Record<string, unknown>)[key.field];
    let object = asked.get(parent);
    if (object === undefined) {
      object = ask(parent, context);
      asked.set(parent, object);
    }
    const found = await object;
    if (found === null) return isListType(getNullableType(info.returnType)) ? [] : null;
    return resolveMerged(found, args, context, info);
  };
}

/** Values of variables that make so many different questions of one selection are remembered. */
const MAX_VARIANTS = 50;

/**
 * What a client selects on an object of the source, in the vendor's words. Delegation finds it out: it leaves out what
 * is not the source's and adds what other sources need. That takes longer than all the rest of asking, and its outcome
 * depends on the selection and its variables alone, so it is remembered for as long as the client's document is.
 */
function createSelectionTranslator(
  config: SubschemaConfig,
  { entry, keysArgument }: { entry: string; keysArgument: string },
): (info: GraphQLResolveInfo) => Translation | Promise<Translation> {
  const remembered = new WeakMap<SelectionSetNode, LRUCache<string, Translation>>();
  return (info) => {
    const selectionSet = selectionOf(info);
    const variables = variablesText(selectionSet, info);
    let variants = remembered.get(selectionSet);
    const known = variants?.get(variables);
    if (known !== undefined) return known;
    variants ??= new LRUCache({ max: MAX_VARIANTS });
    remembered.set(selectionSet, variants);
    return probe(selectionSet, info).then((translation) => {
      variants.set(variables, translation);
      return translation;
    });
  };

  async function probe(selectionSet: SelectionSetNode, info: GraphQLResolveInfo): Promise<Translation> {
    const context: Probe = {};
    const result: unknown = await delegateToSchema({
      schema: config,
      fieldName: entry,
      args: { [keysArgument]: [] },
      returnType: new GraphQLList(getNamedType(info.returnType)),
      // Delegation would leave out what comes later. It is asked with the rest, and no system hears of it.
      selectionSet: withoutDefer(selectionSet),
      context,
      info: { ...info, fragments: mapped(info.fragments, withoutDefer) },
    });
    // Delegation hands errors on as values, and those that are not ours are defects.
    if (result instanceof Error) throw originalOf(result);
    if (context.translation === undefined) throw new Error(`Nothing was delegated to ${entry}.`);
    return context.translation;
  }
}

function mapped<T>(all: Readonly<Record<string, T>>, map: (one: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(all).map(([name, one]) => [name, map(one)]));
}

const variableNames = new WeakMap<SelectionSetNode, readonly string[]>();

/** The values of all variables in a selection. */
function variablesText(
  selectionSet: SelectionSetNode,
  { variableValues, fragments }: GraphQLResolveInfo,
): string {
  let names = variableNames.get(selectionSet);
  if (names === undefined) {
    names = [...variablesIn(selectionSet, fragments)].sort();
    variableNames.set(selectionSet, names);
  }
  if (names.length === 0) return '';
  // One that is left out is not null: there may be a default in its place.
  const given = names.filter((name) => name in variableValues);
  return JSON.stringify(Object.fromEntries(given.map((name) => [name, variableValues[name]])));
}

function variablesIn(
  selectionSet: SelectionSetNode,
  fragments: GraphQLResolveInfo['fragments'],
  seen = new Set<string>(),
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

/** The error that a source gave; on its way through delegation it may have been wrapped, with a path that is not the field's. */
function originalOf(error: Error): Error {
  if (error instanceof GatewayError) return error;
  const inner = 'originalError' in error ? error.originalError : error.cause;
  return inner instanceof Error ? originalOf(inner) : error;
}

/** The library types its resolver for objects that it has marked itself, which it checks when called. */
const resolveMerged = defaultMergedResolver as unknown as GraphQLFieldResolver<object, Context>;

const MADE_BY = Symbol('the field that made this object');

/** Wraps a local field that gives objects with a stitched part: each remembers the field, since it holds what the client asks. */
export function rememberField(
  resolve: GraphQLFieldResolver<unknown, Context>,
): GraphQLFieldResolver<unknown, Context> {
  const remember = (value: unknown, info: GraphQLResolveInfo): unknown => {
    if (Array.isArray(value)) return value.map((item: unknown) => remember(item, info));
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
  if (MADE_BY in parent) return parent[MADE_BY] as GraphQLResolveInfo;
  if ('info' in parent) return (parent as Customer).info;
  throw new Error('The object does not tell which field made it.');
}

const selections = new WeakMap<readonly unknown[], SelectionSetNode>();

/** All that is selected on an object; a field that stands several times in an operation has several nodes. */
function selectionOf({ fieldNodes }: GraphQLResolveInfo): SelectionSetNode {
  const [only] = fieldNodes;
  if (fieldNodes.length === 1 && only?.selectionSet !== undefined) return only.selectionSet;
  let selectionSet = selections.get(fieldNodes);
  if (selectionSet === undefined) {
    const all: SelectionNode[] = fieldNodes.flatMap(({ selectionSet: one }) => one?.selections ?? []);
    selectionSet = { kind: Kind.SELECTION_SET, selections: all };
    selections.set(fieldNodes, selectionSet);
  }
  return selectionSet;
}
