import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { parse } from 'yaml';

/** A request and its response, with the parts that a contract describes. */
export interface Exchange {
  method: 'GET' | 'POST' | 'PATCH';
  /** The path and query that were sent. */
  target: string;
  requestBody?: unknown;
  status: number;
  body: unknown;
}

/** A known difference between the real system and its published contract. */
export interface Exception {
  /** The path in the document, key by key. */
  at: readonly string[];
  /** Returns the value that replaces the published one. */
  becomes: (published: unknown) => unknown;
  because: string;
}

export interface Contract {
  /** The violations of the contract in an exchange, as sentences; empty if there are none. */
  problems: (exchange: Exchange) => string[];
}

export type Json = Record<string, unknown>;

/** The path of a contract. Contracts are not part of the repository: CONTRACTS names their folder. */
export function contractFile(...path: string[]): string {
  const folder = process.env['CONTRACTS'];
  if (folder === undefined || folder === '') {
    throw new Error("Set CONTRACTS to the folder that holds the vendors' contracts");
  }
  return join(folder, ...path);
}

/** Reads an OpenAPI 3.0 document in YAML or JSON. */
export function readContract(file: string, exceptions: readonly Exception[] = []): Contract {
  // JSON is also YAML, but the JSON parser is much faster for a megabyte.
  const text = readFileSync(file, 'utf8');
  const published: unknown = file.endsWith('.json') ? JSON.parse(text) : parse(text);
  for (const exception of exceptions) makeException(published, exception);
  const document = asObject(withoutNullable(published));
  const paths = asObject(document['paths']);

  const ajv = new Ajv({ strict: false, allErrors: true });
  formats.default(ajv);
  // Zendesk's name for date-time.
  ajv.addFormat('datetime', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/);
  // Business Central's formats of numbers.
  ajv.addFormat('decimal', true);
  ajv.addSchema({ $id: 'contract', components: document['components'] });
  const validators = new Map<unknown, ValidateFunction>();

  function schemaProblems(what: string, schema: unknown, value: unknown): string[] {
    let validate = validators.get(schema);
    if (validate === undefined) {
      const rooted: unknown = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"contract#/'));
      validate = ajv.compile(asObject(rooted));
      validators.set(schema, validate);
    }
    if (validate(value)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message }) => `${what} at ${instancePath || 'its root'}: ${message ?? 'is not valid'}`,
    );
  }

  function resolved(value: unknown): Json {
    const object = asObject(value);
    const { $ref } = object;
    if (typeof $ref !== 'string') return object;
    return resolved(
      $ref
        .slice(2)
        .split('/')
        .reduce<unknown>((at, key) => asObject(at)[key], document),
    );
  }

  return {
    problems({ method, target, requestBody, status, body }) {
      const url = new URL(target, 'http://contract');
      const template = findTemplate(Object.keys(paths), url.pathname);
      if (template === undefined) return [`the contract has no path ${url.pathname}`];
      const pathItem = asObject(paths[template]);
      const operationValue = pathItem[method.toLowerCase()];
      if (operationValue === undefined) return [`the contract has no ${method} ${template}`];
      const operation = asObject(operationValue);

      const parameters = [pathItem['parameters'], operation['parameters']].flatMap(asList).map(resolved);
      const problems = queryProblems(parameters, url.searchParams);
      if (operation['requestBody'] !== undefined) {
        const schema = jsonSchemaOf(resolved(operation['requestBody']));
        problems.push(...schemaProblems('the request body', schema, requestBody));
      }
      const responses = asObject(operation['responses']);
      const response = responses[String(status)] ?? responses['default'];
      if (response === undefined)
        return [...problems, `the contract has no status ${status} for ${template}`];
      const schema = jsonSchemaOf(resolved(response));
      if (schema === undefined) return [...problems, `the contract has no JSON for ${status} of ${template}`];
      return [...problems, ...schemaProblems(`the body of ${status}`, schema, body)];
    },
  };
}

/** An exception: a value may also be null. */
export function nullable(at: readonly string[], because: string): Exception {
  return { at, because, becomes: (published) => ({ ...asObject(published), nullable: true }) };
}

function makeException(document: unknown, { at, becomes, because }: Exception): void {
  const last = at.at(-1);
  if (last === undefined) throw new Error(`An exception must say where it applies: ${because}`);
  const holder = at.slice(0, -1).reduce<unknown>((value, key) => asObject(value)[key], document);
  if (holder === undefined) throw new Error(`The contract has nothing at ${at.join(' / ')}: ${because}`);
  asObject(holder)[last] = becomes(asObject(holder)[last]);
}

/** Converts `nullable` of OpenAPI 3.0, which JSON Schema does not know. */
function withoutNullable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNullable);
  if (typeof value !== 'object' || value === null) return value;
  const { nullable: orNull, ...rest } = Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, withoutNullable(member)]),
  );
  if (orNull === true) return { anyOf: [rest, { type: 'null' }] };
  return orNull === undefined ? rest : { ...rest, nullable: orNull };
}

/** The template with the most literal segments wins: /users/me before /users/{user_id}. */
function findTemplate(templates: readonly string[], path: string): string | undefined {
  const segments = path.split('/');
  const fits = templates.filter((template) => {
    const expected = template.split('/');
    return (
      expected.length === segments.length &&
      expected.every((part, index) => part.startsWith('{') || part === segments[index])
    );
  });
  return fits.sort((a, b) => a.split('{').length - b.split('{').length)[0];
}

function queryProblems(parameters: readonly Json[], query: URLSearchParams): string[] {
  const inQuery = parameters.filter((parameter) => parameter['in'] === 'query');
  const problems: string[] = [];
  for (const [name, value] of query) {
    const parameter = inQuery.find((known) => known['name'] === name);
    if (parameter === undefined) problems.push(`the contract has no query parameter ${name}`);
    else if (asObject(parameter['schema'] ?? {})['type'] === 'integer' && !/^-?\d+$/.test(value)) {
      problems.push(`the query parameter ${name} must be an integer`);
    }
  }
  for (const { name, required } of inQuery) {
    if (required === true && !query.has(String(name)))
      problems.push(`the query parameter ${String(name)} is required`);
  }
  return problems;
}

function jsonSchemaOf(described: Json): unknown {
  const content = asObject(described['content'] ?? {});
  const json = content['application/json'] ?? content['*/*'];
  return json === undefined ? undefined : asObject(json)['schema'];
}

/** Returns a list; empty if the value is not a list. */
export function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Returns an object, or throws if the value is not an object. */
export function asObject(value: unknown): Json {
  if (!isJson(value)) throw new TypeError(`an object was expected, not ${JSON.stringify(value)}`);
  return value;
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
