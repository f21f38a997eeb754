import { parseDocument } from 'yaml';
import { InvalidInputError } from '../../errors.js';
import { listOf, Schemas } from './schemas.js';
import { isObject, type Json, type Shape } from './shape.js';

/** An OpenAPI 2, 3.0 or 3.1 document: the calls that only read. */

/** Limits the work on an untrusted document. */
const MAX_LENGTH = 10_000_000;
const MAX_OPERATIONS = 3_000;

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  isRequired: boolean;
  shape: Shape;
  /** How a list is sent. Undefined if the parameter is not declared as a list. */
  list?: 'csv' | 'repeat';
  description: string;
  /** A value in the description: the default, the only value of an enum, or an example. */
  value?: string | number | boolean;
  example?: string;
  /** The maximum number of items in a list. */
  maxItems?: number;
}

export interface Operation {
  method: 'GET' | 'POST';
  /** The path as the document has it, such as `/customers/{id}`. */
  path: string;
  /** The texts that describe it: its id, summary and description. */
  text: string;
  isDeprecated: boolean;
  parameters: readonly Parameter[];
  body?: Shape;
  /** The JSON of a successful answer. */
  answer: Shape;
}

export interface Scheme {
  kind: 'bearer' | 'basic' | 'header' | 'other';
  /** Of a key in a header: its name. */
  header?: string;
}

export interface Description {
  version: string;
  /** The declared address of the system, which may be only a path. */
  address?: string;
  operations: readonly Operation[];
  schemes: readonly Scheme[];
  /** The number of references to other documents, which are not read. */
  externalReferences: number;
}

/** Whether a text is an OpenAPI document, by its beginning or its members. */
export function isOpenapi(text: string): boolean {
  return (
    /^\s*["']?(openapi|swagger)["']?\s*:\s*["']?[23]\.\d/m.test(text.slice(0, 200_000)) || isLateOpenapi(text)
  );
}

/** Some tools write the version at the end. */
function isLateOpenapi(text: string): boolean {
  return /"paths"\s*:\s*\{/.test(text) && /"(openapi|swagger)"\s*:\s*"[23]\.\d/.test(text);
}

export function readDescription(text: string): Description {
  const document = parse(text);
  const version = document['openapi'] ?? document['swagger'];
  if (
    typeof version !== 'string' ||
    !/^(2\.0|3\.[01]\.\d+|3\.[01])$/.test(version) ||
    !isObject(document['paths'])
  )
    throw new InvalidInputError(
      'The file is not an OpenAPI document of version 2.0, 3.0 or 3.1 with paths. Pass such a document, or a curl command on standard input.',
    );
  const schemas = new Schemas(document);
  const operations = operationsOf(document, schemas);
  const address = addressOf(document);
  return {
    version,
    ...(address === undefined ? {} : { address }),
    operations,
    schemes: schemesOf(document, schemas),
    externalReferences: schemas.external.size,
  };
}

function parse(text: string): Json {
  if (text.length > MAX_LENGTH)
    throw new InvalidInputError(`The OpenAPI document has more than ${MAX_LENGTH} characters.`);
  let value: unknown;
  try {
    value = /^\s*\{/.test(text) ? (JSON.parse(text) as unknown) : yamlOf(text);
  } catch (error) {
    throw new InvalidInputError('The OpenAPI document is neither JSON nor YAML.', { cause: error });
  }
  return isObject(value) ? value : {};
}

function yamlOf(text: string): unknown {
  const read = (source: string) =>
    parseDocument(source, { strict: false, uniqueKeys: false, logLevel: 'silent' });
  let document = read(text);
  if (document.errors.length > 0) document = read(indentQuoted(text));
  const [error] = document.errors;
  if (error !== undefined) throw error;
  return document.toJS({ maxAliasCount: 100 });
}

/**
 * Indents the lines of quoted texts. Vendors publish examples of several lines without the indentation that
 * YAML requires.
 */
function indentQuoted(text: string): string {
  let quote: string | undefined;
  let indent = '';
  return text
    .split('\n')
    .map((line) => {
      const [, blanks = '', opening, rest = ''] =
        quote === undefined ? (/^( *)[^'"#]+: +(['"])(.*)$/.exec(line) ?? []) : [];
      if (opening !== undefined && !closes(rest, opening)) [quote, indent] = [opening, `${blanks}  `];
      else if (quote !== undefined) {
        if (closes(line, quote)) quote = undefined;
        return `${indent}${line.trimStart()}`;
      }
      return line;
    })
    .join('\n');
}

/** Whether the rest of a quoted text has its closing quote. */
function closes(text: string, quote: string): boolean {
  const plain = quote === "'" ? text.replaceAll("''", '') : text.replaceAll(/\\./g, '');
  return plain.includes(quote);
}

/** The first address over HTTPS, or else the first one. Variables have their defaults. */
function addressOf(document: Json): string | undefined {
  if (typeof document['swagger'] === 'string') {
    const { host, basePath = '' } = document;
    const scheme =
      listOf(document['schemes']).includes('http') && !listOf(document['schemes']).includes('https');
    const path = typeof basePath === 'string' ? basePath : '';
    return typeof host === 'string' ? `${scheme ? 'http' : 'https'}://${host}${path}` : path;
  }
  const servers = listOf(document['servers']).filter(isObject);
  const addresses = servers.flatMap(({ url, variables }) =>
    typeof url === 'string'
      ? [
          url.replaceAll(/\{([^{}]+)\}/g, (whole, name: string) => {
            const variable = isObject(variables) ? variables[name] : undefined;
            const value = isObject(variable) ? variable['default'] : undefined;
            return typeof value === 'string' ? value : whole;
          }),
        ]
      : [],
  );
  return addresses.find((url) => url.startsWith('https:')) ?? addresses[0];
}

function operationsOf(document: Json, schemas: Schemas): Operation[] {
  const operations: Operation[] = [];
  for (const [path, value] of Object.entries(isObject(document['paths']) ? document['paths'] : {})) {
    const { object: item } = schemas.resolve(value);
    for (const method of ['get', 'post'] as const) {
      const raw = item[method];
      if (!isObject(raw) || operations.length >= MAX_OPERATIONS) continue;
      operations.push(operationOf(path, method, item, raw, { document, schemas }));
    }
  }
  return operations;
}

interface Context {
  document: Json;
  schemas: Schemas;
}

function operationOf(
  path: string,
  method: 'get' | 'post',
  item: Json,
  raw: Json,
  context: Context,
): Operation {
  const { schemas } = context;
  const all = [...listOf(item['parameters']), ...listOf(raw['parameters'])].map(
    (value) => schemas.resolve(value).object,
  );
  const parameters = all.flatMap((parameter) => parametersOf(parameter, schemas));
  const body = bodyOf(raw, all, schemas);
  // A parameter of the call overrides one of the path.
  const byPlace = new Map(parameters.map((parameter) => [`${parameter.in} ${parameter.name}`, parameter]));
  return {
    method: method === 'get' ? 'GET' : 'POST',
    path,
    text: [raw['operationId'], raw['summary'], raw['description']]
      .filter((part) => typeof part === 'string')
      .join('. '),
    isDeprecated: raw['deprecated'] === true,
    parameters: [...byPlace.values()],
    ...(body === undefined ? {} : { body }),
    answer: answerOf(raw, schemas),
  };
}

function parametersOf(raw: Json, schemas: Schemas): Parameter[] {
  const { name, in: place } = raw;
  if (typeof name !== 'string' || (place !== 'path' && place !== 'query' && place !== 'header')) return [];
  const content = isObject(raw['content']) ? raw['content']['application/json'] : undefined;
  const source = raw['schema'] ?? (isObject(content) ? content['schema'] : undefined) ?? raw;
  const { object } = schemas.resolve(source);
  const shape = schemas.shapeOf(source);
  const description =
    [raw['description'], object['description']].find((text) => typeof text === 'string') ?? '';
  const base = { in: place, isRequired: raw['required'] === true || place === 'path', description } as const;
  // An object in the query is `filter[email]=...`.
  if (shape.kind === 'object' && raw['style'] === 'deepObject')
    return shape.members().map((member) => ({
      ...{ ...base, name: `${name}[${member.name}]`, isRequired: base.isRequired && member.isRequired },
      ...{ shape: member.shape, description: member.shape.description ?? '' },
    }));
  const only = shape.values?.length === 1 ? shape.values[0] : undefined;
  const [value] = [object['default'], only, raw['example'] ?? object['example']].filter(isScalar);
  const example = raw['example'] ?? object['example'];
  const maxItems = object['maxItems'];
  return [
    {
      ...{ ...base, name, shape },
      ...(shape.kind === 'list' ? { list: listStyle(raw) } : {}),
      ...(value === undefined ? {} : { value }),
      ...(typeof example === 'string' ? { example } : {}),
      ...(typeof maxItems === 'number' ? { maxItems } : {}),
    },
  ];
}

const isScalar = (value: unknown): value is string | number | boolean =>
  ['string', 'number', 'boolean'].includes(typeof value);

function listStyle(raw: Json): 'csv' | 'repeat' {
  if (raw['collectionFormat'] !== undefined) return raw['collectionFormat'] === 'multi' ? 'repeat' : 'csv';
  // OpenAPI 2 has csv as its default, and its parameters have no schema.
  if (raw['schema'] === undefined) return 'csv';
  return raw['explode'] === false ? 'csv' : 'repeat';
}

function bodyOf(raw: Json, parameters: readonly Json[], schemas: Schemas): Shape | undefined {
  const inBody = parameters.find((parameter) => parameter['in'] === 'body');
  if (inBody !== undefined) return schemas.shapeOf(inBody['schema']);
  const { object } = schemas.resolve(raw['requestBody']);
  const schema = jsonOf(object['content']);
  return schema === undefined ? undefined : schemas.shapeOf(schema);
}

function answerOf(raw: Json, schemas: Schemas): Shape {
  const responses = isObject(raw['responses']) ? raw['responses'] : {};
  const status = ['200', '2XX', '201', 'default'].find((code) => responses[code] !== undefined) ?? '200';
  const { object } = schemas.resolve(responses[status]);
  return schemas.shapeOf(object['schema'] ?? jsonOf(object['content']));
}

/** The schema of JSON in a map of media types. */
function jsonOf(content: unknown): unknown {
  if (!isObject(content)) return undefined;
  const name =
    Object.keys(content).find((type) => /[/+]json\b/.test(type)) ??
    Object.keys(content).find((type) => type === '*/*');
  const media = name === undefined ? undefined : content[name];
  return isObject(media) ? media['schema'] : undefined;
}

function schemesOf(document: Json, schemas: Schemas): Scheme[] {
  const components = isObject(document['components']) ? document['components'] : {};
  const declared = document['securityDefinitions'] ?? components['securitySchemes'];
  return Object.values(isObject(declared) ? declared : {}).map((value): Scheme => {
    const { object } = schemas.resolve(value);
    const { type, scheme, name, in: place } = object;
    if (type === 'basic' || (type === 'http' && scheme === 'basic')) return { kind: 'basic' };
    if (type === 'oauth2' || type === 'openIdConnect' || (type === 'http' && scheme === 'bearer'))
      return { kind: 'bearer' };
    if (type === 'apiKey' && place === 'header' && typeof name === 'string')
      return { kind: 'header', header: name };
    return { kind: 'other' };
  });
}
