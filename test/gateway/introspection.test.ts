import {
  buildClientSchema,
  getIntrospectionQuery,
  isObjectType,
  Kind,
  type GraphQLSchema,
  type IntrospectionQuery,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Role } from '../../src/context/caller.js';
import { ROLES } from '../../src/context/roles.js';
import { CALLER_SETTINGS, headersOf, KEY_ROLES } from '../support/callers.js';
import { createTestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';

/** Tests that introspection shows a caller only fields that it may select. */

const gateway = createTestGateway({ ...directSettings(), ...CALLER_SETTINGS, AUDIT_FILE: '/dev/null' });
afterAll(() => gateway.close());

const INTROSPECTION = getIntrospectionQuery();
const introspecting = KEY_ROLES.filter((role) => ROLES[role].operations === 'any');
const schemas = new Map<Role, GraphQLSchema>();
beforeAll(async () => {
  for (const role of introspecting) {
    const { data, errors } = await gateway.query(INTROSPECTION, {}, await headersOf(role));
    expect(errors).toEqual([]);
    schemas.set(role, buildClientSchema(data as unknown as IntrospectionQuery));
  }
});

function shownTo(role: Role): GraphQLSchema {
  const schema = schemas.get(role);
  if (schema === undefined) throw new Error(`The role ${role} has no introspection result.`);
  return schema;
}
const fieldsOf = (role: Role, type: string): string[] => {
  const found = shownTo(role).getType(type);
  return isObjectType(found) ? Object.keys(found.getFields()) : [];
};

/** Every `Type.field` with the lists of scopes that it needs, from its directive. */
function declared(): { type: string; field: string; scopes: string[][] }[] {
  return Object.values(gateway.schema.getTypeMap())
    .filter(isObjectType)
    .flatMap((type) =>
      Object.values(type.getFields()).flatMap(({ name, astNode }) => {
        const needs = astNode?.directives?.find((directive) => directive.name.value === 'requiresScopes');
        const value = needs?.arguments?.[0]?.value;
        if (value?.kind !== Kind.LIST) return [];
        const scopes = value.values.map((all) =>
          all.kind === Kind.LIST
            ? all.values.flatMap((value) => (value.kind === Kind.STRING ? [value.value] : []))
            : [],
        );
        return [{ type: type.name, field: name, scopes }];
      }),
    );
}

describe('introspection', () => {
  test.each(introspecting)('hides fields for which the caller lacks a scope: %s', (role) => {
    const { scopes } = ROLES[role];
    const hidden = declared().filter(
      ({ scopes: lists }) => !lists.some((all) => all.every((value) => scopes.has(value))),
    );
    expect(hidden.length).toBeGreaterThan(0);
    for (const { type, field } of hidden)
      expect(fieldsOf(role, type), `${type}.${field}`).not.toContain(field);
  });

  test.each(introspecting)('shows the fields for which the caller has the scopes: %s', async (role) => {
    expect(fieldsOf(role, 'Query')).toEqual(expect.arrayContaining(['customer', 'customers']));
    expect(fieldsOf(role, 'Customer')).toEqual(expect.arrayContaining(['name', 'orders']));
    // Visible fields can be selected, because validation uses the same rules.
    const leaves = ['name', 'language', 'becameCustomerAt'].filter((name) =>
      fieldsOf(role, 'Customer').includes(name),
    );
    const query = `{ customer(by: { email: "everywhere@example.nl" }) { ${leaves.join(' ')} } }`;
    const { errors } = await gateway.query(query, {}, await headersOf(role));
    expect(errors.filter(({ extensions }) => extensions.code === 'FORBIDDEN')).toEqual([]);
  });

  test('hides administration and `me` from an analyst', () => {
    expect(fieldsOf('analyst', 'Query')).not.toContain('me');
    const { description = '' } = shownTo('analyst');
    const all = Object.keys(shownTo('analyst').getTypeMap()).join(' ') + String(description);
    expect(all).not.toMatch(/forget|erase|admin|suppress/i);
    expect(shownTo('analyst').getMutationType() ?? null).toBeNull();
  });

  test('hides tickets and possible identities from a campaign', () => {
    expect(fieldsOf('campaign', 'Query')).not.toContain('identify');
    expect(fieldsOf('campaign', 'Customer')).not.toContain('tickets');
    expect(shownTo('campaign').getType('Ticket')).toBeUndefined();
    expect(shownTo('campaign').getType('IdentifiedCustomer')).toBeUndefined();
  });

  test.each([
    '__type(name: "Ticket") { name }',
    '__type(name: "IdentifiedCustomer") { name fields { name } }',
  ])('shows by name only types of the full introspection: %s', async (selection) => {
    const answer = await gateway.query(`{ ${selection} }`, {}, await headersOf('campaign'));
    expect(answer.data).toEqual({ __type: null });
    expect((await gateway.query(`{ ${selection} }`, {}, await headersOf('analyst'))).data).not.toEqual({
      __type: null,
    });
  });

  test.each(['visitor', 'frontend'] as const)(
    'is refused to a caller that may send only persisted operations: %s',
    async (role) => {
      const headers = await headersOf(role);
      for (const query of [
        INTROSPECTION,
        '{ __schema { queryType { name } } }',
        '{ __type(name: "Query") { name } }',
      ]) {
        const { status, data, errors } = await gateway.query(query, {}, headers);
        expect(status).toBe(403);
        expect(data ?? null).toBeNull();
        expect(errors.map(({ extensions }) => extensions.code)).toEqual(['FORBIDDEN']);
      }
    },
  );

  test.each([
    '{ __schema { queryType { name } } customer(by: { email: "everywhere@example.nl" }) { name } }',
    '{ ...A ...B } fragment A on Query { __type(name: "Query") { name } } fragment B on Query { customer(by: { email: "everywhere@example.nl" }) { name } }',
    '{ ... { x: __schema { types { name } } } ... on Query { y: customers(by: []) { name } } }',
  ])('cannot be combined with customer fields: %s', async (query) => {
    const { data, errors } = await gateway.query(query, {}, await headersOf('analyst'));
    expect(data ?? null).toBeNull();
    expect(errors).toMatchObject([
      {
        message: expect.stringMatching(/^Send "__schema" and "__type" in a separate operation/) as string,
        extensions: { code: 'BAD_USER_INPUT' },
      },
    ]);
  });

  test('can be combined with "__typename", and so can customers', async () => {
    const headers = await headersOf('analyst');
    const both = [
      '{ __typename __schema { queryType { name } } }',
      '{ __typename customer(by: { email: "everywhere@example.nl" }) { __typename } }',
    ];
    for (const query of both) expect((await gateway.query(query, {}, headers)).errors).toEqual([]);
  });
});
