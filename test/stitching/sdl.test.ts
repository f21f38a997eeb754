import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isNonNullType,
  isObjectType,
  parse,
  validate,
} from 'graphql';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/errors.js';
import { commonNamespaces } from '../../src/identity/identifiers.js';
import { publish } from '../../src/stitching/publish.js';
import { composeSdl, readSdlFiles, timelinesOf, type SdlFile } from '../../src/stitching/sdl.js';
import { sources } from '../../sources/index.js';
import { createTestGateway } from '../support/gateway.js';
import { at } from '../support/read.js';
import { directSettings, FOUR_SYSTEMS } from '../support/stand-ins.js';
import { localSource } from '../support/local-source.js';

const NAMESPACES = commonNamespaces('NL');
const SOURCES = ['order-system', 'webshop', 'contact-centre', 'crm-hubspot'];

/** Returns the problems of the files of the gateway and of further files. */
function problemsOf(...more: SdlFile[]): readonly string[] {
  try {
    composeSdl([...readSdlFiles(SOURCES), ...more], NAMESPACES);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const loyalty = (text: string): SdlFile => ({
  name: 'schema/sources/loyalty.graphql',
  text,
  source: 'loyalty',
});

describe('the SDL of the sources', () => {
  test('has no problems', () => {
    expect(problemsOf()).toEqual([]);
    expect(
      problemsOf(loyalty('type Customer @foundBy(identifier: "customerNumber") { points: Int }')),
    ).toEqual([]);
  });

  test.each([
    [
      'a field',
      'type Customer @foundBy(identifier: "customerNumber") { cart: Int }',
      '"Customer.cart"',
      'webshop',
    ],
    [
      'a field of the core schema',
      'type Customer @foundBy(identifier: "customerNumber") { name: Int }',
      '"Customer.name"',
      '',
    ],
    ['a type', 'enum OrderStatus { NEW }', '"OrderStatus"', 'order-system'],
    ['a scalar', 'scalar Decimal', '"Decimal"', ''],
    ['a type of another kind', 'type OrderStatus { id: ID }', '"OrderStatus"', 'order-system'],
    ['a directive', 'directive @foundBy(x: Int) on OBJECT', '"@foundBy"', ''],
    ['the key to customers', 'input CustomerKey { x: Int }', '"CustomerKey"', ''],
    [
      'a key field of another type',
      'type Product @foundBy(field: "sku") { sku: String }',
      '"Product.sku"',
      '',
    ],
    [
      'a key field that is not a key in the other file',
      'type Order @foundBy(field: "number") { number: String! }',
      '"Order.number"',
      'order-system',
    ],
    ['an object without a way to find it', 'type Product { stock: Int }', '"Product"', ''],
  ])('refuses %s that another file declares too, naming both files', (_, text, name, source) => {
    const problems = problemsOf(loyalty(text));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(name);
    expect(problems[0]).toContain('schema/sources/loyalty.graphql');
    const others = problems[0]?.replace('schema/sources/loyalty.graphql', '') ?? '';
    expect(others).toMatch(
      source === '' ? /schema\/|identifiers of the sources/ : `schema/sources/${source}.graphql`,
    );
  });

  test('allows a source to find a company by each number of the core schema', () => {
    const scores = (key: string, type: string) =>
      problemsOf(loyalty(`type Company @foundBy(field: "${key}") { ${key}: ${type} score: Int }`));
    expect(scores('kvkNumber', 'String')).toEqual([]);
    expect(scores('vatNumber', 'String')).toEqual([]);
    expect(scores('vatNumber', 'Int')).toMatchObject([expect.stringContaining('"Company.vatNumber"')]);
  });

  test('refuses a key that is not a field', () => {
    expect(problemsOf(loyalty('type Product @foundBy(field: "sku") { stock: Int }'))).toEqual([
      'schema/sources/loyalty.graphql finds "Product" by "sku", so it must declare that field too.',
    ]);
  });

  test('reports the file and line of a syntax error', () => {
    const problems = problemsOf(loyalty('type Points {\n  amount: Int\n  expires DateTime\n}\n'));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^schema\/sources\/loyalty\.graphql line 3: Syntax Error/);
  });

  test('allows a source to add values to an extensible enum', () => {
    const extension =
      'extend enum TimelineKind { "A letter." LETTER @requiresScopes(scopes: [["profile:read"]]) }';
    expect(problemsOf(loyalty(extension))).toEqual([]);
  });

  test.each([
    ['to another enum', 'extend enum Purpose { FUN }', '"Purpose" is not an enum with @extensible'],
    [
      'to an unknown enum',
      'extend enum Mood { GOOD }',
      '"Mood" is not an enum with @extensible, so sources cannot extend it',
    ],
    [
      'that exist already',
      'extend enum TimelineKind { ORDER }',
      '"TimelineKind.ORDER" is declared in schema/customer',
    ],
    ['with an unknown directive', 'extend enum TimelineKind { LETTER @private }', '"@private"'],
  ])('refuses to add values %s, with file and line', (_, text, says) => {
    const problems = problemsOf(loyalty(text));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^schema\/sources\/loyalty\.graphql line 1: /);
    expect(problems[0]).toContain(says);
  });

  test('refuses a timeline with a kind that no file declares', () => {
    const sources = [{ name: 'mail', timeline: { kinds: ['LETER'], page: () => Promise.resolve([]) } }];
    const letter = loyalty('extend enum TimelineKind { LETTER }');
    expect(() => timelinesOf(sources, composeSdl([...readSdlFiles([]), letter], NAMESPACES))).toThrow(
      'mail has the kind "LETER" in its timeline, which is not a value of TimelineKind. Did you mean "LETTER"?',
    );
  });

  test('refuses extensions of types', () => {
    expect(problemsOf(loyalty('query { customer }')).join()).toContain('schema/sources/loyalty.graphql');
    expect(problemsOf(loyalty('extend type Customer { points: Int }')).join()).toContain('declares types');
  });

  test('reports all problems at once', () => {
    const problems = problemsOf(
      loyalty(
        'type Customer @foundBy(identifier: "customerNumber") { cart: Int tickets: Int } enum OrderStatus { X }',
      ),
      { name: 'schema/sources/mail.graphql', text: 'type {', source: 'mail' },
    );
    expect(problems).toHaveLength(4);
    expect(problems.join('\n')).toMatch(
      /Customer\.cart[^]*Customer\.tickets[^]*OrderStatus[^]*mail\.graphql line 1/,
    );
  });

  test('reports a missing file', () => {
    expect(() => readSdlFiles(['webshop', 'no-such-source'])).toThrow(
      /schema\/sources\/no-such-source\.graphql/,
    );
  });
});

describe('a gateway with invalid SDL', () => {
  const { source, environment } = localSource('loyalty');
  const start = (text: string) => () =>
    createTestGateway(
      { ...directSettings(), ...environment },
      { sources: [...sources, source], sdl: { loyalty: text } },
    );

  test('fails to start if two files declare the same field', () => {
    expect(start('type Customer @foundBy(identifier: "customerNumber") { cart: Int orders: Int }')).toThrow(
      /cannot start:[^]*"Customer\.cart"[^]*webshop\.graphql and schema\/sources\/loyalty\.graphql[^]*"Customer\.orders"[^]*order-system\.graphql and schema\/sources\/loyalty\.graphql/,
    );
  });

  test.each([
    ['an undeclared type', 'type Customer @foundBy(identifier: "customerNumber") { tier: Tier }', 'Tier'],
    ['no fields', 'type Tier', 'Tier'],
  ])('fails to start with %s', (_, text, named) => {
    expect(start(text)).toThrow(ConfigError);
    expect(start(text)).toThrow(named);
  });
});

describe('the schema', () => {
  const gateway = createTestGateway(directSettings(FOUR_SYSTEMS));
  afterAll(() => gateway.close());
  const { schema } = gateway;

  test('has no private entry points, so they cannot be queried', async () => {
    expect(Object.keys(schema.getQueryType()?.getFields() ?? {})).toEqual([
      'me',
      'customer',
      'identify',
      'customers',
      'findCustomers',
      'audience',
      'audiencePlan',
      'company',
    ]);
    expect(publish(schema)).not.toMatch(/\b_\w/);
    const { data, errors } = await gateway.query('{ _webshopCustomers(ids: ["1"]) { locale } }');
    expect(data ?? null).toBeNull();
    expect(errors[0]?.message).toContain('_webshopCustomers');
    const introspected = await gateway.query(
      '{ __schema { queryType { fields { name } } directives { name } } }',
    );
    expect(JSON.stringify(introspected.data)).not.toMatch(/_webshop|"key"/);
  });

  test('finds a customer by exactly one identifier of the sources', () => {
    const key = schema.getType('CustomerKey');
    if (!isInputObjectType(key)) throw new Error('CustomerKey is not an input type.');
    expect(key.isOneOf).toBe(true);
    expect(publish(schema)).toContain('input CustomerKey @oneOf {');
    expect(Object.keys(key.getFields()).sort()).toEqual([
      'customerNumber',
      'email',
      'facebookUserId',
      'hubspotContactId',
      'id',
      'kvkNumber',
      'phone',
      'shopifyCustomerId',
      'vatNumber',
      'visitorId',
      'zendeskUserId',
    ]);
    const two = parse('{ customer(by: {email: "a@example.nl", phone: "06"}) { name } }');
    expect(validate(schema, two)).not.toEqual([]);
  });

  test('has neutral names, not those of a vendor', () => {
    expect(
      Object.keys(schema.getTypeMap()).filter((name) => /Shopify|DraftOrder|MoneyV2|Variant/.test(name)),
    ).toEqual([]);
  });

  test('has nullable fields for every source, so that an unavailable system affects only its fields', () => {
    const { owners, keys } = composeSdl(readSdlFiles(SOURCES), NAMESPACES);
    let checked = 0;
    for (const [path, source] of owners) {
      const [typeName = '', fieldName = ''] = path.split('.');
      const type = schema.getType(typeName);
      const key = keys.get(source)?.get(typeName);
      // Only fields of objects that several sources extend must be nullable. A source returns its other objects
      // completely.
      if (key === undefined || !isObjectType(type) || ('field' in key && key.field === fieldName)) continue;
      // Only the order system returns orders, and the webshop adds fields.
      if (typeName === 'Order' && source === 'order-system') continue;
      expect(isNonNullType(type.getFields()[fieldName]?.type), path).toBe(false);
      checked += 1;
    }
    expect(checked).toBeGreaterThan(10);
  });

  test('describes every type and field', () => {
    const bare = Object.values(schema.getTypeMap())
      .filter(({ name }) => !name.startsWith('__') && !isLeafOfGraphql(name))
      .flatMap((type) => [
        ...(type.description === null || type.description === undefined ? [type.name] : []),
        ...(isObjectType(type) || isInputObjectType(type)
          ? Object.values(type.getFields()).filter(({ description }) => !description)
          : isEnumType(type)
            ? type.getValues().filter(({ description }) => !description)
            : []
        ).map(({ name }: { name: string }) => `${type.name}.${name}`),
      ]);
    expect(bare.filter((name) => name !== 'Query' && name !== 'Subscription')).toEqual([]);
  });

  test('has the description of the first file that describes a type or key field', () => {
    const describing = (name: string) => ({
      ...localSource(name, { resolvers: { Company: { [name]: () => null } } }),
      sdl: `
        "A company in ${name}."
        type Company @foundBy(field: "kvkNumber") @personalData(category: NONE) {
          "The number in ${name}."
          kvkNumber: String @personalData(category: COMPANY, mask: LAST_FOUR)
          "The ${name} of it."
          ${name}: Parcel
        }
        "A parcel in ${name}."
        type Parcel @foundBy(field: "code") @personalData(category: NONE) {
          "The code in ${name}."
          code: ID
        }`,
    });
    const both = ['lockers', 'vans'].map(describing);
    const environment = Object.fromEntries(both.flatMap((each) => Object.entries(each.environment)));
    const gateway = createTestGateway(environment, {
      sources: both.map(({ source }) => source),
      sdl: Object.fromEntries(both.map(({ source, sdl }) => [source.name, sdl])),
    });
    const describe = (path: string): string | null | undefined => {
      const [typeName = '', fieldName] = path.split('.');
      const type = gateway.schema.getType(typeName);
      return fieldName === undefined || !isObjectType(type)
        ? type?.description
        : type.getFields()[fieldName]?.description;
    };
    expect(describe('Company')).toMatch(/^A company or another organisation/);
    expect(describe('Company.kvkNumber')).toMatch(/^Its number in the Dutch trade register/);
    expect(describe('Company.vans')).toBe('The vans of it.');
    expect(describe('Parcel')).toBe('A parcel in lockers.');
    expect(describe('Parcel.code')).toBe('The code in lockers.');
  });

  function isLeafOfGraphql(name: string): boolean {
    const type = schema.getType(name);
    return (
      type !== undefined &&
      isLeafType(type) &&
      ['ID', 'String', 'Int', 'Boolean', 'Float'].includes(getNamedType(type).name)
    );
  }

  test('contains only the SDL of plugged-in sources', async () => {
    const settings = Object.entries(directSettings());
    const two = createTestGateway(
      Object.fromEntries(settings.filter(([name]) => /^(WEBSHOP|CRM_HUBSPOT)_/.test(name))),
    );
    expect(two.sources).toEqual(['webshop', 'crm-hubspot']);
    const text = publish(two.schema);
    for (const name of ['cart:', 'deals(', 'type Product', 'hubspotContactId', 'shopifyCustomerId', 'phone'])
      expect(text.includes(name), name).toBe(true);
    for (const name of [
      'orders(',
      'copiedTickets(',
      'campaigns(',
      'type Order',
      'customerNumber',
      'zendeskUserId',
    ])
      expect(text.includes(name), name).toBe(false);
    const { data, errors } = await two.query(
      '{ customer(by: {email: "everywhere@example.nl"}) { id name company { name } cart { lines { nodes { product { sku title } } } } systems { source } } }',
    );
    await two.close();
    expect(errors).toEqual([]);
    expect(data).toMatchObject({
      customer: {
        name: 'Eva van der Meer',
        systems: [{ source: 'WEBSHOP' }, { source: 'CRM_HUBSPOT' }],
        cart: { lines: { nodes: [{ product: { sku: expect.any(String) as string } }] } },
      },
    });
  });

  test('shares a product with the webshop only if the webshop is plugged in', async () => {
    const alone = createTestGateway({ ORDER_SYSTEM_URL: directSettings().ORDER_SYSTEM_URL });
    const product = alone.schema.getType('Product');
    expect(isObjectType(product) ? Object.keys(product.getFields()) : []).toEqual(['sku']);
    const { data, errors } = await alone.query(
      '{ customer(by: {email: "everywhere@example.nl"}) { orders(first: 1) { nodes { lines { product { sku } } } } } }',
    );
    await alone.close();
    expect(errors).toEqual([]);
    expect(at(data, 'customer', 'orders', 'nodes', 0, 'lines', 0, 'product', 'sku')).toEqual(
      expect.any(String),
    );
  });
});
