import { Document, isCollection, isMap, isScalar, visit, type Pair, type YAMLMap } from 'yaml';
import type { Decisions, Draft, DraftCall } from '../draft.js';
import { writtenSource, type WrittenField, type WrittenSource, type WrittenType } from './written-source.js';

/** The maximum width of a line. Wider maps have a line for each member. */
const LINE_WIDTH = 120;
const EDITOR_SCHEMA =
  ' yaml-language-server: $schema=../node_modules/stekkerdoos/dist/schema/stekkerdoos.schema.json';

/** Writes the YAML of a source, in the order that reads best. Defaults are left out. */
export function writeDeclaration(draft: Draft, decisions: Decisions): string {
  const written = writtenSource(draft, decisions);
  const { fields, checks } = fieldsOf(written, decisions);
  const document = new Document(
    {
      source: draft.source,
      connect: draft.connect,
      ...(draft.limits === undefined ? {} : { limits: draft.limits }),
      ...(Object.keys(decisions.namespaces).length === 0 ? {} : { namespaces: decisions.namespaces }),
      identity: identityOf(draft, decisions),
      calls: callsOf(draft, decisions, written),
      fields,
    },
    { aliasDuplicateObjects: false },
  );
  document.commentBefore = EDITOR_SCHEMA;
  layOut(document);
  addChecks(document, checks);
  return document.toString({ lineWidth: LINE_WIDTH, flowCollectionPadding: true });
}

/** The path of the id in a record of the customer. */
export function recordIdPath(draft: Draft, { recordKey, yields }: Decisions): string {
  return yields[recordKey]?.path ?? draft.customer.id ?? recordKey;
}

function identityOf(draft: Draft, decisions: Decisions): Record<string, unknown> {
  const { recordKey, foundBy, name } = decisions;
  const id = recordIdPath(draft, decisions);
  const yields = Object.entries(decisions.yields)
    .filter(([namespace]) => namespace !== recordKey)
    .map(([namespace, { path, kind }]) => [namespace, path === namespace ? kind : { [kind]: path }] as const);
  return {
    recordKey,
    ...(id === recordKey ? {} : { id }),
    foundBy,
    ...(yields.length === 0 ? {} : { yields: Object.fromEntries(yields) }),
    ...(name.length === 0 ? {} : { profile: { name: name.length === 1 ? name[0] : name } }),
  };
}

function callsOf(draft: Draft, decisions: Decisions, { calls }: WrittenSource): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(draft.calls)
      .filter(([name]) => calls.has(name))
      .map(([name, call]) => [name, callOf(name, call, draft, decisions)]),
  );
}

/** A call that finds customers needs no key if the record yields it. */
function callOf(name: string, { call }: DraftCall, draft: Draft, decisions: Decisions): unknown {
  const { recordKey, foundBy, yields } = decisions;
  const namespaces = Object.keys(foundBy).filter((namespace) => foundBy[namespace]?.call === name);
  const isYielded = namespaces.some(
    (namespace) =>
      call['key'] === (namespace === recordKey ? recordIdPath(draft, decisions) : yields[namespace]?.path),
  );
  return isYielded ? Object.fromEntries(Object.entries(call).filter(([member]) => member !== 'key')) : call;
}

function fieldsOf(
  { customer, customerField, types }: WrittenSource,
  { foundBy, recordKey }: Decisions,
): { fields: Record<string, unknown>; checks: ReadonlyMap<string, string> } {
  const fields: Record<string, unknown> = {
    [`Customer.${customerField}`]: { call: foundBy[recordKey]?.call ?? Object.values(foundBy)[0]?.call },
  };
  const checks = new Map<string, string>();
  for (const type of [customer, ...types.filter((other) => other !== customer)])
    for (const field of type.fields) {
      const path = `${type.name}.${field.name}`;
      const { check } = field.draft;
      const mapping = mappingOf(field) ?? (check === undefined ? undefined : field.draft.from);
      if (mapping !== undefined) fields[path] = mapping;
      if (check !== undefined) checks.set(path, check);
    }
  return { fields, checks };
}

/** The mapping of a field. Undefined if the default maps it. */
function mappingOf({ draft, name, isConnection, object, ...field }: WrittenField): unknown {
  const { from, call, samples } = draft;
  if (call !== undefined)
    return {
      ...{ call: call.name, key: call.key },
      ...(isConnection && call.order !== undefined ? { order: orderOf(call.order, object) } : {}),
    };
  const conversion = neededConversion(draft.conversion ?? {}, field.type);
  if (field.enum !== undefined) {
    const { values } = field.enum;
    if ([...values].some(([value, named]) => value !== named))
      conversion['enum'] = Object.fromEntries(values);
  } else if (field.type === 'String' && conversion['text'] === undefined && samples.some(isNumber))
    conversion['text'] = 'fromNumber';
  if (Object.keys(conversion).length > 0) return { ...(from === name ? {} : { from }), ...conversion };
  return from === name ? undefined : from;
}

const isNumber = (value: unknown): boolean => typeof value === 'number';

/** Conversions that differ from the default of the type. */
function neededConversion(
  conversion: Readonly<Record<string, unknown>>,
  type: string,
): Record<string, unknown> {
  const needed = Object.entries(conversion).filter(([name, value]) => {
    // An enum of the SDL has other names than the values of the system. A text has the values.
    if (name === 'enum') return false;
    if (name === 'text' && type === 'ID' && value === 'fromNumber') return false;
    if (name === 'number') return value !== 'fromText' && type !== 'ID';
    return !(name === 'date' && value === 'yyyy-mm-dd');
  });
  return Object.fromEntries(needed);
}

/** The order, by names of the SDL. */
function orderOf(order: readonly [string, string], object: WrittenType | undefined): string[] {
  return order.map((text) => {
    const name = text.replace(/^-/, '');
    const written = object?.fields.find((field) => field.draft.name === name)?.name ?? name;
    return text.startsWith('-') ? `-${written}` : written;
  });
}

/** Members that are written over several lines. Everything below them is on one line. */
const OPEN = new Set(['namespaces', 'identity', 'calls', 'fields']);

function layOut(document: Document): void {
  for (const pair of (document.contents as YAMLMap).items) {
    if (!isMap(pair.value)) continue;
    if (!OPEN.has(keyOf(pair))) pair.value.flow = true;
    else for (const inner of pair.value.items) closeBelow(inner);
  }
}

function closeBelow(pair: Pair): void {
  if (isMap(pair.value) && (keyOf(pair) === 'foundBy' || isWide(pair)))
    for (const inner of pair.value.items) closeBelow(inner);
  else if (isCollection(pair.value)) pair.value.flow = true;
}

/** Whether a map is too wide for one line. */
function isWide(pair: Pair): boolean {
  return JSON.stringify(pair).length > LINE_WIDTH;
}

function keyOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : String(key);
}

/** Writes a comment above each field that a person should check. */
function addChecks(document: Document, checks: ReadonlyMap<string, string>): void {
  visit(document, {
    Pair: (_, pair) => {
      const check = checks.get(keyOf(pair));
      if (check !== undefined && isScalar(pair.key))
        pair.key.commentBefore = ` check: ${check.replace(/\s+/g, ' ').trim()}`;
    },
  });
}
