import type { HttpAnswer, HttpCall } from '../../stand-ins/http.js';
import type { World } from '../../stand-ins/world.js';
import { batchAnswer, failure, invalid, notFound, notImitated, ok, type PartialFailure } from './answers.js';
import { createAssociations, readAssociations } from './associations.js';
import {
  findObjectType,
  objectTypes,
  recordAnswer,
  type Collection,
  type CrmObject,
  type ObjectType,
} from './objects.js';
import { listProperties } from './properties.js';
import { inputsOf, isObject, readBody, textOf, textsOf } from './request-body.js';
import { searchObjects } from './search.js';

const mostInputs = 100;
/** The limit of a batch that requests the history of properties. */
const mostInputsWithHistory = 50;
const mostListed = 100;

export function createRoutes(
  world: World,
  collections: Record<ObjectType, Collection>,
): (call: HttpCall) => HttpAnswer {
  const associations = createAssociations(world);

  return (call) => {
    const post = call.method === 'POST';
    const [, from, to] = /^\/crm\/v4\/associations\/([^/]+)\/([^/]+)\/batch\/read$/.exec(call.path) ?? [];
    if (from !== undefined && to !== undefined) {
      if (!post) return methodNotAllowed();
      const fromType = findObjectType(from);
      if (fromType === undefined) return unknownType(from);
      const toType = findObjectType(to);
      if (toType === undefined) return unknownType(to);
      return readAssociations(associations, { ...call, from: fromType, to: toType });
    }

    const [, described] = /^\/crm\/v3\/properties\/([^/]+)$/.exec(call.path) ?? [];
    if (described !== undefined) {
      if (call.method !== 'GET') return notImitated('making properties');
      const type = findObjectType(described);
      if (type === undefined) return unknownType(described);
      return notImitatedIn(call.query) ?? listProperties(collections[type]);
    }

    const [, name, rest = ''] = /^\/crm\/v3\/objects\/([^/]+)(\/.+)?$/.exec(call.path) ?? [];
    if (name === undefined) return notFound();
    const type = findObjectType(name);
    if (type === undefined) return unknownType(name);
    const records = collections[type];
    if (rest === '/batch/read') return post ? batchRead(type, records, call) : methodNotAllowed();
    if (rest === '/search')
      return post ? searchObjects({ type, records, associations }, call.body) : methodNotAllowed();
    if (call.method === 'PATCH' && rest !== '') return updateObject(type, records, call, rest.slice(1));
    if (post) return methodNotAllowed();
    const unable = notImitatedIn(call.query);
    if (unable !== undefined) return unable;
    return rest === '' ? listObjects(type, records, call) : readObject(type, records, call, rest.slice(1));
  };
}

/**
 * Answers in the reverse order of the request, with each record once. Callers must match by the id or the
 * unique property.
 */
function batchRead(type: ObjectType, records: Collection, call: HttpCall): HttpAnswer {
  const startedAt = new Date();
  const read = readBody(call.body);
  if ('status' in read) return read;
  const { members } = read;
  const withHistory = textsOf(members['propertiesWithHistory']);
  if (withHistory === undefined)
    return invalid('Invalid input JSON: propertiesWithHistory must be a list of names');
  const inputs = inputsOf(members, mostInputs);
  if (!Array.isArray(inputs)) return inputs;
  if (withHistory.length > 0 && inputs.length > mostInputsWithHistory) {
    return invalid(
      `The maximum number of inputs supported in a batch request for property histories is ${mostInputsWithHistory}`,
    );
  }
  const properties = textsOf(members['properties']);
  if (properties === undefined) return invalid('Invalid input JSON: properties must be a list of names');
  const unable = notImitatedIn(call.query);
  if (unable !== undefined) return unable;
  const idProperty = textOf(members['idProperty']);
  const refused = refuseIdProperty(type, idProperty);
  if (refused !== undefined) return refused;

  const found = new Set<CrmObject>();
  const missing = new Set<string>();
  for (const { id } of inputs) {
    const record = records.find(id, idProperty);
    if (record === undefined) missing.add(id);
    else found.add(record);
  }
  const results = [...found].reverse().map((record) => recordAnswer(type, record, properties, withHistory));
  return batchAnswer(results, missing.size === 0 ? [] : [someNotFound(type, [...missing])], startedAt);
}

/** One error names all missing ids, so `numErrors` is always 1. */
function someNotFound(type: ObjectType, ids: string[]): PartialFailure {
  return {
    status: 'error',
    category: 'OBJECT_NOT_FOUND',
    message: `Could not get some ${objectTypes[type].singular.toUpperCase()} objects, they may be deleted or not exist. Check that ids are valid.`,
    context: { ids },
  };
}

function readObject(type: ObjectType, records: Collection, call: HttpCall, encodedId: string): HttpAnswer {
  const id = decoded(encodedId);
  const idProperty = call.query.get('idProperty') ?? undefined;
  const refused = refuseIdProperty(type, idProperty);
  if (refused !== undefined) return refused;
  const record = id === undefined ? undefined : records.find(id, idProperty);
  return record === undefined ? notFound() : ok(recordAnswer(type, record, namesIn(call.query)));
}

/** The former value of a property stays in its history. */
function updateObject(type: ObjectType, records: Collection, call: HttpCall, encodedId: string): HttpAnswer {
  const read = readBody(call.body);
  if ('status' in read) return read;
  const requested = read.members['properties'];
  if (!isObject(requested))
    return invalid('Invalid input JSON: Some required fields were not set: [properties]');
  const idProperty = call.query.get('idProperty') ?? undefined;
  const refused = refuseIdProperty(type, idProperty);
  if (refused !== undefined) return refused;
  const id = decoded(encodedId);
  const record = id === undefined ? undefined : records.find(id, idProperty);
  if (record === undefined) return notFound();

  const timestamp = new Date().toISOString();
  const changes = Object.entries(requested).map(
    ([name, value]) => [name, textOf(typeof value === 'boolean' ? String(value) : value) ?? ''] as const,
  );
  for (const [name] of changes) {
    if (!records.hasProperty(name)) return invalid(`Property "${name}" does not exist`);
    if (objectTypes[type].unique.includes(name)) return notImitated(`changing ${name}`);
  }
  for (const [name, value] of changes) {
    const before = record.history?.[name] ?? [];
    record.properties[name] = value;
    record.history = {
      ...record.history,
      [name]: [{ value, timestamp, sourceType: 'INTEGRATION' }, ...before],
    };
  }
  record.updatedAt = timestamp;
  return ok(recordAnswer(type, record, Object.keys(requested)));
}

function listObjects(type: ObjectType, records: Collection, call: HttpCall): HttpAnswer {
  const limit = call.query.get('limit') ?? '10';
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > mostListed) {
    return invalid(`The limit of a list is a whole number from 1 to ${mostListed}`, { limit: [limit] });
  }
  const after = call.query.get('after');
  if (after !== null && !/^\d{1,15}$/.test(after)) {
    return invalid('The after of a list is not valid', { after: [after] });
  }
  const { all } = records;
  const start = after === null ? 0 : records.startAfter(Number(after));
  const page = all.slice(start, start + Number(limit));
  const last = page.at(-1);
  const more = last !== undefined && last !== all.at(-1);
  return ok({
    results: page.map((record) => recordAnswer(type, record, namesIn(call.query))),
    ...(more && { paging: { next: { after: last.id, link: nextLink(call, last.id) } } }),
  });
}

function nextLink(call: HttpCall, after: string): string {
  const query = new URLSearchParams(call.query);
  query.set('after', after);
  return `${call.origin}${call.path}?${query.toString()}`;
}

function refuseIdProperty(type: ObjectType, idProperty: string | undefined): HttpAnswer | undefined {
  const usable = ['hs_object_id', ...objectTypes[type].unique];
  if (idProperty === undefined || usable.includes(idProperty)) return undefined;
  return invalid(`Unable to read by the non-unique property ${idProperty}`, { idProperty: [idProperty] });
}

/** Names are comma-separated, in a repeated parameter, or both. */
function namesIn(query: URLSearchParams): string[] {
  return query.getAll('properties').flatMap((names) => names.split(',').filter((name) => name !== ''));
}

function notImitatedIn(query: URLSearchParams): HttpAnswer | undefined {
  if (query.get('archived') === 'true') return notImitated('archived records');
  for (const name of ['associations', 'propertiesWithHistory']) {
    if (query.has(name)) return notImitated(`the parameter ${name}`);
  }
  return undefined;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function unknownType(name: string): HttpAnswer {
  return invalid(`Unable to infer object type from: ${name}`);
}

function methodNotAllowed(): HttpAnswer {
  return failure(405, 'METHOD_NOT_ALLOWED', 'Method not allowed');
}
