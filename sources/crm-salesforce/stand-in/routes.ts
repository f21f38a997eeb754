import type { HttpAnswer, HttpCall } from '../../stand-ins/http.js';
import { failure, methodNotAllowed, notFound, notImitated, ok, Refusal } from './answers.js';
import type { Org, SalesforceObject } from './objects.js';
import { attributes, fieldOf, isId, objectOf, type Queries } from './query.js';

/** A call below `/services/data/vXX.X`. */
interface DataCall {
  method: string;
  version: string;
  /** The path after the version. */
  path: string;
  query: URLSearchParams;
  body: string;
}

const mostIds = 2_000;
const mostSubrequests = 25;
const mostSubqueries = 5;

export function createRoutes(org: Org, queries: Queries): (call: HttpCall) => HttpAnswer {
  const route = (call: DataCall): HttpAnswer => {
    const { method, path, query, version } = call;
    if (path === '/query') {
      if (method !== 'GET') return methodNotAllowed(method);
      const soql = query.get('q');
      return soql === null
        ? failure(400, 'MALFORMED_QUERY', 'unexpected token: <EOF>')
        : ok(queries.run(soql, version));
    }
    const [, locator] = /^\/query\/([\w-]+)$/.exec(path) ?? [];
    if (locator !== undefined) {
      const page = queries.more(locator, version);
      return page === undefined ? failure(400, 'INVALID_QUERY_LOCATOR', 'invalid query locator') : ok(page);
    }
    if (path === '/composite')
      return method === 'POST' ? composite(call, answered) : methodNotAllowed(method);
    const [, collection] = /^\/composite\/sobjects\/(\w+)$/.exec(path) ?? [];
    if (collection !== undefined) return retrieve(org, call, collection);
    const [, type, id] = /^\/sobjects\/(\w+)\/(\w+)$/.exec(path) ?? [];
    if (type !== undefined && id !== undefined) return oneRecord(org, call, type, id);
    return notFound();
  };

  const answered = (call: DataCall): HttpAnswer => {
    try {
      return route(call);
    } catch (error) {
      if (error instanceof Refusal) return error.answer;
      throw error;
    }
  };

  return (call) => {
    const [, version, path] = /^\/services\/data\/(v\d{2,3}\.0)(\/.*)$/.exec(call.path) ?? [];
    return version === undefined || path === undefined ? notFound() : answered({ ...call, version, path });
  };
}

/** Records in the order of the request. Null for a missing record. */
function retrieve(org: Org, call: DataCall, type: string): HttpAnswer {
  const requested =
    call.method === 'POST' ? idsAndFields(call.body) : call.method === 'GET' ? listed(call.query) : undefined;
  if (requested === undefined) return methodNotAllowed(call.method);
  const object = objectOf(org, type);
  const fields = requested.fields.map((field) => fieldOf(object, field));
  if (requested.ids.length > mostIds)
    throw new Refusal(
      'EXCEEDED_MAX_SIZE_REQUEST',
      `record limit reached. cannot submit more than ${mostIds} records in this request`,
    );
  return ok(
    requested.ids.map((id) => {
      if (!isId(id)) throw new Refusal('MALFORMED_ID', `malformed id ${id}`);
      const record = object.find(id);
      if (record === undefined) return null;
      return {
        attributes: attributes(object, record, call.version),
        Id: record.Id,
        ...Object.fromEntries(fields.map((field) => [field, record[field] ?? null])),
      };
    }),
  );
}

function listed(query: URLSearchParams): { ids: string[]; fields: string[] } {
  const list = (name: string): string[] => (query.get(name) ?? '').split(',').filter((value) => value !== '');
  return checked(list('ids'), list('fields'));
}

function idsAndFields(body: string): { ids: string[]; fields: string[] } {
  const { ids, fields } = objectIn(body);
  return checked(ids, fields);
}

function checked(ids: unknown, fields: unknown): { ids: string[]; fields: string[] } {
  if (!isTexts(ids) || ids.length === 0)
    throw new Refusal('MISSING_ARGUMENT', 'The ids parameter is required.');
  if (!isTexts(fields) || fields.length === 0)
    throw new Refusal('MISSING_ARGUMENT', 'The fields parameter is required.');
  return { ids, fields };
}

function oneRecord(org: Org, call: DataCall, type: string, id: string): HttpAnswer {
  const { method, query, version } = call;
  if (method !== 'GET' && method !== 'PATCH') return methodNotAllowed(method);
  const object = objectOf(org, type);
  const record = isId(id) ? object.find(id) : undefined;
  if (record === undefined)
    return failure(404, 'NOT_FOUND', `Provided external ID field does not exist or is not accessible: ${id}`);
  if (method === 'PATCH') return tickBoxes(object, record.Id, objectIn(call.body));
  const fieldNames = query.get('fields')?.split(',');
  const fields = fieldNames?.map((field) => fieldOf(object, field)) ?? [...object.fields.values()];
  return ok({
    attributes: attributes(object, record, version),
    Id: record.Id,
    ...Object.fromEntries(fields.map((field) => [field, record[field] ?? null])),
  });
}

function tickBoxes(object: SalesforceObject, id: string, values: Record<string, unknown>): HttpAnswer {
  const changes = Object.entries(values).map(([name, value]) => [fieldOf(object, name), value] as const);
  for (const [field, value] of changes)
    if (typeof value !== 'boolean') return notImitated(`writing ${field}, which is not a checkbox`);
  for (const [field, value] of changes) object.tick(id, field, value === true);
  return { status: 204 };
}

/** Several calls in one. Each has a separate answer, even if others fail. */
function composite(call: DataCall, answer: (sub: DataCall) => HttpAnswer): HttpAnswer {
  const { allOrNone, compositeRequest } = objectIn(call.body);
  if (allOrNone === true) return notImitated('composite requests with allOrNone');
  if (!Array.isArray(compositeRequest) || compositeRequest.length === 0)
    throw new Refusal('JSON_PARSER_ERROR', 'compositeRequest is required');
  if (compositeRequest.length > mostSubrequests)
    throw new Refusal(
      'LIMIT_EXCEEDED',
      `No more than ${mostSubrequests} subrequests are allowed in a composite request`,
    );
  const subs = (compositeRequest as unknown[]).map(subrequest);
  if (subs.filter(({ url }) => /\/query[/?]/.test(url)).length > mostSubqueries)
    throw new Refusal(
      'LIMIT_EXCEEDED',
      `No more than ${mostSubqueries} query subrequests are allowed in a composite request`,
    );
  return ok({
    compositeResponse: subs.map(({ method, url, referenceId }) => {
      const [, version, path, search = ''] =
        /^\/services\/data\/(v\d{2,3}\.0)(\/[^?]*)(?:\?(.*))?$/s.exec(url) ?? [];
      const { status, body } =
        method !== 'GET'
          ? notImitated('anything but reading in a composite request')
          : version === undefined || path === undefined
            ? notFound()
            : answer({ method, version, path, query: new URLSearchParams(search), body: '' });
      const httpHeaders = {};
      return { body: JSON.parse(String(body)) as unknown, httpHeaders, httpStatusCode: status, referenceId };
    }),
  });
}

function subrequest(value: unknown): { method: string; url: string; referenceId: string } {
  if (isObject(value)) {
    const { method, url, referenceId } = value;
    if (typeof method === 'string' && typeof url === 'string' && typeof referenceId === 'string')
      return { method, url, referenceId };
  }
  throw new Refusal('JSON_PARSER_ERROR', 'A subrequest has a method, a url and a referenceId');
}

function objectIn(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    if (isObject(value)) return value;
  } catch {
    // An invalid body is refused below, like every other value that is not an object.
  }
  throw new Refusal(
    'JSON_PARSER_ERROR',
    'The HTTP entity body is required, but this request has no entity body.',
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
