import { afterEach, expect, it } from 'vitest';
import { idPathOf, keyPathIn } from '../../../src/connect/rest/records.js';
import { shapeOfValues } from '../../../src/connect/rest/shape.js';
import { sendJson, startServer, type SmallServer } from '../../../src/testing/small-server.js';
import { connectBy } from './connected.js';

let server: SmallServer | undefined;
afterEach(() => server?.close());

it.each([
  ['Loan', { loan_number: 'L1' }, 'loan_number'],
  ['Phone', { PhoneType: 'MOBILE', PhoneNumber: '2345671' }, undefined],
])('the number of a %s is its id, unless it is a phone number', (thing, record, id) => {
  expect(idPathOf(shapeOfValues([record]), thing)).toBe(id);
});

it.each([
  ['its own name', 'Customer', { number: 'K1', customerNumber: 'K2' }, 'number'],
  ['the name of its thing', 'Customer', { customerNumber: 'K2' }, 'customerNumber'],
  ['the last word of the name of its thing', 'CrmCustomer', { customerNumber: 'K2' }, 'customerNumber'],
  ['another thing', 'CrmCustomer', { invoiceNumber: 'K2' }, undefined],
])('the key of a record is found by %s', (_, thing, record, path) => {
  expect(keyPathIn(shapeOfValues([record]), 'number', 'number', thing)).toBe(path);
});

it.each([
  ['integer', [1, 2]],
  ['number', [1, 1.5]],
  ['unknown', [1, 'one']],
])('values of the kind %s', (kind, values) => {
  expect(shapeOfValues(values).kind).toBe(kind);
});

it('prefers the fields that records have, and takes the samples of all records', async () => {
  const rare = Array.from({ length: 60 }, (_, i) => `option_${i}`);
  const members = Array.from({ length: 60 }, (_, i) => ({
    ...{ id: 500 + i, email: `reader${i}@example.nl`, nickname: i % 2 === 0 ? `Reader ${i}` : null },
    option_59: i,
  }));
  server = await startServer(({ url }, response) => {
    const id = /^\/members\/(\d+)$/.exec(url)?.[1];
    const found = members.find((member) => String(member.id) === id);
    if (id === undefined) sendJson(response, members);
    else sendJson(response, found ?? {}, { status: found === undefined ? 404 : 200 });
  });
  const properties = {
    ...{ id: { type: 'integer' }, email: { type: 'string' } },
    ...Object.fromEntries(rare.map((name) => [name, { type: 'integer' }])),
    nickname: { type: 'string' },
  };
  const answer = (schema: object) => ({
    responses: { 200: { content: { 'application/json': { schema } } } },
  });
  const item = { $ref: '#/components/schemas/Member' };
  const text = JSON.stringify({
    ...{ openapi: '3.0.0', servers: [{ url: server.url }] },
    paths: {
      '/members': { get: answer({ type: 'array', items: item }) },
      '/members/{id}': {
        get: { parameters: [{ name: 'id', in: 'path', schema: { type: 'integer' } }], ...answer(item) },
      },
    },
    components: { schemas: { Member: { type: 'object', properties } } },
  });
  const { draft } = await connectBy({ what: 'library.json', path: '/library.json', text });
  const samplesOf = Object.fromEntries(
    draft.customer.fields.map(({ name, samples }) => [name, samples.length]),
  );
  expect(draft.customer.fields).toHaveLength(40);
  expect(samplesOf).toMatchObject({ id: 60, email: 60, nickname: 30, option59: 60 });
});
