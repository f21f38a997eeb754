import {
  buildSchema,
  execute,
  GraphQLError,
  GraphQLList,
  GraphQLNonNull,
  GraphQLScalarType,
  isInterfaceType,
  isIntrospectionType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isSpecifiedScalarType,
  Kind,
  parse,
  specifiedScalarTypes,
  validate,
  valueFromASTUntyped,
  type DocumentNode,
  type FieldNode,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  type ValueNode,
} from 'graphql';
import { z } from 'zod';
import { compileField } from '../declared/graphql-field.js';
import { graphqlCall, type GraphqlCall } from '../declared/graphql-grammar.js';
import type { HttpAnswer, ImitatedSystem, ReceivedRequest, RequestLog } from './http-stand-in.js';
import { measuredCalls, RecordingError, type MeasuredCall } from './read-recording.js';
import type { Recording } from './recording.js';
import { keysWithRows, recordedRows, repeated, rowReader, setMember } from './recorded-rows.js';
import type { CallFacts, ServedCall } from './stand-in.js';

/** The maximum number of aliased fields in one request, the same as in the connector. */
const MAX_ALIASES = 20;

/** A field of a measured call, with its measured arguments. */
interface Link {
  name: string;
  arguments: ReadonlyMap<string, ValueNode>;
}

interface GraphqlMeasured extends MeasuredCall<GraphqlCall> {
  name: string;
  links: readonly Link[];
  takesKeys: boolean;
}

/** The variables of a call in one request. */
interface Captured {
  keys?: readonly string[];
  after?: string;
}

/** A measured call whose first fields match those of a request. */
interface OpenCall {
  measured: GraphqlMeasured;
  depth: number;
  captured: Captured;
}

/** An object of the answer that contains further fields of measured calls. */
class OpenObject {
  constructor(
    readonly calls: readonly OpenCall[],
    /** The recorded row, if another call returns the object itself. */
    readonly row: unknown,
  ) {}
}

const ROOT = Symbol('root');
const body = z.object({ query: z.string(), variables: z.record(z.string(), z.unknown()).nullish() });

/** Imitates a GraphQL system with its recorded schema and rows. */
export function graphqlSystem(recording: Recording): ImitatedSystem {
  const { source, system } = recording;
  if (system.description === undefined)
    throw new RecordingError(source, 'It has no schema of the system (system.description).');
  const schema = anySchema(system.description);
  const calls = measuredCalls(recording, graphqlCall);
  const measured = [...calls].map(([name, call]) => linked(source, name, call));
  return {
    calls: new Map(measured.map((call) => [call.name, factsOf(call)])),
    rowsOf: rowReader(calls),
    answer: (request, log) => answer(schema, measured, request, log),
  };
}

/** The schema, whose leaves accept values of any type, so that tests can send wrong ones. */
function anySchema(sdl: string): GraphQLSchema {
  const schema = buildSchema(sdl, { assumeValidSDL: true });
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type) || isSpecifiedScalarType(type)) continue;
    if (isLeafType(type)) type.serialize = (value: unknown) => value;
    else if (isObjectType(type) || isInterfaceType(type))
      for (const field of Object.values(type.getFields())) field.type = withAnyLeaf(field.type);
  }
  return schema;
}

/** All schemas of the process share the built-in scalars, so they are replaced instead of changed. */
const ANY_SCALARS = new Map(
  specifiedScalarTypes.map((scalar) => [
    scalar.name,
    new GraphQLScalarType({ ...scalar.toConfig(), serialize: (value: unknown) => value }),
  ]),
);

function withAnyLeaf(type: GraphQLOutputType): GraphQLOutputType {
  if (isNonNullType(type)) {
    const nullable = withAnyLeaf(type.ofType);
    return isNonNullType(nullable) ? nullable : new GraphQLNonNull(nullable);
  }
  if (isListType(type)) return new GraphQLList(withAnyLeaf(type.ofType));
  return ANY_SCALARS.get(type.name) ?? type;
}

function linked(source: string, name: string, measured: MeasuredCall<GraphqlCall>): GraphqlMeasured {
  const { names, texts, variables } = compileField(measured.call.field, {
    source,
    place: [],
    report: (_, problem) => {
      throw new RecordingError(source, `The call "${name}": ${problem}`);
    },
  });
  return {
    ...{ name, ...measured },
    takesKeys: variables.has('keys'),
    links: names.map((field, i) => ({ name: field, arguments: argumentsOf(texts[i] ?? '') })),
  };
}

function argumentsOf(text: string): ReadonlyMap<string, ValueNode> {
  const [definition] = parse(`{${text}}`, { noLocation: true }).definitions;
  const [field] = definition?.kind === Kind.OPERATION_DEFINITION ? definition.selectionSet.selections : [];
  return field?.kind === Kind.FIELD ? argumentMap(field) : new Map();
}

function argumentMap(field: FieldNode): ReadonlyMap<string, ValueNode> {
  return new Map((field.arguments ?? []).map(({ name, value }) => [name.value, value]));
}

function factsOf({ call, recorded, links, takesKeys }: GraphqlMeasured): CallFacts {
  const { page, maxBatch } = call;
  return {
    keys: keysWithRows(recorded),
    takesBatch: true,
    maxBatch: maxBatch ?? (takesKeys ? undefined : MAX_ALIASES),
    notFoundAnswers: 1,
    page:
      page === undefined
        ? undefined
        : { size: sizeOf(links), maxItems: page.maxItems, acceptsPart: page.acceptPart === true },
  };
}

/** The measured number of rows on a page: the argument `first`. */
function sizeOf(links: readonly Link[]): number | undefined {
  const first = links.at(-1)?.arguments.get('first');
  return first?.kind === Kind.INT ? Number(first.value) : undefined;
}

async function answer(
  schema: GraphQLSchema,
  measured: readonly GraphqlMeasured[],
  request: ReceivedRequest,
  log: RequestLog,
): Promise<HttpAnswer | undefined> {
  const parsed = body.safeParse(request.body);
  if (!parsed.success) return undefined;
  const document = parsedDocument(parsed.data.query);
  if (document === undefined || validate(schema, document).length > 0) return undefined;
  const operation = new RecordedOperation(measured, log);
  const result = await execute({
    ...{ schema, document, rootValue: ROOT, variableValues: parsed.data.variables ?? {} },
    fieldResolver: (parent, _, __, info) => operation.resolve(parent, info),
    typeResolver: (value, _, { schema: all }, type) =>
      String(Reflect.get(Object(value), '__typename') ?? all.getPossibleTypes(type)[0]?.name),
  });
  operation.end();
  return operation.isUnknown ? undefined : { status: 200, body: result };
}

/** Undefined if the text is not GraphQL. */
function parsedDocument(text: string): DocumentNode | undefined {
  try {
    return parse(text, { noLocation: true });
  } catch {
    return undefined;
  }
}

/** One operation over the recorded rows. */
class RecordedOperation {
  isUnknown = false;
  readonly #measured: readonly GraphqlMeasured[];
  readonly #log: RequestLog;
  /** Several aliases of a call with one key each count as one request. */
  readonly #served = new Map<string, ServedCall>();

  constructor(measured: readonly GraphqlMeasured[], log: RequestLog) {
    this.#measured = measured;
    this.#log = log;
  }

  end(): void {
    for (const served of this.#served.values()) this.#log.note(served);
  }

  resolve(parent: unknown, info: GraphQLResolveInfo): unknown {
    if (parent !== ROOT && !(parent instanceof OpenObject)) return memberOf(parent, info);
    const calls =
      parent instanceof OpenObject
        ? parent.calls
        : this.#measured.map((measured) => ({ measured, depth: 0, captured: {} }));
    const continued = calls.flatMap((call) => continueCall(call, info) ?? []);
    if (continued.length === 0) {
      if (parent instanceof OpenObject && parent.row !== undefined) return memberOf(parent.row, info);
      this.isUnknown = true;
      throw new GraphQLError('This field is not in the recording.');
    }
    const finished = continued.find(({ measured, depth }) => depth === measured.links.length);
    const open = continued.filter((call) => call !== finished);
    if (finished === undefined || !isRowSelected(open, info)) return new OpenObject(open, undefined);
    const value = this.#serve(finished);
    return open.length === 0 || value === null ? value : new OpenObject(open, value);
  }

  #serve({ measured, captured }: OpenCall): unknown {
    const { name, call, recorded, links } = measured;
    const { keys = [], after } = captured;
    const { changeRows, isEndless = false } = this.#log.behaviour;
    const found = recordedRows(call, recorded, keys);
    const rows = changeRows?.({ call: name, keys, rows: found }) ?? found;
    const size = sizeOf(links) ?? Math.max(1, Math.ceil(rows.length / 2));
    const from = after === undefined || call.page === undefined ? 0 : Number(after);
    const page =
      call.page === undefined
        ? rows
        : isEndless && rows.length > 0
          ? repeated(rows, from % rows.length, size)
          : rows.slice(from, from + size);
    const to = from + page.length;
    this.#note(measured, { call: name, keys, from, to, of: rows.length, isTooLarge: false });
    if (call.rows === undefined && !measured.takesKeys) return rows[0] ?? null;
    return listOf(call, page, { to, hasNext: isEndless || to < rows.length });
  }

  /** Throws if the request has too many keys. */
  #note({ name, call, takesKeys }: GraphqlMeasured, served: ServedCall): void {
    const before = this.#served.get(name);
    const keys = [...(before?.keys ?? []), ...served.keys];
    const isTooLarge = keys.length > (call.maxBatch ?? (takesKeys ? Infinity : MAX_ALIASES));
    this.#served.set(name, {
      ...served,
      keys,
      from: Math.min(served.from, before?.from ?? served.from),
      to: Math.max(served.to, before?.to ?? 0),
      of: Math.max(served.of, before?.of ?? 0),
      isTooLarge,
    });
    if (isTooLarge || this.#log.isExceeded()) throw new GraphQLError('Too many keys or requests.');
  }
}

/** The name of the member in the answer, because rows are recorded as the system returns them. */
function memberOf(row: unknown, { path, fieldName }: GraphQLResolveInfo): unknown {
  if (typeof row !== 'object' || row === null) return undefined;
  return Reflect.get(row, path.key) ?? Reflect.get(row, fieldName);
}

/** Whether the request selects fields of the row, and not only fields that lead to further calls. */
function isRowSelected(open: readonly OpenCall[], { fieldNodes }: GraphQLResolveInfo): boolean {
  const next = new Set(open.map(({ measured, depth }) => measured.links[depth]?.name));
  const selections = fieldNodes.flatMap(({ selectionSet }) => selectionSet?.selections ?? []);
  return (
    selections.length === 0 ||
    selections.some((selection) => selection.kind !== Kind.FIELD || !next.has(selection.name.value))
  );
}

/** The call after one more matching field. Undefined if the field or its arguments differ. */
function continueCall(
  { measured, depth, captured }: OpenCall,
  { fieldName, fieldNodes, variableValues }: GraphQLResolveInfo,
): OpenCall | undefined {
  const link = measured.links[depth];
  const [field] = fieldNodes;
  if (link?.name !== fieldName || field === undefined) return undefined;
  const sent = argumentMap(field);
  const read: Captured = { ...captured };
  for (const [name, template] of link.arguments) {
    const node = sent.get(name);
    const value: unknown = node === undefined ? undefined : valueFromASTUntyped(node, variableValues);
    if (!readValue(template, value, read)) return undefined;
  }
  if ([...sent.keys()].some((name) => !link.arguments.has(name))) return undefined;
  return { measured, depth: depth + 1, captured: read };
}

function readValue(template: ValueNode, value: unknown, captured: Captured): boolean {
  if (template.kind === Kind.VARIABLE) {
    if (template.name.value === 'after') {
      if (value != null) captured.after = typeof value === 'string' ? value : JSON.stringify(value);
      return true;
    }
    if (value == null) return false;
    captured.keys = [value].flat().map(String);
    return true;
  }
  if (template.kind === Kind.OBJECT) {
    if (typeof value !== 'object' || value === null) return false;
    return (
      Object.keys(value).length === template.fields.length &&
      template.fields.every(({ name, value: inner }) =>
        readValue(inner, Reflect.get(value, name.value), captured),
      )
    );
  }
  return JSON.stringify(valueFromASTUntyped(template)) === JSON.stringify(value);
}

function listOf(
  { rows: path = '.', page }: GraphqlCall,
  rows: readonly unknown[],
  { to, hasNext }: { to: number; hasNext: boolean },
): unknown {
  if (path === '.') return rows;
  const [, before = '', member] = /^(.*?)\.?\b(nodes|edges\.node)$/.exec(path) ?? [];
  const list = {};
  if (member === undefined) setMember(list, path, rows);
  else {
    const connection = {
      nodes: rows,
      edges: rows.map((node, i) => ({ node, cursor: String(to - rows.length + i + 1) })),
      pageInfo: { hasNextPage: hasNext, endCursor: rows.length === 0 ? null : String(to) },
    };
    if (before === '') Object.assign(list, connection);
    else setMember(list, before, connection);
  }
  if (page?.cursor !== undefined) setMember(list, page.cursor, hasNext ? String(to) : null);
  return list;
}
