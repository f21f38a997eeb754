import {
  astFromValue,
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  isObjectType,
  Kind,
  print,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { pageSize } from '../../connection.js';
import type { EntryMapping, GraphqlMapping, KeyedField } from './mapping.js';

/**
 * One field of ours with its arguments: its text in the vendor's words, and how its value is read from the vendor's
 * answer. Aliases of clients are not part of it: fields with equal arguments are one, under a name that we choose.
 */
export interface PlannedField {
  /** Its name in the vendor's answer and in ours. */
  name: string;
  type: GraphQLOutputType;
  /** Where the value lies below the vendor's field: `['shopMoney']`, `['nodes', 0]`. */
  below: readonly (string | number)[];
  children: PlannedSelection | undefined;
  /** Set on a field that is a question of its own for each key. */
  keyed: { path: readonly Segment[]; field: KeyedField } | undefined;
  text: string;
  cost: number;
}

/** What is selected of one type, in the vendor's words. */
export interface PlannedSelection {
  type: GraphQLObjectType;
  fields: readonly PlannedField[];
  /** The same fields, by `fieldKey`. */
  byKey: ReadonlyMap<string, PlannedField>;
  /** The vendor's field without which there is no object. */
  needs: string | undefined;
  /** The selection in our words, without aliases, fragments, directives and variables. Equal selections have equal texts. */
  selection: string;
}

export interface Segment {
  /** The field with its arguments, as text. */
  text: string;
  /** How many items the field gives at most, from its `first`. */
  items: number | undefined;
}

/** What a client selects of an object. */
export interface Selected {
  selectionSets: readonly SelectionSetNode[];
  fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  variables: Readonly<Record<string, unknown>>;
}

/** The key field that another source needs to resolve its field of an object; undefined when it needs none. */
export type KeyFieldOf = (type: string, field: string) => string | undefined;

interface Planner extends Omit<Selected, 'selectionSets'> {
  schema: GraphQLSchema;
  mapping: GraphqlMapping;
  keyFieldOf: KeyFieldOf;
}

/** A field with its arguments, and all that is selected below it at its several places. */
interface Collected {
  field: GraphQLField<unknown, unknown>;
  args: Readonly<Record<string, unknown>>;
  selectionSets: Set<SelectionSetNode>;
}

/** What a field of an object is found by: its name and the values of its arguments. */
export function fieldKey(field: string, args: Readonly<Record<string, unknown>>): string {
  for (const name in args) if (Object.hasOwn(args, name)) return `${field} ${JSON.stringify(args)}`;
  return field;
}

export function makePlan(
  planner: Planner,
  type: GraphQLObjectType,
  selectionSets: Iterable<SelectionSetNode>,
  isRoot = true,
): PlannedSelection {
  const collected = new Map<string, Collected>();
  const seen = new Set<string>();
  for (const selectionSet of selectionSets)
    collectFields(planner, type, selectionSet, { collected, seen, isRoot });
  const own = [...collected].map(([key, { field, args, selectionSets: below }]) => {
    const named = getNamedType(field.type);
    const children = isObjectType(named) ? makePlan(planner, named, below, false) : undefined;
    const selection = `${field.name}${writeArguments(field, args)}${children === undefined ? '' : ` { ${children.selection} }`}`;
    return { key, field, args, children, selection };
  });
  // In one order, so that selections that differ in it alone are equal.
  own.sort((one, other) => (one.selection < other.selection ? -1 : 1));
  const names = new Set<string>();
  const byKey = new Map(
    own.map(({ key, field, args, children }) => {
      const name = unusedName(
        field.name,
        (one) => names.has(one) || (one !== field.name && one in type.getFields()),
      );
      names.add(name);
      return [key, planField(planner, type, { name, field, args, children })];
    }),
  );
  return {
    type,
    fields: [...byKey.values()],
    byKey,
    needs: planner.mapping.types[type.name]?.needs,
    selection: own.map(({ selection }) => selection).join(' ') || '__typename',
  };
}

function unusedName(wanted: string, isUsed: (name: string) => boolean, number = 1): string {
  const name = number === 1 ? wanted : `${wanted}_${number}`;
  return isUsed(name) ? unusedName(wanted, isUsed, number + 1) : name;
}

function writeArguments({ args: defined }: GraphQLField<unknown, unknown>, args: Collected['args']): string {
  const written = defined.flatMap(({ name, type }) => {
    const value = name in args ? astFromValue(args[name], type) : undefined;
    return value == null ? [] : [`${name}: ${print(value)}`];
  });
  return written.length === 0 ? '' : `(${written.join(', ')})`;
}

function planField(
  { mapping }: Planner,
  parent: GraphQLObjectType,
  {
    name,
    field,
    args,
    children,
  }: Pick<PlannedField, 'name' | 'children'> & Pick<Collected, 'field' | 'args'>,
): PlannedField {
  const mapped = mapping.types[parent.name]?.fields?.[field.name] ?? field.name;
  const path = typeof mapped === 'string' ? mapped : mapped.path;
  const segments = parsePath(path, args);
  return {
    name,
    type: field.type,
    below: segments
      .slice(1)
      .map(({ text }) => (/^\d+$/.test(text) ? Number(text) : text.replace(/\(.*/s, ''))),
    children,
    keyed: typeof mapped === 'string' ? undefined : { path: segments, field: mapped },
    text: writeField(name, segments, children),
    cost: costOf(segments, children, typeof mapped === 'string' ? 0 : objectsIn(mapped.owner.path)),
  };
}

/**
 * Collects the fields of the source from what a client selects: with directives evaluated, and with fragments in their
 * place, since all types here are objects. A field of another source stands for the key that it is found by.
 */
function collectFields(
  planner: Planner,
  type: GraphQLObjectType,
  { selections }: SelectionSetNode,
  into: { collected: Map<string, Collected>; seen: Set<string>; isRoot: boolean },
): void {
  for (const selection of selections) {
    if (!isIncluded(selection, planner.variables)) continue;
    if (selection.kind === Kind.FIELD) collectField(planner, type, selection, into);
    else if (selection.kind === Kind.INLINE_FRAGMENT)
      collectFields(planner, type, selection.selectionSet, into);
    else {
      const { value: name } = selection.name;
      const fragment = planner.fragments[name];
      if (fragment === undefined || into.seen.has(name)) continue;
      into.seen.add(name);
      collectFields(planner, type, fragment.selectionSet, into);
    }
  }
}

function collectField(
  { variables, keyFieldOf }: Planner,
  type: GraphQLObjectType,
  node: FieldNode,
  { collected, isRoot }: { collected: Map<string, Collected>; isRoot: boolean },
): void {
  const fields = type.getFields();
  const own = fields[node.name.value];
  // The root object is made by another source, which knows its keys.
  const keyField = own === undefined && !isRoot ? keyFieldOf(type.name, node.name.value) : undefined;
  const field = own ?? (keyField === undefined ? undefined : fields[keyField]);
  if (field === undefined) return;
  const args = own === undefined ? {} : getArgumentValues(field, node, { ...variables });
  const key = fieldKey(field.name, args);
  let known = collected.get(key);
  if (known === undefined) collected.set(key, (known = { field, args, selectionSets: new Set() }));
  if (own !== undefined && node.selectionSet !== undefined) known.selectionSets.add(node.selectionSet);
}

function isIncluded(selection: SelectionNode, variables: Planner['variables']): boolean {
  const { directives } = selection;
  if (directives === undefined || directives.length === 0) return true;
  const values = { ...variables };
  return (
    getDirectiveValues(GraphQLSkipDirective, selection, values)?.if !== true &&
    getDirectiveValues(GraphQLIncludeDirective, selection, values)?.if !== false
  );
}

/** Cuts a path at its dots; `$name` in it becomes the value of our field's argument. */
export function parsePath(path: string, args: Readonly<Record<string, unknown>>): Segment[] {
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
  name: string,
  [first, ...below]: readonly Segment[],
  children: PlannedSelection | undefined,
): string {
  if (first === undefined) throw new Error('A path has at least one field.');
  const inner = below
    .filter(({ text }) => !/^\d+$/.test(text))
    .reduceRight(
      (selection, { text }) => ` { ${text}${selection} }`,
      children === undefined ? '' : ` { ${writeFields(children)} }`,
    );
  return `${name === first.text ? '' : `${name}: `}${first.text}${inner}`;
}

export function writeFields(plan: PlannedSelection): string {
  const needed = plan.needs === undefined ? [] : [`${freeName('_needs', plan)}: ${plan.needs}`];
  return [...needed, ...plan.fields.map(({ text }) => text)].join(' ') || '__typename';
}

/**
 * Points as GraphQL APIs that count them do: an object one, a leaf none, a connection two and its items as often as
 * are asked for. What is below `nodes`, or picked from it, is the item itself.
 */
function costOf(
  segments: readonly Segment[],
  children: PlannedSelection | undefined,
  ownerCost: number,
): number {
  const below =
    children === undefined ? 0 : 1 + ownerCost + children.fields.reduce((sum, { cost }) => sum + cost, 0);
  return segments.reduceRight((cost, { text, items }, i) => {
    if (items !== undefined) return 2 + items * cost;
    const isObject = i < segments.length - 1 && text !== 'nodes';
    return isObject ? cost + 1 : cost;
  }, below);
}

/** A path to a leaf: all before it are objects. */
function objectsIn(path: string): number {
  return path.split('.').length - 1;
}

/** What each key adds to a request: its object as often as it is read, and the questions of its own. */
export function costOfKey({ readsPerKey = 1 }: EntryMapping, { fields }: PlannedSelection): number {
  const sum = (some: readonly PlannedField[]) => some.reduce((total, { cost }) => total + cost, 0);
  const found = fields.filter(({ keyed }) => keyed === undefined);
  return (
    (found.length === 0 ? 0 : readsPerKey * (1 + sum(found))) +
      sum(fields.filter(({ keyed }) => keyed !== undefined)) || 1
  );
}

/** A name for what is requested beside the fields of our SDL: one that none of them has. */
export function freeName(wanted: string, plan: PlannedSelection): string {
  return plan.fields.some(({ name }) => name === wanted) ? freeName(`${wanted}_`, plan) : wanted;
}
