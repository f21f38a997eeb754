import { stringify } from 'yaml';
import { afterEach, describe, expect, it } from 'vitest';
import type { Draft } from '../../../src/connect/draft.js';
import { restCall, restConnect } from '../../../src/declared/rest-grammar.js';
import { sendJson, startServer, type SmallServer } from '../../../src/testing/small-server.js';
import { budgetOf, connectBy, openReader, textsOf, type Connected } from './connected.js';
import { LIBRARY_TOKEN, libraryOpenapi, librarySystem, MEMBERS, type LibraryRules } from './library.js';

let server: SmallServer | undefined;
afterEach(() => server?.close());

const BY_IDS = 'GET /members?ids={keys|csv}';
const BY_ID = 'GET /members/{key}';
const BY_EMAIL = 'GET /members?email={key}';

async function connect(rules: LibraryRules = {}, by = BY_IDS, maxCalls = 20): Promise<Connected> {
  server = await startServer(librarySystem(rules));
  const url = new URL(`${server.url}/api/openapi.json`);
  return connectBy(
    { what: url.href, url },
    { environment: { LIBRARY_TOKEN }, budget: budgetOf(maxCalls) },
    by,
  );
}

const callsOf = ({ calls }: Draft) =>
  Object.fromEntries(Object.entries(calls).map(([name, { call }]) => [name, call]));

describe('connecting a REST system by its OpenAPI document', () => {
  it('finds the calls that find one person, the best first', async () => {
    const { look } = await connect();
    expect(look.candidates.map(({ name }) => name)).toEqual([
      BY_IDS,
      'POST /members/search {"emails":"{keys}"}',
      BY_ID,
      BY_EMAIL,
    ]);
    expect(look.candidates[0]?.evidence).toBe(
      'returns a list of Member at items by a list of keys, which is in the record at id',
    );
  });

  it.each([401, 403])('reads a document that needs the token, after status %i', async (status) => {
    const system = librarySystem();
    server = await startServer((request, response) => {
      if (request.headers.authorization === undefined) sendJson(response, {}, { status });
      else system(request, response);
    });
    const url = new URL(`${server.url}/api/openapi.json`);
    const reader = await openReader({ what: url.href, url }, { environment: { LIBRARY_TOKEN } });
    expect((await reader.look()).candidates.map(({ name }) => name)).toContain(BY_IDS);
  });

  it('drafts calls that the declaration accepts, with at most 20 calls that only read', async () => {
    const { draft, budget, values } = await connect({
      headers: { 'x-ratelimit-remaining': '9', 'x-ratelimit-reset': '30' },
    });
    // The id in the address of one member is unique in a list of ids too.
    expect(draft.calls['byId']?.isUnique).toBe(true);
    expect(callsOf(draft)).toEqual({
      byId: {
        ...{
          get: '/members',
          query: { ids: '{keys|csv}', limit: 50 },
          rows: 'items',
          key: 'id',
          maxBatch: 40,
        },
        page: { cursor: 'next', as: 'cursor', maxItems: 200, maxPages: 5 },
      },
      byEmail: {
        post: '/members/search',
        body: { emails: '{keys}' },
        rows: 'items',
        key: 'email',
        maxBatch: 250,
      },
      loans: {
        ...{ get: '/members/{key}/loans', query: { limit: 50 }, rows: 'items' },
        page: { cursor: 'next', as: 'cursor', maxItems: 200, maxPages: 5 },
      },
    });
    for (const { call } of Object.values(draft.calls)) expect(() => restCall.parse(call)).not.toThrow();
    expect(restConnect.parse(draft.connect)).toEqual({
      rest: '${LIBRARY_URL}',
      auth: { bearer: '${LIBRARY_TOKEN}' },
      ping: '/members?limit=1',
      rateLimitHeaders: { remaining: 'x-ratelimit-remaining', reset: 'x-ratelimit-reset' },
    });
    expect(values).toEqual({ LIBRARY_URL: `${server?.url ?? ''}/api`, LIBRARY_TOKEN });
    expect(budget.used).toBeLessThanOrEqual(20);
    expect(server?.seen).toHaveLength(budget.used);
    for (const { method, url } of server?.seen ?? [])
      expect(`${method} ${url}`).toMatch(/^(GET \/|POST \/api\/members\/search$)/);
  });

  it('makes the types of the record, with conversions, and leaves out circular references', async () => {
    const { draft, findings } = await connect();
    const shape = (type: Draft['customer'] | undefined) =>
      type?.fields.map(({ name, from, type: of, isList, isNullable }) =>
        [name, from, isList ? `[${of}]` : of, isNullable ? '' : '!'].join(' ').trim(),
      );
    expect(shape(draft.customer)).toEqual([
      'id id ID !',
      'email email String',
      'mobilePhone mobile_phone String',
      'firstName first_name String',
      'lastName last_name String',
      'status status Enum !',
      'joinedAt joined_at DateTime !',
      'birthDate birth_date Date',
      'cardNumber card_number String',
      'spent spent Money',
      'currency currency String',
      'addressStreet address.street String',
      'addressPostcode address.postcode String',
      'addressCity address.city String',
      'devices devices [LibraryMemberDevice] !',
      'tags tags [String] !',
      'note note String',
      'loans loans [LibraryLoan]',
    ]);
    const field = (name: string) => draft.customer.fields.find((found) => found.name === name);
    expect(field('email')?.description).toBe('Where letters are sent.');
    expect(field('status')?.values).toEqual(['active', 'ended', 'blocked']);
    expect(field('spent')?.conversion).toEqual({ money: { currency: { from: 'currency' } } });
    expect(field('loans')?.call).toEqual({ name: 'loans', key: 'id', order: ['-borrowedAt', 'loanNumber'] });
    expect(draft.types['LibraryLoan']?.fields.find(({ name }) => name === 'fine')?.conversion).toEqual({
      money: { currency: { from: 'currency' }, minorUnits: 2 },
    });
    expect(draft.customer).toMatchObject({
      name: 'LibraryMember',
      id: 'id',
      description: 'A member of the library.',
    });
    expect(textsOf(findings)).toContain('it refers back to its own type: Member.friend');
  });

  it('records the rows by key, without the texts around them', async () => {
    const { draft } = await connect();
    const { recorded } = draft.calls['byId'] ?? {};
    expect(Object.keys(recorded?.answers ?? {})).toHaveLength(70);
    expect(recorded?.answers[String(MEMBERS[0]?.id)]).toEqual([MEMBERS[0]]);
    expect(draft.calls['loans']?.recorded?.envelope).toEqual({ items: [], next: '' });
    expect(recorded?.latencyMs?.p50).toBeGreaterThan(0);
  });

  it.each([1, 3, 20, 25, 33, 40, 50, 64, 100, 149, 200, 249])(
    'measures that %i ids are the limit of a call',
    async (maxKeys) => {
      const { draft, budget } = await connect({ maxKeys, refusal: 400 });
      expect(draft.calls['byId']?.call).toMatchObject({ maxBatch: maxKeys });
      expect(budget.used).toBeLessThanOrEqual(20);
    },
  );

  it.each(['named', 400, 414, 422, 'cut off', 'as an error with status 200'] as const)(
    'measures the limit if a longer list is refused: %s',
    async (refusal) => {
      const { draft } = await connect({ maxKeys: 37, refusal });
      expect(draft.calls['byId']?.call).toMatchObject({ maxBatch: 37 });
    },
  );

  it('records whole records if the list of all records has only some of their members', async () => {
    const system = librarySystem();
    server = await startServer((request, response) => {
      const isList = /\/members(?:\?(?!.*ids=)|$)/.test(request.url);
      const end = response.end.bind(response) as (text?: unknown) => typeof response;
      response.end = ((text?: unknown) =>
        end(
          isList && typeof text === 'string' ? text.replaceAll(/"mobile_phone":"[^"]*",/g, '') : text,
        )) as never;
      system(request, response);
    });
    const url = new URL(`${server.url}/api/openapi.json`);
    const { draft } = await connectBy({ what: url.href, url }, { environment: { LIBRARY_TOKEN } }, BY_IDS);
    const phones = draft.customer.fields.find(({ name }) => name === 'mobilePhone')?.samples;
    expect(phones?.filter((value) => value != null).length).toBeGreaterThan(5);
    const recorded = Object.values(draft.calls['byId']?.recorded?.answers ?? {}).flat();
    expect(JSON.stringify(recorded)).toContain('mobile_phone');
  });

  it('reports a limit that it could not measure exactly', async () => {
    const { draft, findings } = await connect({ maxKeys: 33, refusal: 400 }, BY_IDS, 12);
    expect(Number(draft.calls['byId']?.call['maxBatch'])).toBeLessThanOrEqual(33);
    expect(textsOf(findings)).toContain('It may be more: there were no calls left');
  });

  it.each([
    [404, {}],
    [null, { notFound: null }],
    ['empty', { notFound: 'empty' }],
    ['error with status 200', { matching: 'loose' }],
  ] as const)('declares how an unknown key is answered: %s', async (unknownKey, declared) => {
    const { draft } = await connect({ unknownKey }, BY_ID);
    expect(draft.calls['byId']).toMatchObject({
      call: { get: '/members/{key}', key: 'id', ...declared },
      isUnique: true,
    });
    expect(draft.calls['byId']?.call['rows']).toBeUndefined();
  });

  it('refuses a call that answers an unknown key with a failure', async () => {
    await expect(connect({ unknownKey: 500 }, BY_ID)).rejects.toThrow(
      'GET /members/{key} answers an unknown key with status 500, so a missing record looks like a failure. Choose another call with --by.',
    );
  });

  it.each([
    [{ unknownKey: 'other record' }, BY_ID],
    [{ returnsOtherRecord: true }, BY_EMAIL],
  ] as const)('refuses a system that returns a record for an unknown key: %o', async (rules, by) => {
    await expect(connect(rules, by)).rejects.toThrow('returned a record for an unknown key');
  });

  it.each([
    ['exact', undefined],
    ['any case', 'lower'],
    ['similar', 'loose'],
  ] as const)('declares how a search compares: %s', async (search, matching) => {
    const { draft } = await connect({ search }, BY_EMAIL);
    expect(draft.calls['byEmail']?.call['matching']).toBe(matching);
  });

  it('reads YAML, and OpenAPI 3.1 and 2.0', async () => {
    server = await startServer(librarySystem());
    const environment = { LIBRARY_TOKEN, LIBRARY_URL: `${server.url}/api` };
    for (const text of [
      stringify(libraryOpenapi()),
      JSON.stringify(openapi31()),
      JSON.stringify(openapi2()),
    ]) {
      const { draft } = await connectBy({ what: 'x', path: '/x', text }, { environment }, BY_IDS);
      expect(draft.calls['byId']?.call).toMatchObject({ maxBatch: 40 });
      expect(draft.customer.fields.find(({ name }) => name === 'birthDate')).toMatchObject({
        type: 'Date',
        isNullable: true,
      });
      expect(draft.customer.fields.find(({ name }) => name === 'loans')?.type).toBe('LibraryLoan');
    }
  });

  it('never loads another document, and reports references to others', async () => {
    const document = libraryOpenapi();
    const paths = { ...document.paths, '/other': { $ref: 'http://127.0.0.1:9/other.json' } };
    const text = JSON.stringify({ ...document, paths });
    const environment = { LIBRARY_URL: 'http://127.0.0.1:9' };
    const reader = await openReader({ what: 'x', path: '/x', text }, { environment });
    expect(textsOf((await reader.look()).findings)).toContain(
      '1 references to other documents were not read',
    );
  });

  it.each([
    ['{"openapi": "3.0.0"}', 'is not an OpenAPI document'],
    ['openapi: 3.0.0\npaths: {"', 'neither JSON nor YAML'],
    [`{"openapi":"3.0.0","paths":{"/a":{"$ref":"#/paths/~1a"}}}`, 'circular references'],
  ])('refuses a document that it cannot read: %s', async (text, message) => {
    const reader = await openReader(
      { what: 'x', path: '/x', text },
      { environment: { LIBRARY_URL: 'http://127.0.0.1:9' } },
    );
    await expect(reader.look()).rejects.toThrow(message);
  });

  it('names the variable of refused credentials, and that of a missing address', async () => {
    server = await startServer(librarySystem());
    const text = JSON.stringify({ ...libraryOpenapi(), servers: [] });
    const target = { what: 'x', path: '/x', text };
    await expect(connectBy(target)).rejects.toThrow('Set LIBRARY_URL to it');
    const environment = { LIBRARY_URL: `${server.url}/api`, LIBRARY_TOKEN: 'wrong-secret' };
    const error: unknown = await connectBy(target, { environment }).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain('Set LIBRARY_TOKEN');
    expect(String(error)).not.toContain('wrong-secret');
  });

  it.each([
    [{ type: 'apiKey', in: 'header', name: 'X-Reader-Key' }, 'LIBRARY_KEY (the header X-Reader-Key)'],
    [{ type: 'http', scheme: 'bearer' }, 'LIBRARY_TOKEN'],
    [{ type: 'http', scheme: 'basic' }, 'LIBRARY_USER and LIBRARY_PASSWORD'],
  ])('names the missing credentials and the address before the first call: %o', async (scheme, variables) => {
    const document = {
      ...libraryOpenapi(),
      servers: [{ url: 'http://{town}.example.com/api', variables: { town: { default: 'demo' } } }],
      components: { ...libraryOpenapi().components, securitySchemes: { main: scheme } },
    };
    const budget = budgetOf(20);
    const reader = await openReader({ what: 'x', path: '/x', text: JSON.stringify(document) }, { budget });
    const text = textsOf((await reader.look()).findings);
    expect(text).toContain(`Set ${variables}.`);
    expect(text).toContain('The calls go to http://demo.example.com. LIBRARY_URL sets another address.');
    expect(budget.used).toBe(0);
  });

  it('writes no credential and no personal value into the findings', async () => {
    const { findings, look } = await connect();
    const text = textsOf([...findings, ...look.findings]);
    for (const { id, email, mobile_phone: phone } of MEMBERS)
      for (const value of [String(id), email, phone]) expect(text).not.toContain(value);
    expect(text).not.toContain(LIBRARY_TOKEN);
  });
});

/** The description in OpenAPI 3.1: null is a type. */
function openapi31(): object {
  const text = JSON.stringify(libraryOpenapi());
  return {
    ...(JSON.parse(
      text.replaceAll(
        '"type":"string","format":"date","nullable":true',
        '"type":["string","null"],"format":"date"',
      ),
    ) as object),
    openapi: '3.1.0',
  };
}

/** The description in OpenAPI 2.0: parameters have no schema, and answers have it at once. */
function openapi2(): object {
  const { paths, components } = libraryOpenapi();
  const converted = JSON.stringify(
    { swagger: '2.0', paths, definitions: components.schemas },
    (_, value: unknown) => {
      if (typeof value !== 'object' || value === null) return value;
      if ('in' in value && 'schema' in value) {
        const { schema, ...parameter } = value;
        return { ...parameter, ...(schema as object) };
      }
      if (!('content' in value)) return value;
      const { content, ...answer } = value;
      return {
        ...answer,
        schema: (content as { 'application/json': { schema: object } })['application/json'].schema,
      };
    },
  );
  return JSON.parse(converted.replaceAll('#/components/schemas/', '#/definitions/')) as object;
}
