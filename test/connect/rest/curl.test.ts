import { afterEach, describe, expect, it } from 'vitest';
import { isCurl, parseCurl } from '../../../src/connect/rest/curl.js';
import { restCall } from '../../../src/declared/rest-grammar.js';
import { sendJson, startServer, type SmallServer } from '../../../src/testing/small-server.js';
import { connectBy, textsOf } from './connected.js';
import { LIBRARY_TOKEN, librarySystem, MEMBERS } from './library.js';

let server: SmallServer | undefined;
afterEach(() => server?.close());

const URL_TEXT = 'https://api.example.com/v1/members?email=a%40b.nl';
const parsed = (text: string) => {
  const { method, url, headers, body } = parseCurl(text);
  return { method, url: url.href, headers, ...(body === undefined ? {} : { body }) };
};

describe('a curl command', () => {
  it.each([
    [
      'headers and flags',
      `curl -sSL '${URL_TEXT}' -H 'Authorization: Bearer t' -H "Accept: application/json"`,
      { authorization: 'Bearer t', accept: 'application/json' },
    ],
    [
      'lines',
      `curl --request GET \\\n  --url '${URL_TEXT}' \\\n  --header 'authorization: Bearer t'\n`,
      { authorization: 'Bearer t' },
    ],
    ['values at once', `curl -XGET -H'X-Api-Key:k' --url='${URL_TEXT}'`, { 'x-api-key': 'k' }],
    ['a user', `curl -u anna:pass:word '${URL_TEXT}'`, { authorization: `Basic ${btoa('anna:pass:word')}` }],
    [
      'a user in the address',
      `curl 'https://anna:p%40ss@api.example.com/v1/members?email=a%40b.nl'`,
      { authorization: `Basic ${btoa('anna:p@ss')}` },
    ],
    ['a bearer', `curl --oauth2-bearer t ${URL_TEXT.replace('?', '\\?')}`, { authorization: 'Bearer t' }],
    [
      'quotes in words',
      `curl "https://api.example.com/v1"/members'?email=a%40b.nl' -H $'X-Note: it\\'s \\x41\\u0042'`,
      { 'x-note': "it's AB" },
    ],
    ['data in the address', `curl -G https://api.example.com/v1/members --data-urlencode 'email=a@b.nl'`, {}],
  ])('is parsed with %s', (_, text, headers) => {
    expect(isCurl(text)).toBe(true);
    expect(parsed(text)).toEqual({ method: 'GET', url: URL_TEXT, headers });
  });

  it('is a POST if it has data', () => {
    expect(parsed(`curl https://a.example/search --json '{"email":"a@b.nl"}'`)).toEqual({
      ...{ method: 'POST', url: 'https://a.example/search', body: '{"email":"a@b.nl"}' },
      headers: { 'content-type': 'application/json' },
    });
  });

  it.each([
    ['curl https://a.example/$TOKEN', 'a shell would run or replace'],
    ['curl "https://a.example/$(id)"', 'a shell would replace'],
    ['curl https://a.example | jq .', 'a shell would run or replace'],
    ["curl 'https://a.example", 'a quote is not closed'],
    ['curl -X DELETE https://a.example/1', 'may change something'],
    ['curl -d @secret.json https://a.example', 'read from a file'],
    ['curl -H @headers https://a.example', 'is not "Name: value"'],
    ["curl -H 'Cookie: a=b' https://a.example", 'a cookie ends with its session'],
    ['curl --proxy http://p https://a.example', 'the option --proxy is not supported'],
    ['curl file:///etc/passwd', 'not one of http or https'],
    ['curl https://a.example https://b.example', 'must have one address'],
    ['curl https://a.example\ncurl https://b.example', 'several lines'],
  ])('is refused without quoting it: %s', (text, message) => {
    expect(() => parseCurl(text)).toThrow(message);
  });
});

const [member] = MEMBERS;
const connectCurl = async (textOf: (url: string) => string, rules = {}) => {
  server = await startServer(librarySystem(rules));
  return connectBy({ what: '-', text: textOf(`${server.url}/api`) });
};

describe('connecting a REST system by a curl command', () => {
  it.each([
    ['one record', `/members/${member?.id ?? ''}`, { get: '/api/members/{key}', key: 'id' }, 'byId'],
    [
      'a search',
      `/members?email=${member?.email ?? ''}`,
      { get: '/api/members', query: { email: '{key}' }, rows: 'items', key: 'email', matching: 'lower' },
      'byEmail',
    ],
    [
      'a list of keys',
      `/members?ids=${member?.id ?? ''},${MEMBERS[1]?.id ?? ''}`,
      { get: '/api/members', query: { ids: '{keys|csv}' }, rows: 'items', key: 'id', maxBatch: 40 },
      'byId',
    ],
  ])('finds the key of %s', async (_, path, call, name) => {
    const { draft, values, budget, findings, look } = await connectCurl(
      (url) => `curl '${url}${path}' -H 'Authorization: Bearer ${LIBRARY_TOKEN}'`,
    );
    expect(draft.calls[name]?.call).toMatchObject(call);
    expect(() => restCall.parse(draft.calls[name]?.call)).not.toThrow();
    expect(draft.customer.fields.length).toBeGreaterThan(10);
    expect(draft.connect).toMatchObject({ rest: '${LIBRARY_URL}', auth: { bearer: '${LIBRARY_TOKEN}' } });
    expect(values).toEqual({ LIBRARY_URL: server?.url, LIBRARY_TOKEN });
    expect(budget.used).toBeLessThanOrEqual(20);
    expect(server?.seen.every(({ method }) => method === 'GET')).toBe(true);
    const printed =
      textsOf([...look.findings, ...findings]) +
      JSON.stringify(look.candidates) +
      JSON.stringify([draft.connect, draft.variables]);
    for (const value of [LIBRARY_TOKEN, member?.email ?? '-', String(member?.id)])
      expect(printed).not.toContain(value);
  });

  it('finds the key of a search by POST', async () => {
    const { draft } = await connectCurl(
      (url) =>
        `curl ${url}/members/search -H 'Authorization: Bearer ${LIBRARY_TOKEN}' --json '{"emails":["${member?.email ?? ''}"]}'`,
    );
    expect(draft.calls['byEmail']?.call).toMatchObject({
      post: '/api/members/search',
      body: { emails: '{keys}' },
      rows: 'items',
    });
  });

  it.each([
    [`/members?email=${member?.email ?? ''}&api_key=very-secret-key`, 'has a credential in its query'],
    ['/members/1', 'finds no record'],
    ['/members', 'No value of the curl command is a key'],
  ])('refuses a command without a usable key: %s', async (path, message) => {
    const error: unknown = await connectCurl(
      (url) => `curl '${url}${path}' -H 'Authorization: Bearer ${LIBRARY_TOKEN}'`,
    ).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain(message);
    expect(String(error)).not.toContain('very-secret-key');
  });

  it('sends no POST whose address does not suggest a search', async () => {
    const refused = connectCurl(
      (url) => `curl ${url}/members -H 'Authorization: Bearer ${LIBRARY_TOKEN}' --json '{"email":"a@b.nl"}'`,
    );
    await expect(refused).rejects.toThrow('it may change something. Nothing was sent.');
    expect(server?.seen).toEqual([]);
  });

  it('finds the last id of a page, which the command does not show, if the answer reports more rows', async () => {
    const { findings } = await connectCurl(
      (url) =>
        `curl '${url}/members?email=${member?.email ?? ''}&limit=20' -H 'Authorization: Bearer ${LIBRARY_TOKEN}'`,
      { paging: 'last id' },
    );
    expect(textsOf(findings)).toContain('It continues by the id of the last row, as starting_after');
  });

  it('reads a system with one address for all methods, which writes an empty object as an empty list', async () => {
    server = await startServer(({ url }, response) => {
      const id = new URL(url, 'http://program').searchParams.get('memberId');
      sendJson(response, id === 'm1017' ? { memberId: id, email: 'reader@example.nl', name: 'Anna' } : []);
    });
    const { draft } = await connectBy({
      what: '-',
      text: `curl '${server.url}/index.php?method=Members.getProfile&memberId=m1017'`,
    });
    expect(Object.values(draft.calls).map(({ call }) => call)).toEqual([
      expect.objectContaining({
        ...{ get: '/index.php', query: { method: 'Members.getProfile', memberId: '{key}' } },
        notFound: 'empty',
      }),
    ]);
    expect(draft.customer.name).toBe('LibraryRecord');
  });
});
