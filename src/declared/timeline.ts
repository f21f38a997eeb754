import { Kind, type FieldDefinitionNode, type ObjectTypeDefinitionNode } from 'graphql';
import { MAX_PAGE_SIZE } from '../connection.js';
import type { Client } from '../connectors/connector.js';
import type { Context, Customer } from '../customer/customer.js';
import type { UnsortedItems } from '../customer/merged-list.js';
import type { TimelineDeclaration, TimelineItem, TimelineRequest } from '../customer/timeline-declaration.js';
import { didYouMean } from '../did-you-mean.js';
import type { ValuePolicy } from '../stitching/policies.js';
import type { Calls } from './calls.js';
import type { CustomerList } from './compile-customer.js';
import { objectTypeOf, orderOf } from './field-type.js';
import type { TimelineOfList } from './grammar.js';
import type { Mappers } from './mapping.js';
import type { Place, Report } from './problems.js';
import { namedTypeOf, type SourceSdl } from './source-sdl.js';

/** Pages of 100 items that are read of a list. If older items may belong on the page of the timeline, it fails. */
const MAX_PAGES = 10;
const NAMES_IN_BRACES = /\{(\w+)\}/g;
/** Types of fields that a title can show. */
const IN_TITLE = ['String', 'ID', 'Int', 'BigInt', 'Decimal', 'Date', 'DateTime'];

interface TimelineOptions {
  /** By field, such as `Customer.repairs`. */
  declared: Readonly<Record<string, TimelineOfList>> | undefined;
  lists: ReadonlyMap<string, CustomerList>;
  sdl: SourceSdl;
  mappers: Mappers;
  calls: Pick<Calls<object, Client>, 'acceptsPart'>;
  report: Report;
}

type Item = Readonly<Record<string, unknown>>;

/** A list whose items are on the timeline. */
interface TimelineList {
  kind: string;
  list: CustomerList;
  /** Null for an item without a moment, which is not on the timeline. */
  toItem: (item: Item) => TimelineItem | null;
}

/**
 * Compiles the timeline of a source from lists of Customer that it declares. Reports a kind that would show items to callers
 * that may not see the list.
 */
export function compileTimeline(options: TimelineOptions): TimelineDeclaration | undefined {
  const { declared } = options;
  if (declared === undefined) return undefined;
  const hasSeveral = Object.keys(declared).length > 1;
  const lists = Object.entries(declared).flatMap(
    ([id, ofList]) => compileList(id, ofList, hasSeveral, options) ?? [],
  );
  return {
    kinds: [...new Set(lists.map(({ kind }) => kind))],
    page: async (customer, request, context) => {
      const requested = lists.filter(({ kind }) => request.kinds.has(kind));
      const parts = await Promise.all(
        requested.map(({ list, toItem }) => readList(list, toItem, customer, request, context)),
      );
      return {
        items: parts.flatMap(({ items }) => items),
        readBackTo: parts.flatMap(({ readBackTo }) => readBackTo),
      };
    },
  };
}

async function readList(
  list: CustomerList,
  toItem: TimelineList['toItem'],
  customer: Customer,
  request: TimelineRequest,
  context: Context,
): Promise<UnsortedItems<TimelineItem>> {
  const toItems = (items: readonly unknown[]) => items.flatMap((item) => toItem(item as Item) ?? []);
  if ('readAll' in list) return { items: toItems(await list.readAll(customer, context)), readBackTo: [] };
  const items: TimelineItem[] = [];
  let after: string | null = null;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const first =
      pages === 0 && request.before === null ? Math.min(request.first, MAX_PAGE_SIZE) : MAX_PAGE_SIZE;
    const page = await list.readPage(customer, { first, after }, context);
    items.push(...toItems(page.nodes));
    const { hasNextPage, endCursor } = page.pageInfo;
    if (!hasNextPage) return { items, readBackTo: [] };
    if (isEnough(items, request)) break;
    after = endCursor;
  }
  return { items, readBackTo: items.slice(-1).map(({ at }) => at) };
}

/** Whether no older item belongs on the page. The items are sorted, the newest first. */
function isEnough(items: readonly TimelineItem[], { first, before, since }: TimelineRequest): boolean {
  const oldest = items.at(-1)?.at ?? '';
  if (since !== null && oldest < since) return true;
  const last = items.filter(({ at }) => before === null || at < before.at)[first - 1];
  return last !== undefined && oldest < last.at;
}

/** Undefined if the list cannot be on the timeline, which is reported. */
function compileList(
  id: string,
  declared: TimelineOfList,
  hasSeveral: boolean,
  options: TimelineOptions,
): TimelineList | undefined {
  const { sdl, lists, report } = options;
  const place: Place = ['timeline', id];
  const name = id.replace(/^Customer\./, '');
  const field = sdl.objects.get('Customer')?.fields?.find((candidate) => candidate.name.value === name);
  const { type, isList } = field === undefined ? { type: '', isList: false } : objectTypeOf(sdl, field);
  const itemType = isList ? sdl.objectNamed(type) : undefined;
  const list = lists.get(name);
  if (field === undefined || itemType === undefined || list === undefined || name === id) {
    const known = [...lists.keys()].map((known) => `Customer.${known}`);
    report(
      place,
      `"${id}" is not a list of Customer that this file declares.`,
      didYouMean(id, known).trim() || 'Declare the list under fields, with its call.',
    );
    return undefined;
  }
  const shown = new FieldsOfItems(itemType, place, options);
  const moment = shown.field(declared.at, 'at', ['DateTime', 'Date']);
  const number = shown.field(declared.id, 'id', ['ID', 'String', 'Int']);
  if (number !== undefined && number.type.kind !== Kind.NON_NULL_TYPE)
    report([...place, 'id'], `"${type}.${declared.id}" may be null.`, 'Make it non-null in the SDL.');
  if (declared.status !== undefined) shown.field(declared.status, 'status', ['String', 'an enum']);
  if (declared.amount !== undefined) shown.field(declared.amount, 'amount', ['Money']);
  const toTitle = declared.title === undefined ? () => null : shown.title(declared.title);
  const { call } = options.mappers.mappingOf('Customer', name);
  if (call !== undefined && options.calls.acceptsPart(call))
    report(
      place,
      `The list of the call "${call}" may be cut off, so items may be missing on the timeline.`,
      'Remove acceptPart from the call.',
    );
  if ('readPage' in list) checkOrder(id, declared.at, options);
  checkAccess(declared.kind, [[id, field], ...shown.used], place, options);
  const isDay = moment !== undefined && namedTypeOf(moment.type) === 'Date';
  const prefix = hasSeveral ? `${declared.kind}-` : '';
  return {
    kind: declared.kind,
    list,
    toItem: (item) => {
      const at = item[declared.at];
      if (typeof at !== 'string') return null;
      return {
        kind: declared.kind,
        at: isDay ? `${at}T00:00:00.000Z` : at,
        id: `${prefix}${textOf(item[declared.id]) ?? ''}`,
        title: toTitle(item),
        status: textOf(item[declared.status ?? '']),
        amount: (item[declared.amount ?? ''] ?? null) as (TimelineItem['amount'] & object) | null,
      };
    },
  };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}

/** The fields of a list's items that the timeline shows. */
class FieldsOfItems {
  readonly used: (readonly [id: string, field: FieldDefinitionNode])[] = [];
  readonly #type: ObjectTypeDefinitionNode;
  readonly #place: Place;
  readonly #options: TimelineOptions;

  constructor(type: ObjectTypeDefinitionNode, place: Place, options: TimelineOptions) {
    this.#type = type;
    this.#place = place;
    this.#options = options;
  }

  /** Reports a field that the items do not have, or that cannot be this member. */
  field(name: string, member: string, types: readonly string[]): FieldDefinitionNode | undefined {
    const { sdl, mappers, report } = this.#options;
    const place = [...this.#place, member];
    const fields = this.#type.fields ?? [];
    const type = this.#type.name.value;
    const id = `${type}.${name}`;
    const field = fields.find((candidate) => candidate.name.value === name);
    if (field === undefined) {
      const known = fields.map((known) => known.name.value);
      report(
        place,
        `${type} has no field "${name}".`,
        didYouMean(name, known).trim() || `Use one of ${known.join(', ')}.`,
      );
      return undefined;
    }
    this.used.push([id, field]);
    if (!mappers.isValue(type, name))
      report(place, `"${id}" is not in the record of the item.`, 'Use a field without a call.');
    const nullable = field.type.kind === Kind.NON_NULL_TYPE ? field.type.type : field.type;
    const named = namedTypeOf(field.type);
    const isEnum = sdl.enumNamed(named) !== undefined;
    const isAllowed = types.includes(named) || (isEnum && types.includes('an enum'));
    if (nullable.kind === Kind.LIST_TYPE || !isAllowed)
      report(place, `"${id}" cannot be the ${member} of an item.`, `Its type must be ${types.join(' or ')}.`);
    // Only titles are masked on the timeline, and as a whole.
    if (member !== 'title' && isMasked(field))
      report(
        place,
        `"${id}" is masked for some callers, and the ${member} of an item is not.`,
        'Use another field, or show it in the title.',
      );
    return field;
  }

  /** Null if one of its fields is null. */
  title(template: string): (item: Item) => string | null {
    const { report } = this.#options;
    if (this.#type.fields?.some((field) => field.name.value === template) === true)
      report(
        [...this.#place, 'title'],
        `The title of each item would be the text "${template}".`,
        `Write fields in braces: "{${template}}".`,
      );
    const names = [...template.matchAll(NAMES_IN_BRACES)].map(([, name = '']) => name);
    for (const name of names) this.field(name, 'title', [...IN_TITLE, 'an enum']);
    return (item) =>
      names.some((name) => textOf(item[name]) === null)
        ? null
        : template.replace(NAMES_IN_BRACES, (_, name: string) => textOf(item[name]) ?? '');
  }
}

function isMasked({ directives = [] }: FieldDefinitionNode): boolean {
  return directives.some(
    ({ name, arguments: values = [] }) =>
      name.value === 'personalData' &&
      values.some((value) => value.name.value === 'mask' && value.value.kind !== Kind.NULL),
  );
}

/** Pages that the system finds can be read only in the order of their field. */
function checkOrder(id: string, at: string, { mappers, report }: TimelineOptions): void {
  const { order } = mappers.mappingOf('Customer', id.replace(/^Customer\./, ''));
  if (order === undefined) return;
  const { names, isDescending } = orderOf(order);
  if (names[0] !== at || !isDescending)
    report(
      ['fields', id, 'order'],
      `The pages of "${id}" are not in the order of the timeline.`,
      `Write order: [-${at}, ${names[1]}].`,
    );
}

/** Reports a kind that does not exist, or that more callers may see, or for more purposes, than one of these fields. */
function checkAccess(
  kind: string,
  fields: readonly (readonly [id: string, field: FieldDefinitionNode])[],
  place: Place,
  { sdl, report }: TimelineOptions,
): void {
  const values = sdl.valuesOf('TimelineKind');
  const value = values.find((candidate) => candidate.name.value === kind);
  const kindPlace = [...place, 'kind'];
  if (value === undefined) {
    const known = values.map(({ name }) => name.value);
    report(
      kindPlace,
      `"${kind}" is not a value of TimelineKind.`,
      didYouMean(kind, known).trim() ||
        `Add it to the SDL of the source: extend enum TimelineKind { "A description." ${kind} }.`,
    );
    return;
  }
  const ofKind = sdl.accessTo(value);
  for (const [id, field] of fields) {
    const ofField = sdl.accessTo(field);
    // Composition reports directives that are not valid.
    if (ofKind === undefined || ofField === undefined) continue;
    if (!impliesScopes(ofKind, ofField))
      report(
        kindPlace,
        `More callers may see the kind ${kind} than "${id}".`,
        `Add @requiresScopes(scopes: ${JSON.stringify(ofField.scopes)}) to ${kind} in the SDL.`,
      );
    if (!impliesPurposes(ofKind, ofField))
      report(
        kindPlace,
        `The kind ${kind} is available for more purposes than "${id}".`,
        `Add @purpose(any: [${ofField.purposes?.join(', ') ?? ''}]) to ${kind} in the SDL.`,
      );
  }
}

/** Whether all callers that have the scopes of the kind have those of the field. */
function impliesScopes({ scopes: ofKind }: ValuePolicy, { scopes: ofField }: ValuePolicy): boolean {
  if (ofField === undefined) return true;
  if (ofKind === undefined) return false;
  return ofKind.every((held) => ofField.some((needed) => needed.every((scope) => held.includes(scope))));
}

function impliesPurposes({ purposes: ofKind }: ValuePolicy, { purposes: ofField }: ValuePolicy): boolean {
  return ofField === undefined || ofKind?.every((purpose) => ofField.includes(purpose)) === true;
}
