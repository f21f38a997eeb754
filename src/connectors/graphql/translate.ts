import {
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type SelectionSetNode,
} from 'graphql';
import { SourceContractError } from '../../errors.js';
import { pageSize } from '../paging.js';
import type { GraphqlAnswer } from './client.js';
import type { EntryMapping, GraphqlMapping, KeyedField, VendorVariable } from './mapping.js';

/** An operation in our words that asks one entry point, as stitching makes them. */
export interface OurRequest {
  document: DocumentNode;
  variables: Readonly<Record<string, unknown>>;
}

/** Requests in the vendor's words, and how to read their answers. A large batch needs several. */
export interface VendorRequest {
  document: string;
  variables: Record<string, unknown>;
  /** The keys' objects in our shape, in the order of the keys; an Error where the vendor failed, null where it knows none. */
  read(answer: GraphqlAnswer): unknown[];
}

/** One field of ours: its text in the vendor's words, and how its value is read from the vendor's answer. */
interface PlannedField {
  responseKey: string;
  type: GraphQLOutputType;
  /** Where the value lies below the vendor's field: `['shopMoney']`, `['nodes', 0]`. */
  below: readonly (string | number)[];
  children: Plan | undefined;
  /** Set on a field that is a question of its own for each key. */
  keyed: { path: readonly Segment[]; field: KeyedField } | undefined;
  text: string;
  cost: number;
}

interface Plan {
  type: GraphQLObjectType;
  fields: readonly PlannedField[];
  typenames: readonly string[];
}

interface Segment {
  /** The field with its arguments, as text. */
  text: string;
  /** How many items the field gives at most, from its `first`. */
  items: number | undefined;
}

/** Translates between our words and the vendor's, for one source. */
export function createTranslator(schema: GraphQLSchema, mapping: GraphqlMapping, source: string) {
  return {
    /** The entry point's name and the requests that answer it. */
    translate(request: OurRequest): { entry: string; requests: VendorRequest[] } {
      const { entryField, fragments } = readDocument(request.document);
      const entry = mapping.entries[entryField.name.value];
      const definition = schema.getQueryType()?.getFields()[entryField.name.value];
      const type = definition && getNamedType(definition.type);
      if (entry === undefined || definition === undefined || !isObjectType(type)) {
        throw new Error(`${source} maps no entry point "${entryField.name.value}".`);
      }
      const planner = { schema, mapping, fragments, variables: request.variables };
      const plan = makePlan(
        planner,
        type,
        entryField.selectionSet === undefined ? [] : [entryField.selectionSet],
      );
      const keys = (getArgumentValues(definition, entryField, request.variables)[entry.keysArgument] ??
        []) as string[];
      const size = Math.max(
        1,
        Math.min(keys.length, Math.floor(((mapping.maxCost ?? Infinity) - 10) / costOfKey(entry, plan))),
      );
      const requests: VendorRequest[] = [];
      for (let start = 0; start < keys.length; start += size) {
        requests.push(makeRequest(entry, plan, keys.slice(start, start + size), mapping, source));
      }
      return { entry: entryField.name.value, requests };
    },
  };
}

function readDocument(document: DocumentNode) {
  const fragments = new Map<string, FragmentDefinitionNode>();
  let entryField: FieldNode | undefined;
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
    if (definition.kind === Kind.OPERATION_DEFINITION) {
      const [first] = definition.selectionSet.selections;
      if (first?.kind === Kind.FIELD) entryField = first;
    }
  }
  if (entryField === undefined) throw new Error('A request to a GraphQL source asks one entry point.');
  return { entryField, fragments };
}

interface Planner {
  schema: GraphQLSchema;
  mapping: GraphqlMapping;
  fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  variables: Readonly<Record<string, unknown>>;
}

function makePlan(
  planner: Planner,
  type: GraphQLObjectType,
  selectionSets: readonly SelectionSetNode[],
): Plan {
  const collected = new Map<string, FieldNode[]>();
  for (const selectionSet of selectionSets) collectFields(planner, selectionSet, collected);
  const typenames: string[] = [];
  const fields: PlannedField[] = [];
  for (const [responseKey, nodes] of collected) {
    const [node] = nodes;
    if (node === undefined) continue;
    if (node.name.value === '__typename') typenames.push(responseKey);
    else fields.push(planField(planner, type, responseKey, node, nodes));
  }
  return { type, fields, typenames };
}

function planField(
  planner: Planner,
  parent: GraphQLObjectType,
  responseKey: string,
  node: FieldNode,
  nodes: FieldNode[],
): PlannedField {
  const name = node.name.value;
  const definition = parent.getFields()[name];
  if (definition === undefined) throw new Error(`There is no field "${parent.name}.${name}".`);
  const mapped = planner.mapping.types[parent.name]?.fields?.[name] ?? name;
  const path = typeof mapped === 'string' ? mapped : mapped.path;
  const segments = parsePath(path, getArgumentValues(definition, node, planner.variables));
  const named = getNamedType(definition.type);
  const children = isObjectType(named)
    ? makePlan(
        planner,
        named,
        nodes.flatMap(({ selectionSet }) => selectionSet ?? []),
      )
    : undefined;
  return {
    responseKey,
    type: definition.type,
    below: segments
      .slice(1)
      .map(({ text }) => (/^\d+$/.test(text) ? Number(text) : text.replace(/\(.*/s, ''))),
    children,
    keyed: typeof mapped === 'string' ? undefined : { path: segments, field: mapped },
    text: writeField(responseKey, segments, children),
    cost: costOf(segments, children),
  };
}

/** Fragments are written out in place: all types here are objects, so a fragment's type is that of its place. */
function collectFields(
  planner: Planner,
  { selections }: SelectionSetNode,
  into: Map<string, FieldNode[]>,
): void {
  for (const selection of selections) {
    const variables = planner.variables as Record<string, unknown>;
    if (getDirectiveValues(GraphQLSkipDirective, selection, variables)?.if === true) continue;
    if (getDirectiveValues(GraphQLIncludeDirective, selection, variables)?.if === false) continue;
    if (selection.kind === Kind.FIELD) {
      const key = selection.alias?.value ?? selection.name.value;
      into.set(key, [...(into.get(key) ?? []), selection]);
    } else {
      const { selectionSet } =
        selection.kind === Kind.INLINE_FRAGMENT
          ? selection
          : (planner.fragments.get(selection.name.value) ?? {});
      if (selectionSet !== undefined) collectFields(planner, selectionSet, into);
    }
  }
}

/** Cuts a path at its dots; `$name` in it becomes the value of our field's argument. */
function parsePath(path: string, args: Readonly<Record<string, unknown>>): Segment[] {
  return (path.match(/[^.(]+(\([^)]*\))?/g) ?? []).map((segment) => {
    const text = segment.replace(/(?<=: )\$(\w+)/g, (whole, name: string) => {
      const value = args[name];
      if (name === 'first' && typeof value === 'number') pageSize(value);
      // Only numbers and booleans can stand in a text without being able to end it; the rest travels as variables.
      if (typeof value === 'number' || typeof value === 'boolean') return String(value);
      return name in args ? 'null' : whole;
    });
    const first = /\bfirst: (\d+)/.exec(text)?.[1];
    return { text, items: first === undefined ? undefined : Number(first) };
  });
}

function writeField(
  responseKey: string,
  [first, ...below]: readonly Segment[],
  children: Plan | undefined,
): string {
  if (first === undefined) throw new Error('A path has at least one field.');
  const inner = below
    .filter(({ text }) => !/^\d+$/.test(text))
    .reduceRight(
      (selection, { text }) => ` { ${text}${selection} }`,
      children === undefined ? '' : ` { ${writeFields(children)} }`,
    );
  return `${responseKey === first.text ? '' : `${responseKey}: `}${first.text}${inner}`;
}

function writeFields({ fields }: Plan): string {
  return fields.map(({ text }) => text).join(' ') || '__typename';
}

/**
 * Points as GraphQL APIs that count them do: an object one, a leaf none, a connection two and its items as often as
 * are asked for. What is below `nodes`, or picked from it, is the item itself.
 */
function costOf(segments: readonly Segment[], children: Plan | undefined): number {
  const below = children === undefined ? 0 : 1 + children.fields.reduce((sum, { cost }) => sum + cost, 0);
  return segments.reduceRight((cost, { text, items }, i) => {
    if (items !== undefined) return 2 + items * cost;
    const isObject = i < segments.length - 1 && text !== 'nodes';
    return isObject ? cost + 1 : cost;
  }, below);
}

/** What each key adds to a request: its object as often as it is read, and the questions of its own. */
function costOfKey({ readsPerKey = 1 }: EntryMapping, { fields }: Plan): number {
  const sum = (some: readonly PlannedField[]) => some.reduce((total, { cost }) => total + cost, 0);
  const found = fields.filter(({ keyed }) => keyed === undefined);
  return (
    (found.length === 0 ? 0 : readsPerKey * (1 + sum(found))) +
      sum(fields.filter(({ keyed }) => keyed !== undefined)) || 1
  );
}

/** A name for what we ask beside the client's fields; the client's aliases may be any name, so it is one they left free. */
function freeName(wanted: string, plan: Plan): string {
  return plan.fields.some(({ responseKey }) => responseKey === wanted)
    ? freeName(`${wanted}_`, plan)
    : wanted;
}

function writePath(path: string): string {
  return path.split('.').reduceRight((inner, name) => (inner === '' ? name : `${name} { ${inner} }`), '');
}

function makeRequest(
  entry: EntryMapping,
  plan: Plan,
  keys: readonly string[],
  mapping: GraphqlMapping,
  source: string,
): VendorRequest {
  const declared: string[] = [];
  const variables: Record<string, unknown> = {};
  const declare = (name: string, { type, value }: VendorVariable) => {
    declared.push(`$${name}: ${type}`);
    variables[name] = value;
  };
  const selections: string[] = [];
  const fragments: string[] = [];
  const found = plan.fields.filter(({ keyed }) => keyed === undefined);
  const findPath = parsePath(entry.find, {});
  if (found.length > 0) {
    for (const [name, variable] of Object.entries(entry.variables(keys))) declare(name, variable);
    const vendorType = mapping.types[plan.type.name]?.type ?? plan.type.name;
    const fields = found.map(({ text }) => text).join(' ');
    const body = ` { ... on ${vendorType} { ${freeName('_key', plan)}: ${entry.key.field} ${fields} } }`;
    selections.push(
      `found: ${findPath.reduceRight((inner, { text }, i) => (i === 0 ? `${text}${inner}` : ` { ${text}${inner} }`), body)}`,
    );
  }
  for (const { responseKey, keyed, children } of plan.fields) {
    if (keyed === undefined || children === undefined) continue;
    fragments.push(
      `fragment ${responseKey}_fields on ${mapping.types[children.type.name]?.type ?? children.type.name} { ${freeName('_owner', children)}: ${writePath(keyed.field.owner.path)} ${writeFields(children)} }`,
    );
    for (const [i, key] of keys.entries()) {
      let [first, ...below] = keyed.path.map(({ text }) => text);
      for (const [name, variable] of Object.entries(keyed.field.variables(key))) {
        const own = `${responseKey}_${i}_${name}`;
        declare(own, variable);
        first = first?.replaceAll(`$${name}`, `$${own}`);
      }
      below = below.filter((text) => !/^\d+$/.test(text));
      const inner = below.reduceRight(
        (selection, text) => ` { ${text}${selection} }`,
        ` { ...${responseKey}_fields }`,
      );
      selections.push(`${responseKey}_${i}: ${first ?? ''}${inner}`);
    }
  }
  const head = declared.length === 0 ? 'query' : `query(${declared.join(', ')})`;
  return {
    document: [`${head} { ${selections.join(' ')} }`, ...fragments].join('\n'),
    variables,
    read: (answer) =>
      readAnswer(answer, {
        entry,
        plan,
        keys,
        source,
        found,
        findBelow: findPath.slice(1).map(({ text }) => text),
      }),
  };
}

interface Reading {
  entry: EntryMapping;
  plan: Plan;
  keys: readonly string[];
  source: string;
  found: readonly PlannedField[];
  findBelow: readonly string[];
}

function readAnswer(
  answer: GraphqlAnswer,
  { entry, plan, keys, source, found, findBelow }: Reading,
): unknown[] {
  const reader = createReader(answer, source);
  const byKey = new Map<string, { value: unknown; path: Path }>();
  let lost: unknown = null;
  if (found.length > 0) {
    const { value: list, path } = reader.walk(answer.data, [], ['found', ...findBelow]);
    if (!Array.isArray(list)) return keys.map(() => list ?? null);
    for (const [i, value] of list.entries()) {
      if (isRecord(value)) {
        const key = entry.key.from(value[freeName('_key', plan)]);
        if (!byKey.has(key)) byKey.set(key, { value, path: [...path, i] });
      }
      // Whose it was cannot be seen, so it is told to all who were not found.
      else lost ??= reader.errorAt([...path, i]) ?? null;
    }
  }
  return keys.map((key, i) => {
    const own = byKey.get(key);
    if (found.length > 0 && own === undefined) return lost;
    const object: Record<string, unknown> = { __typename: plan.type.name };
    for (const field of plan.fields) {
      object[field.responseKey] =
        field.keyed === undefined
          ? reader.field(field, own?.value, own?.path ?? [])
          : reader.owned(field, field.keyed.field.owner, key, answer.data, [
              `${field.responseKey}_${i}`,
              ...field.below,
            ]);
    }
    return withTypenames(object, plan);
  });
}

type Path = readonly (string | number)[];

/** Reads values out of an answer; where one is missing because of an error, the Error stands in its place. */
function createReader({ errors }: GraphqlAnswer, source: string) {
  const errorAt = (path: Path): Error | undefined =>
    errors.find((error) => path.every((part, i) => error.path[i] === part))?.error;

  const walk = (start: unknown, from: Path, steps: Path): { value: unknown; path: Path } => {
    let value = start;
    let path = from;
    for (const step of steps) {
      path = [...path, step];
      value =
        isRecord(value) || Array.isArray(value)
          ? (value as Record<string | number, unknown>)[step]
          : undefined;
      if (value == null) return { value: errorAt(path) ?? null, path };
    }
    return { value, path };
  };

  const fieldAt = ({ type, children }: PlannedField, start: unknown, from: Path, steps: Path): unknown => {
    const { value, path } = walk(start, from, steps);
    return complete(value, type, children, path);
  };

  /** A value that was asked for one key, when it says itself that it is that key's. */
  const owned = (
    planned: PlannedField,
    owner: KeyedField['owner'],
    key: string,
    start: unknown,
    steps: Path,
  ): unknown => {
    const { value, path } = walk(start, [], steps);
    if (isRecord(value) && planned.children !== undefined) {
      const whose = walk(value, path, [
        freeName('_owner', planned.children),
        ...owner.path.split('.').slice(1),
      ]).value;
      if (whose instanceof Error) return whose;
      if (owner.from(whose) !== key) return misfit(path);
    }
    return complete(value, planned.type, planned.children, path);
  };

  const field = (planned: PlannedField, parent: unknown, path: Path): unknown =>
    fieldAt(planned, parent, path, [planned.responseKey, ...planned.below]);

  const complete = (
    value: unknown,
    type: GraphQLOutputType,
    children: Plan | undefined,
    path: Path,
  ): unknown => {
    if (value == null) return errorAt(path) ?? null;
    if (value instanceof Error) return value;
    if (isNonNullType(type)) return complete(value, type.ofType, children, path);
    if (isListType(type)) {
      if (!Array.isArray(value)) return misfit(path);
      return value.map((item, i) => complete(item, type.ofType, children, [...path, i]));
    }
    if (children !== undefined) {
      if (!isRecord(value)) return misfit(path);
      const object: Record<string, unknown> = { __typename: children.type.name };
      for (const planned of children.fields) object[planned.responseKey] = field(planned, value, path);
      return withTypenames(object, children);
    }
    if (!isLeafType(type)) return misfit(path);
    try {
      type.parseValue(value);
      return value;
    } catch {
      return misfit(path);
    }
  };

  const misfit = (path: Path) =>
    new SourceContractError(source, `${source} sent an answer of another shape, at: ${path.join('.')}.`);

  return { errorAt, walk, field, owned };
}

function withTypenames(object: Record<string, unknown>, { typenames, type }: Plan): Record<string, unknown> {
  for (const responseKey of typenames) object[responseKey] = type.name;
  return object;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
