import {
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  isObjectType,
  Kind,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type SelectionSetNode,
} from 'graphql';
import { InvalidInputError } from '../../errors.js';
import { pageSize } from '../paging.js';
import type { EntryMapping, GraphqlMapping, KeyedField } from './mapping.js';

/** One field of ours: its text in the vendor's words, and how its value is read from the vendor's answer. */
export interface PlannedField {
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

export interface Plan {
  type: GraphQLObjectType;
  fields: readonly PlannedField[];
  typenames: readonly string[];
  /** The vendor's field without which there is no object. */
  needs: string | undefined;
}

export interface Segment {
  /** The field with its arguments, as text. */
  text: string;
  /** How many items the field gives at most, from its `first`. */
  items: number | undefined;
}

interface Planner {
  schema: GraphQLSchema;
  mapping: GraphqlMapping;
  fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  variables: Readonly<Record<string, unknown>>;
}

export function makePlan(
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
    // The client cannot do this alone, so one of them is a key that we added for another source.
    if (nodes.some(({ name }) => name.value !== node.name.value)) {
      throw new InvalidInputError(
        `The alias "${responseKey}" is a name that the gateway uses itself: take another.`,
      );
    }
    if (node.name.value === '__typename') typenames.push(responseKey);
    else fields.push(planField(planner, type, responseKey, node, nodes));
  }
  return { type, fields, typenames, needs: planner.mapping.types[type.name]?.needs };
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
    cost: costOf(segments, children, typeof mapped === 'string' ? 0 : objectsIn(mapped.owner.path)),
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

export function writeFields(plan: Plan): string {
  const needed = plan.needs === undefined ? [] : [`${freeName('_needs', plan)}: ${plan.needs}`];
  return [...needed, ...plan.fields.map(({ text }) => text)].join(' ') || '__typename';
}

/**
 * Points as GraphQL APIs that count them do: an object one, a leaf none, a connection two and its items as often as
 * are asked for. What is below `nodes`, or picked from it, is the item itself.
 */
function costOf(segments: readonly Segment[], children: Plan | undefined, ownerCost: number): number {
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
export function costOfKey({ readsPerKey = 1 }: EntryMapping, { fields }: Plan): number {
  const sum = (some: readonly PlannedField[]) => some.reduce((total, { cost }) => total + cost, 0);
  const found = fields.filter(({ keyed }) => keyed === undefined);
  return (
    (found.length === 0 ? 0 : readsPerKey * (1 + sum(found))) +
      sum(fields.filter(({ keyed }) => keyed !== undefined)) || 1
  );
}

/** A name for what we ask beside the client's fields; the client's aliases may be any name, so it is one they left free. */
export function freeName(wanted: string, plan: Plan): string {
  return plan.fields.some(({ responseKey }) => responseKey === wanted)
    ? freeName(`${wanted}_`, plan)
    : wanted;
}

/** The plan as a text: plans that ask the same, and give it the same names, have the same one. */
export function selectionText({ fields, typenames }: Plan): string {
  const parts = fields.map(({ text, keyed, children, responseKey }) =>
    keyed === undefined
      ? `${text}${namesIn(children)}`
      : `${responseKey}= ${keyed.path.map(({ text: one }) => one).join('.')} ${children === undefined ? '' : selectionText(children)}`,
  );
  return [...parts, ...typenames.map((name) => `${name}= __typename`)].join(' ');
}

/** Names that the client gave to `__typename`: they are answered here and not asked of the vendor. */
function namesIn(plan: Plan | undefined): string {
  if (plan === undefined) return '';
  const below = plan.fields.map(({ children }) => namesIn(children)).join('');
  return `${plan.typenames.map((name) => ` ${name}=`).join('')}${below}`;
}
