import { createHash } from 'node:crypto';
import { headerValue, type HttpAnswer, type HttpCall } from '../../stand-ins/http.js';
import type { World } from '../../stand-ins/world.js';
import { badRequest, failure, notFound, notImitated, ok, Refusal } from './answers.js';
import { parseFilter } from './filter.js';
import { createSets, type EntitySet, type Row } from './records.js';

export interface RouteOptions {
  world: World;
  companyId: string;
  /** The maximum number of records on a page. */
  maxPageSize: number;
}

const api = /^\/v2\.0\/([^/]+)\/production\/api\/v2\.0\/(.*)$/;

/** The paths below `/v2.0/{tenant}/production/api/v2.0`, as in the reference of API v2.0. */
export function createRoutes({
  world,
  companyId,
  maxPageSize,
}: RouteOptions): (call: HttpCall) => HttpAnswer {
  const sets = createSets(world);
  const company = {
    id: companyId,
    systemVersion: '27.0',
    name: 'Klantcontact',
    displayName: 'Klantcontact B.V.',
  };

  return (call) => {
    if (call.method !== 'GET') return notImitated(`${call.method}: it is read only`);
    const rest = api.exec(decode(call.path))?.[2];
    if (rest === undefined) return notFound();
    if (rest === 'companies') return ok({ '@odata.context': contextOf(call, 'companies'), value: [company] });
    const [, id = '', path = ''] = /^companies\(([^)]*)\)(?:\/(.*))?$/.exec(rest) ?? [];
    if (id === '') return notFound();
    if (id.toLowerCase() !== companyId)
      return failure(404, 'Internal_CompanyNotFound', `Cannot find company '${id}'.`);
    if (path === '') return ok({ '@odata.context': contextOf(call, 'companies/$entity'), ...company });
    const [, name = '', key] = /^(\w+)(?:\(([^)]*)\))?$/.exec(path) ?? [];
    const set = sets.find((set) => set.name === name);
    if (set === undefined) return notFound();
    try {
      return key === undefined ? list(call, set, maxPageSize) : single(call, set, key);
    } catch (error) {
      if (error instanceof Refusal) return error.answer;
      throw error;
    }
  };
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
}

function contextOf({ origin, path }: HttpCall, what: string): string {
  return `${origin}${path.slice(0, path.indexOf('/companies'))}/$metadata#${what}`;
}

function single(call: HttpCall, set: EntitySet, key: string): HttpAnswer {
  const row = set.rows.find(({ id }) => id === key.toLowerCase());
  if (row === undefined)
    return failure(404, 'Internal_RecordNotFound', `The record in ${set.name} does not exist.`);
  return ok({ '@odata.context': contextOf(call, `${set.name}/$entity`), ...entity(call, set, row) });
}

const understood =
  /^\$(filter|select|orderby|top|skip|count|schemaversion|skiptoken)$|^(aid|tenant|company)$/;

function list(call: HttpCall, set: EntitySet, maxPageSize: number): HttpAnswer {
  const { query } = call;
  for (const name of query.keys()) if (!understood.test(name)) throw new Refusal(notImitated(name));

  let rows = [...set.rows];
  const filter = query.get('$filter');
  if (filter !== null)
    rows = rows.filter(
      parseFilter(filter, { filterable: set.filterable, knowsIn: query.get('$schemaversion') === '2.1' }),
    );
  const count = rows.length;
  rows = ordered(rows, set, query.get('$orderby') ?? '');
  rows = rows.slice(wholeNumber(query, '$skip') ?? 0);
  const top = wholeNumber(query, '$top');
  if (top !== undefined) rows = rows.slice(0, top);

  // A page begins after the last record of the page before.
  const token = query.get('$skiptoken');
  if (token !== null) {
    const last = rows.findIndex(({ id }) => id === token);
    if (last === -1) throw new Refusal(badRequest('The skiptoken is not valid.'));
    rows = rows.slice(last + 1);
  }
  const wish = /odata\.maxpagesize=(\d+)/.exec(headerValue(call.headers, 'prefer') ?? '')?.[1];
  const page = rows.slice(0, Math.min(maxPageSize, Number(wish ?? maxPageSize)));
  const last = page.at(-1);
  return ok({
    '@odata.context': contextOf(call, `companies/${set.name}`),
    ...(query.get('$count') === 'true' && { '@odata.count': count }),
    value: page.map((row) => entity(call, set, row)),
    ...(last !== undefined &&
      page.length < rows.length && { '@odata.nextLink': nextLink(call, last['id'] ?? '') }),
  });
}

function nextLink({ origin, path, query }: HttpCall, token: string): string {
  const next = new URLSearchParams(query);
  next.set('aid', 'FIN');
  next.set('$skiptoken', token);
  return `${origin}${path}?${next.toString().replaceAll('%24', '$')}`;
}

/** Sorts by the requested fields, then by id, so that no record is on two pages. */
function ordered(rows: Row[], { filterable }: EntitySet, orderBy: string): Row[] {
  const orders = orderBy === '' ? [] : orderBy.split(',').map((value) => value.trim().split(/\s+/));
  for (const [field = ''] of orders)
    if (filterable[field] === undefined)
      throw new Refusal(badRequest(`The field '${field}' cannot be sorted by.`));
  return rows.sort((left, other) => {
    for (const [field = '', direction = 'asc'] of [...orders, ['id']]) {
      const [a = '', b = ''] = [left[field], other[field]];
      if (a !== b) return (a < b ? -1 : 1) * (direction === 'desc' ? -1 : 1);
    }
    return 0;
  });
}

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Refusal(badRequest(`Invalid value '${text}' for ${name} query option found.`));
}

function entity({ query, headers }: HttpCall, { decimals, booleans }: EntitySet, row: Row): object {
  const asText = /IEEE754Compatible=true/i.test(headerValue(headers, 'accept') ?? '');
  const wanted = query
    .get('$select')
    ?.split(',')
    .map((name) => name.trim());
  for (const name of wanted ?? [])
    if (row[name] === undefined) throw new Refusal(badRequest(`Could not find a property named '${name}'.`));
  const etag = createHash('sha1').update(JSON.stringify(row)).digest('base64');
  return {
    '@odata.etag': `W/"${etag}"`,
    ...Object.fromEntries(
      Object.entries(row)
        .filter(([name]) => wanted === undefined || wanted.includes(name))
        .map(([name, value]) => [
          name,
          booleans.has(name) ? value === 'true' : decimals.has(name) && !asText ? Number(value) : value,
        ]),
    ),
  };
}
