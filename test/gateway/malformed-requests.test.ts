import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { createTestGateway, type Answer, type TestGateway } from '../support/gateway.js';
import { faultControl, FOUR_SYSTEMS } from '../support/stand-ins.js';

/** The timeout of each test. Every refusal is fast. A check with exponential time would exceed this timeout. */
const QUICKLY = { timeout: 5_000 };
const PRIVATE = 'piet@example.nl';
const CUSTOMER = `customer(by: { email: "${PRIVATE}" })`;
const TEN_MEGABYTES = 10 * 1024 * 1024;

let control: FaultControl;
let gateway: TestGateway;

beforeAll(async () => {
  control = await faultControl([], FOUR_SYSTEMS);
  gateway = createTestGateway(control.settings);
});

afterAll(async () => {
  await gateway.close();
  await control.close();
});

afterEach(() => {
  const calls = Object.values(control.counters()).map((counter) => counter.calls);
  expect(calls, 'calls to the sources').toEqual([0, 0, 0, 0]);
});

test('a valid request reaches the sources', async () => {
  await gateway.query('{ customer(by: { email: "everywhere@example.nl" }) { systems { status } } }');
  expect(Object.values(control.counters()).filter(({ calls }) => calls > 0)).toHaveLength(4);
  await control.heal();
});

/** Sends a request with only the necessary headers. */
type Sent = Omit<RequestInit, 'headers'> & { headers?: Record<string, string> };

interface Refusal {
  status: number;
  code: string;
  message: string;
}

/** Sends a request and returns its only error. */
async function refusal(init: Sent, path = '/graphql'): Promise<Refusal> {
  const response = await gateway.fetch(path, {
    ...init,
    headers: { accept: 'application/graphql-response+json', ...init.headers },
  });
  const text = await response.text();
  const { errors, ...rest } = JSON.parse(text) as { errors: Answer['errors'] };
  expect(rest, 'beside the errors').toEqual({});
  expect(text).not.toContain(PRIVATE);
  expect(text.length).toBeLessThan(100_000);
  for (const { extensions } of errors) expect(extensions.code).toMatch(/^[A-Z_]+$/);
  const [first] = errors;
  if (first === undefined) throw new Error('The response has no error.');
  return { status: response.status, code: first.extensions.code, message: first.message };
}

function post(body: BodyInit, headers: Record<string, string> = {}): Sent {
  return { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body };
}

const send = (query: string, variables?: unknown, operationName?: unknown): Promise<Refusal> =>
  refusal(post(JSON.stringify({ query, variables, operationName })));

describe('a request that is not GraphQL over HTTP', QUICKLY, () => {
  const valid = JSON.stringify({ query: `{ ${CUSTOMER} { name } }` });

  const bodies: [string, BodyInit][] = [
    ['truncated JSON', `{"query": "{ ${CUSTOMER} { name`],
    ['an empty body', ''],
    ['JSON that is a list', `["${PRIVATE}"]`],
    ['a batch of operations', `[${valid}, ${valid}]`],
    ['JSON that is a text', JSON.stringify(PRIVATE)],
    ['JSON that is null', 'null'],
    ['JSON without a query', '{"variables": {}}'],
    ['a query that is a number', '{"query": 1}'],
    ['an empty query', '{"query": ""}'],
    ['variables that are a list', `{"query": "{ __typename }", "variables": ["${PRIVATE}"]}`],
    ['variables that are a text', `{"query": "{ __typename }", "variables": "${PRIVATE}"}`],
    ['an operation name that is an object', '{"query": "{ __typename }", "operationName": {}}'],
    ['extensions that are a text', '{"query": "{ __typename }", "extensions": "all"}'],
    ['text that is not UTF-8', new Uint8Array([...Buffer.from('{"query": "{ a }'), 0xff, 0x22, 0x7d])],
  ];
  for (const [what, body] of bodies) {
    test(`is refused: ${what}`, async () => {
      expect(await refusal(post(body))).toMatchObject({ status: 400, code: 'BAD_REQUEST' });
    });
  }

  const types = [
    'text/plain',
    'application/graphql',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json; charset=utf-16',
    'application/jsonx',
  ];
  for (const type of types) {
    test(`is refused: content type ${type}`, async () => {
      const answer = await refusal(post(valid, { 'content-type': type }));
      expect(answer).toMatchObject({ status: 415, code: 'BAD_REQUEST' });
      expect(answer.message).toContain('application/json');
    });
  }

  test('is refused: a compressed body', async () => {
    const answer = await refusal(post(valid, { 'content-encoding': 'gzip' }));
    expect(answer).toMatchObject({ status: 415, code: 'BAD_REQUEST' });
  });

  test('is refused: another method', async () => {
    expect(await refusal({ method: 'PUT', body: valid })).toMatchObject({ status: 405, code: 'BAD_REQUEST' });
  });

  test('is refused: a GET whose variables are not JSON', async () => {
    const query = new URLSearchParams({ query: '{ __typename }', variables: `{"by": "${PRIVATE}` });
    const answer = await refusal({}, `/graphql?${query.toString()}`);
    expect(answer).toMatchObject({ status: 400, code: 'BAD_REQUEST' });
    expect(answer.message).toContain('variables');
  });

  test('is refused: a mutation by GET', async () => {
    const query = new URLSearchParams({ query: 'mutation { __typename }' });
    expect(await refusal({}, `/graphql?${query.toString()}`)).toMatchObject({
      status: 405,
      code: 'BAD_REQUEST',
    });
  });

  test('is accepted: a content type in capitals, with a charset', async () => {
    const response = await gateway.fetch('/graphql', {
      ...post('{"query": "{ __typename }"}', { 'content-type': 'Application/JSON ; Charset=UTF-8' }),
    });
    expect(await response.json()).toEqual({ data: { __typename: 'Query' } });
  });
});

describe('an invalid document', QUICKLY, () => {
  test('is refused: a text that is not GraphQL', async () => {
    expect(await send('{ customer(')).toMatchObject({ status: 400, code: 'GRAPHQL_PARSE_FAILED' });
  });

  test('is refused without a quotation: a text at a place where it is not allowed', async () => {
    const { code, message } = await send(`{ "${PRIVATE}" }`);
    expect(code).toBe('GRAPHQL_PARSE_FAILED');
    expect(message).toBe('Syntax Error: Expected Name, found String.');
  });

  test('is refused, with a suggestion: an unknown field', async () => {
    const answer = await send(`{ ${CUSTOMER} { naam } }`);
    expect(answer).toMatchObject({ status: 400, code: 'GRAPHQL_VALIDATION_FAILED' });
    expect(answer.message).toContain('"naam"');
    expect(answer.message).toContain('Did you mean "name"');
  });

  const literals = [`"${PRIVATE}"`, `["${PRIVATE}"]`, `{ email: ["${PRIVATE}"] }`, `{ mail: "${PRIVATE}" }`];
  for (const literal of literals) {
    test(`is refused without a quotation: a value of the wrong type, ${literal.replaceAll(PRIVATE, '...')}`, async () => {
      const answer = await send(`{ customer(by: ${literal}) { name } }`);
      expect(answer).toMatchObject({ status: 400, code: 'GRAPHQL_VALIDATION_FAILED' });
    });
  }

  test('is refused: two identifiers for one customer', async () => {
    const answer = await send(`{ customer(by: { email: "${PRIVATE}", phone: "0612345678" }) { name } }`);
    expect(answer.code).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  test('is refused: an operation name that no operation has', async () => {
    expect(await send('query One { __typename }', {}, 'Two')).toMatchObject({
      status: 400,
      code: 'OPERATION_RESOLUTION_FAILURE',
    });
  });

  test('is refused with a hint: two operations without operationName', async () => {
    const answer = await send('query One { __typename } query Two { __typename }');
    expect(answer).toMatchObject({ status: 400, code: 'OPERATION_RESOLUTION_FAILURE' });
    expect(answer.message).toContain('operationName');
  });

  test('is refused: only fragments', async () => {
    expect(await send('fragment F on Query { __typename }')).toMatchObject({
      status: 400,
      code: 'OPERATION_RESOLUTION_FAILURE',
    });
  });

  test('is refused in the same way the second time, from the cache', async () => {
    const first = await send('{ nothing(of: "this") }');
    expect(await send('{ nothing(of: "this") }')).toEqual(first);
  });
});

describe('variables that do not match their declared types', QUICKLY, () => {
  const QUERY =
    'query ($by: CustomerKey!, $first: Int) { customer(by: $by) { tickets(first: $first) { nodes { id } } } }';
  const by = { email: PRIVATE };
  const cases: [string, unknown, string][] = [
    ['a missing variable', {}, 'The variable "$by" of type "CustomerKey!" is missing.'],
    ['null for a non-null type', { by: null }, 'The variable "$by" of type "CustomerKey!" must not be null.'],
    [
      'a text for an object',
      { by: PRIVATE },
      'The variable "$by" is not valid: Expected type "CustomerKey" to be an object.',
    ],
    [
      'an object for a text',
      { by: { email: by } },
      'The variable "$by.email" is not valid: expected type "String".',
    ],
    [
      'a text for a number',
      { by, first: PRIVATE },
      'The variable "$first" is not valid: expected type "Int".',
    ],
    [
      'two identifiers',
      { by: { ...by, phone: PRIVATE } },
      'The variable "$by" is not valid: Exactly one key must be specified for OneOf type "CustomerKey".',
    ],
    [
      'an unknown field with a personal value',
      { by: { [PRIVATE]: 1 } },
      'The variable "$by" is not valid: a field is not defined by type "CustomerKey!".',
    ],
  ];
  for (const [what, variables, message] of cases) {
    test(`are refused: ${what}`, async () => {
      expect(await send(QUERY, variables)).toEqual({ status: 400, code: 'BAD_USER_INPUT', message });
    });
  }

  test('are refused with a suggestion if a field name is misspelt', async () => {
    const { code, message } = await send(QUERY, { by: { emails: PRIVATE } });
    expect(code).toBe('BAD_USER_INPUT');
    expect(message).toContain('"emails"');
    expect(message).toContain('"email"');
  });

  test('are refused with their index in the list', async () => {
    const query = 'query ($by: [CustomerKey!]!) { customers(by: $by) { name } }';
    expect((await send(query, { by: [by, { email: [PRIVATE] }] })).message).toContain('"$by.1.email"');
    expect((await send(query, { by: { email: [PRIVATE] } })).message).toContain('"$by.email"');
  });

  test('are refused with a short error for a long list', async () => {
    const response = await gateway.query('query ($by: [CustomerKey!]!) { customers(by: $by) { name } }', {
      by: Array.from({ length: 10_000 }, () => ({ email: 1 })),
    });
    expect(response.errors).toHaveLength(10);
  });

  test('are refused: __proto__ and constructor, which are ordinary names', async () => {
    const body = `{"query": ${JSON.stringify(QUERY)}, "variables": {"__proto__": {"by": {"email": "${PRIVATE}"}}}}`;
    expect(await refusal(post(body))).toMatchObject({ code: 'BAD_USER_INPUT' });
    const nested = body.replace('"__proto__"', '"by": {"__proto__": {}}, "constructor"');
    expect(await refusal(post(nested))).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect('by' in {}).toBe(false);
  });

  test('are refused: an argument that a nullable variable makes null', async () => {
    const answer = await gateway.query(
      'query ($n: Int) { customer(by: {email: "nobody"}) { orders(first: $n) { nodes { number } } } }',
      { n: null },
    );
    expect(answer.errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
  });
});

describe('a request that is too large', QUICKLY, () => {
  test('is refused by its Content-Length', async () => {
    const answer = await refusal(post('{}', { 'content-length': String(TEN_MEGABYTES) }));
    expect(answer).toMatchObject({ status: 413, code: 'LIMIT_EXCEEDED' });
  });

  test('is refused during reading, without Content-Length', async () => {
    const chunk = new Uint8Array(TEN_MEGABYTES / 16).fill(0x20);
    let chunks = 0;
    const body = new ReadableStream({
      pull(controller) {
        if (chunks++ < 16) controller.enqueue(chunk);
        else controller.close();
      },
    });
    const streamed: Sent & { duplex: 'half' } = { ...post(body), duplex: 'half' };
    const answer = await refusal(streamed);
    expect(answer).toMatchObject({ status: 413, code: 'LIMIT_EXCEEDED' });
  });

  test('is refused: a megabyte of variables', async () => {
    const answer = await send('query ($x: String) { __typename }', { x: 'x'.repeat(1024 * 1024) });
    expect(answer).toMatchObject({ status: 413, code: 'LIMIT_EXCEEDED' });
  });

  const repeated = (times: number, text: (i: number) => string): string =>
    Array.from({ length: times }, (_, i) => text(i)).join(' ');
  const nested = (levels: number, open: string, inner: string, close: string): string =>
    open.repeat(levels) + inner + close.repeat(levels);

  const documents: [string, string][] = [
    ['1,000 aliases', `{ ${repeated(1_000, (i) => `a${i}: __typename`)} }`],
    [
      '1,000 aliases through a fragment',
      `{ ...A ...A ...A ...A } fragment A on Query { ${repeated(250, (i) => `a${i}: __typename`)} }`,
    ],
    [
      '1,000 aliases through fragments in fields',
      `{ ${CUSTOMER} { ${repeated(20, (i) => `c${i}: systems { ...F }`)} } } fragment F on SystemStatus { ${repeated(50, (i) => `s${i}: source`)} }`,
    ],
    ['fields nested 50 deep', nested(50, '{ a ', '{ a }', '}')],
    [
      'fields nested 50 deep through fragments',
      `{ ...F0 } ${repeated(50, (i) => `fragment F${i} on Query { a { ...F${i + 1} } }`)} fragment F50 on Query { a }`,
    ],
    ['fields nested a thousand deep', nested(1_000, '{ a ', '{ a }', '}')],
    ['a list nested two thousand deep', `{ a(b: ${nested(2_000, '[', '1', ']')}) }`],
    ['an object nested a thousand deep', `{ a(b: ${nested(1_000, '{ c: ', '1', '}')}) }`],
    ['a type nested two thousand deep', `query ($a: ${nested(2_000, '[', 'Int', ']')}) { a }`],
    ['inline fragments nested a thousand deep', nested(1_000, '{ ... ', '{ a }', '}')],
    ['brackets that never close', `{ a(b: ${'['.repeat(4_900)}`],
    [
      'fragments that double sixty times (billion laughs)',
      `{ ...F0 } ${repeated(60, (i) => `fragment F${i} on Query { a: x { ...F${i + 1} } b: x { ...F${i + 1} } }`)} fragment F60 on Query { a }`,
    ],
    [
      'fragments nested 300 deep, each in two others',
      `{ ...F0 } ${repeated(293, (i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 7} }`)} ${repeated(7, (i) => `fragment F${i + 293} on Query { a }`)}`,
    ],
    [
      'three hundred fragments in a cycle',
      `{ ...F0 } ${repeated(300, (i) => `fragment F${i} on Query { ...F${(i + 1) % 300} ...F${(i + 7) % 300} }`)}`,
    ],
    ['100,000 words', 'a '.repeat(100_000)],
    ['a valid operation of 20,000 words', `{ ${'__typename '.repeat(20_000)} }`],
  ];
  for (const [what, query] of documents) {
    test(`is refused: ${what}`, async () => {
      expect(await send(query)).toMatchObject({ status: 400, code: 'LIMIT_EXCEEDED' });
    });
  }

  test('is refused: more customers than one operation may request', async () => {
    const by = Array.from({ length: 5_000 }, (_, i) => ({ email: `customer-${i}@example.nl` }));
    const { errors } = await gateway.query('query ($by: [CustomerKey!]!) { customers(by: $by) { name } }', {
      by,
    });
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['LIMIT_EXCEEDED']);
  });

  const strange: [string, string][] = [
    ['a fragment that contains itself', '{ ...F } fragment F on Query { ...F }'],
    [
      'fragments in a cycle',
      `{ ...F0 } ${repeated(50, (i) => `fragment F${i} on Query { ...F${(i + 1) % 50} ...F${(i + 7) % 50} }`)}`,
    ],
    [
      'unused fragments in a cycle',
      `{ a } ${repeated(50, (i) => `fragment F${i} on Query { ...F${(i + 1) % 50} ...F${(i + 7) % 50} }`)}`,
    ],
    [
      'fragments doubled sixty times without an alias',
      `{ ...F0 } ${repeated(60, (i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`)} fragment F60 on Query { a }`,
    ],
    ['a name of 200,000 letters', `{ ${'a'.repeat(200_000)} }`],
    ['a fragment with a name of 100,000 letters', `{ ...${'a'.repeat(100_000)} }`],
    ['a thousand unknown fields', `{ ${repeated(1_000, (i) => `a${i}`)} }`],
    [
      'hundreds of uses of a field with different arguments',
      `{ ${repeated(300, (i) => `customer(by: { email: "${i}" }) { name }`)} }`,
    ],
    ['a mutation, which the schema does not have', 'mutation { customer }'],
    ['a subscription that the schema does not have', 'subscription { customer }'],
    ['introspection in cycles', `{ __schema { types { ${nested(7, 'fields { type { ', 'name', '} }')} } } }`],
    ['a thousand variables', `query (${repeated(1_000, (i) => `$a${i}: Int`)}) { __typename }`],
    ['a thousand operations with the same name', repeated(1_000, () => 'query A { a }')],
  ];
  for (const [what, query] of strange) {
    test(`is refused before any call: ${what}`, async () => {
      const { status, code } = await send(query);
      expect(status).toBe(400);
      expect(['GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_PARSE_FAILED', 'OPERATION_RESOLUTION_FAILURE']).toContain(
        code,
      );
    });
  }

  test('is answered if it is exactly at the limits', async () => {
    const { errors } = await gateway.query(`{ ${repeated(100, (i) => `a${i}: __typename`)} }`);
    expect(errors).toEqual([]);
  });
});
