import {
  astFromValue,
  getNamedType,
  getNullableType,
  isListType,
  isObjectType,
  print,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type SelectionSetNode,
} from 'graphql';
import { decodeCursor, invalidCursor, pageSize, type PageArguments } from '../../connection.js';
import { collectAll, type Collected, type Planner } from './collect-fields.js';
import type { ComputedField, EntryMapping, KeyedField, ListedField, PagedField } from './mapping.js';
import { objectsIn, parsePath, stepsBelow, VENDOR_CURSOR, type Segment } from './path.js';

/**
 * One field of the gateway's schema with its arguments: its text in the vendor's schema, and how its value is read from the
 * vendor's answer. It has no alias of a client: fields with equal arguments are one field, under a name that the plan chooses.
 */
export interface PlannedField {
  /** Its name in the vendor's answer and in the gateway's. */
  name: string;
  type: GraphQLOutputType;
  /** The path to the value below the vendor's field: `['shopMoney']`, `['nodes', 0]`. */
  below: readonly (string | number)[];
  children: PlannedSelection | undefined;
  /** Set on a field that needs a separate query for each key. */
  keyed: { path: readonly Segment[]; field: KeyedField } | undefined;
  /** Set on a field whose value is computed from the vendor's. */
  computed: ComputedField | undefined;
  /** Set on a field that is a connection. */
  connection: PlannedConnection | undefined;
  text: string;
  cost: number;
}

/** A page of a list, and the selection of its items. */
export interface PlannedConnection {
  field: PagedField | ListedField;
  /** The name of the list in its cursors, such as `Cart.lines`. */
  list: string;
  page: PageArguments;
  /** The id of the object that the cursor `after` is of; undefined on the first page. */
  ownerId: string | undefined;
  items: PlannedSelection;
  itemType: GraphQLOutputType;
}

/** The selection on one type, translated to the vendor's schema. */
export interface PlannedSelection {
  type: GraphQLObjectType;
  fields: readonly PlannedField[];
  /** The same fields, by `fieldKey`. */
  byKey: ReadonlyMap<string, PlannedField>;
  /** A field of the vendor. If its value is missing, the object is null. */
  needs: string | undefined;
  /**
   * The selection in the terms of our schema, without aliases, fragments, directives and variables. Equal selections
   * have equal texts.
   */
  selection: string;
}

export function makePlan(
  planner: Planner,
  type: GraphQLObjectType,
  selectionSets: Iterable<SelectionSetNode>,
  isRoot = true,
): PlannedSelection {
  const collected = collectAll(planner, type, selectionSets, isRoot);
  const selections = [...collected].map(([key, { field, args, selectionSets: below }]) => {
    const named = getNamedType(field.type);
    const children = isObjectType(named) ? makePlan(planner, named, below, false) : undefined;
    const items = children === undefined ? undefined : joinItems(planner, children, below);
    const selection = `${field.name}${writeArguments(field, args)}${children === undefined ? '' : ` { ${children.selection} }`}`;
    return { key, field, args, children, items, selection };
  });
  // The fields are sorted, so that selections that differ only in their order are equal.
  selections.sort((a, b) => (a.selection < b.selection ? -1 : 1));
  const names = new Set<string>();
  const byKey = new Map(
    selections.map(({ key, field, args, children, items }) => {
      const name = unusedName(
        field.name,
        (candidate) => names.has(candidate) || (candidate !== field.name && candidate in type.getFields()),
      );
      names.add(name);
      return [key, planField(planner, type, { name, field, args, children, items })];
    }),
  );
  return {
    type,
    fields: [...byKey.values()],
    byKey,
    needs: planner.mapping.types[type.name]?.needs,
    selection: selections.map(({ selection }) => selection).join(' ') || '__typename',
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

interface FieldToPlan extends Pick<PlannedField, 'name' | 'children'>, Pick<Collected, 'field' | 'args'> {
  /** Of a connection: the selection of its items. */
  items: PlannedSelection | undefined;
}

function planField(planner: Planner, parent: GraphQLObjectType, wanted: FieldToPlan): PlannedField {
  const { name, field, args, children } = wanted;
  const mapped = planner.mapping.types[parent.name]?.fields?.[field.name] ?? field.name;
  if (typeof mapped !== 'string' && ('page' in mapped || 'list' in mapped))
    return planConnection(parent, wanted, mapped);
  const segments = parsePath(typeof mapped === 'string' ? mapped : mapped.path, args);
  const keyed = typeof mapped !== 'string' && 'owner' in mapped ? mapped : undefined;
  const computed = typeof mapped !== 'string' && 'compute' in mapped ? mapped : undefined;
  // The fields of a computed object are not the vendor's.
  const selection = computed === undefined ? children && `{ ${writeFields(children)} }` : computed.select;
  const objectFields = computed === undefined ? (children?.fields ?? []) : [];
  return {
    name,
    type: field.type,
    below: stepsBelow(segments),
    children,
    keyed: keyed && { path: segments, field: keyed },
    computed,
    connection: undefined,
    text: writeField(name, segments, selection === undefined ? '' : ` ${selection}`),
    cost: costOf(
      segments,
      selection === undefined ? undefined : objectFields,
      keyed === undefined ? 0 : objectsIn(keyed.owner.path),
    ),
  };
}

/** The item type of a connection type; undefined for any other type. */
function itemTypeOf(type: GraphQLObjectType): GraphQLOutputType | undefined {
  const { nodes, edges, pageInfo } = type.getFields();
  if (nodes === undefined || edges === undefined || pageInfo === undefined) return undefined;
  const list = getNullableType(nodes.type);
  return isListType(list) ? list.ofType : undefined;
}

/**
 * The items of a connection are selected below `nodes` and below `edges { node }`. Both get one plan with all of it, so that the
 * vendor returns each item once. Undefined for a type that is not a connection.
 */
function joinItems(
  planner: Planner,
  { type, byKey }: PlannedSelection,
  selectionSets: Iterable<SelectionSetNode>,
): PlannedSelection | undefined {
  const itemType = itemTypeOf(type);
  const named = itemType && getNamedType(itemType);
  if (!isObjectType(named)) return undefined;
  const ofConnection = collectAll(planner, type, selectionSets);
  const edges = byKey.get('edges');
  const ofEdges =
    edges?.children &&
    collectAll(planner, edges.children.type, ofConnection.get('edges')?.selectionSets ?? []);
  const items = makePlan(
    planner,
    named,
    [...(ofConnection.get('nodes')?.selectionSets ?? []), ...(ofEdges?.get('node')?.selectionSets ?? [])],
    false,
  );
  for (const field of [byKey.get('nodes'), edges?.children?.byKey.get('node')])
    if (field !== undefined) field.children = items;
  return items;
}

function planConnection(
  parent: GraphQLObjectType,
  { name, field, args, children, items }: FieldToPlan,
  mapped: PagedField | ListedField,
): PlannedField {
  const itemType = children && itemTypeOf(children.type);
  if (children === undefined || items === undefined || itemType === undefined)
    throw new Error(
      `${parent.name}.${field.name} is mapped as a connection, but has another type in the SDL.`,
    );
  const list = `${parent.name}.${field.name}`;
  const first = pageSize(Number(args.first));
  const after = typeof args.after === 'string' ? args.after : null;
  const plan = (path: string, more: Record<string, unknown>, inner: string, ownerId?: string) => {
    const segments = parsePath(path, { ...args, ...more });
    return {
      name,
      type: field.type,
      below: stepsBelow(segments),
      children,
      keyed: undefined,
      computed: undefined,
      connection: { field: mapped, list, page: { first, after }, ownerId, items, itemType },
      text: writeField(name, segments, inner),
      cost: costOf(segments, items.fields, 0),
    };
  };
  if ('list' in mapped) {
    const [sortKey, id] = mapped.sortedBy;
    return plan(
      mapped.list,
      {},
      ` { ${freeName('_sort', items)}: ${sortKey} ${freeName('_id', items)}: ${id} ${writeFields(items)} }`,
    );
  }
  const [ownerId, vendorCursor] = after === null ? [] : decodeCursor(list, after, 2);
  if (vendorCursor !== undefined && !VENDOR_CURSOR.test(vendorCursor)) throw invalidCursor();
  const pageInfo = children.byKey.get('pageInfo')?.children;
  const hasCursors =
    children.byKey.get('edges')?.children?.byKey.has('cursor') === true ||
    pageInfo?.byKey.has('startCursor') === true ||
    pageInfo?.byKey.has('endCursor') === true;
  const inner = hasCursors
    ? `edges { cursor node { ${writeFields(items)} } }`
    : `nodes { ${writeFields(items)} }`;
  const planned = plan(
    mapped.page,
    { after: vendorCursor ?? null },
    ` { ${inner} pageInfo { hasNextPage } }`,
    ownerId,
  );
  return hasCursors || ownerId !== undefined
    ? { ...planned, text: `${planned.text} ${ownerIdName(name)}: ${mapped.ownerId}` }
    : planned;
}

/** The name of the owner's id beside a connection in the vendor's answer. */
export function ownerIdName(field: string): string {
  return `_owner_of_${field}`;
}

function writeField(name: string, [first, ...below]: readonly Segment[], inmost: string): string {
  if (first === undefined) throw new Error('A path has at least one field.');
  const inner = below
    .filter(({ text }) => !/^\d+$/.test(text))
    .reduceRight((selection, { text }) => ` { ${text}${selection} }`, inmost);
  return `${name === first.text ? '' : `${name}: `}${first.text}${inner}`;
}

export function writeFields(plan: PlannedSelection): string {
  const needed = plan.needs === undefined ? [] : [`${freeName('_needs', plan)}: ${plan.needs}`];
  return [...needed, ...plan.fields.map(({ text }) => text)].join(' ') || '__typename';
}

/**
 * Cost in points, as GraphQL APIs with cost limits count it: 1 for an object, 0 for a leaf, and 2 for a connection
 * plus the requested number of times the cost of an item. `nodes` and a selected index are the item itself. `fields` are
 * those of the object at the end of the path; undefined for a leaf.
 */
function costOf(
  segments: readonly Segment[],
  fields: readonly PlannedField[] | undefined,
  ownerCost: number,
): number {
  const below = fields === undefined ? 0 : 1 + ownerCost + fields.reduce((sum, { cost }) => sum + cost, 0);
  return segments.reduceRight((cost, { text, items }, i) => {
    if (items !== undefined) return 2 + items * cost;
    const isObject = i < segments.length - 1 && text !== 'nodes';
    return isObject ? cost + 1 : cost;
  }, below);
}

/** The cost that each key adds to a request: its object as often as it is read, and its separate queries. */
export function costOfKey({ readsPerKey = 1 }: EntryMapping, { fields }: PlannedSelection): number {
  const sum = (some: readonly PlannedField[]) => some.reduce((total, { cost }) => total + cost, 0);
  const found = fields.filter(({ keyed }) => keyed === undefined);
  return (
    (found.length === 0 ? 0 : readsPerKey * (1 + sum(found))) +
      sum(fields.filter(({ keyed }) => keyed !== undefined)) || 1
  );
}

/** A response name for an additional field. No field of the plan has it. */
export function freeName(wanted: string, plan: PlannedSelection): string {
  return plan.fields.some(({ name }) => name === wanted) ? freeName(`${wanted}_`, plan) : wanted;
}
