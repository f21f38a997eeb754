import { describe, expect, it } from 'vitest';
import type { ReceivedRequest } from '../../src/recordings/http-stand-in.js';
import { odataSystem } from '../../src/recordings/odata-system.js';
import type { Recording } from '../../src/recordings/recording.js';
import { allKeys, allRows, recordedRows, setMember } from '../../src/recordings/recorded-rows.js';
import { restSystem } from '../../src/recordings/rest-system.js';
import { jsonText, type ServedCall, type StandInBehaviour } from '../../src/recordings/stand-in.js';

const ROWS = [1, 2, 3, 4, 5].map((no) => ({ no }));

function recordingOf(kind: 'rest' | 'odata', call: object, more: object = {}): Recording {
  return {
    ...{ version: 1, source: 'club', kind, recordedAt: '2026-11-01T00:00:00.000Z', system: {} },
    calls: { rides: { call, answers: { a: ROWS, b: [{ no: 6 }], 'c,d': [] }, ...more } as never },
    examples: [],
  };
}

function request(path: string, { body, ...more }: Partial<ReceivedRequest> = {}): ReceivedRequest {
  const [at = '', search = ''] = path.split('?', 2);
  return {
    ...{ method: body === undefined ? 'GET' : 'POST', path: at, query: new URLSearchParams(search), body },
    ...{ header: () => undefined, origin: 'http://club', ...more },
  };
}

/** The answer, and the request as it was noted. */
async function answerOf(
  system: ReturnType<typeof restSystem>,
  sent: ReceivedRequest,
  behaviour: StandInBehaviour = {},
  isExceeded = false,
) {
  const served: ServedCall[] = [];
  const answer = await system.answer(sent, {
    ...{ behaviour, note: (call: ServedCall) => served.push(call), isExceeded: () => isExceeded },
  });
  return { answer, served: served[0] };
}

const numbers = (rows: unknown) => (rows as { no: number }[]).map(({ no }) => no);

describe('a recorded REST call', () => {
  const keysOf = async (call: object, sent: ReceivedRequest) =>
    (await answerOf(restSystem(recordingOf('rest', call)), sent)).served?.keys;

  it.each([
    ['/rides/{key}', '/rides/a', ['a']],
    ['/rides/{key}', '/rides/a%2Fb', ['a/b']],
    ['/rides/{key}', '/rides/', undefined],
    ['/rides/{key}', '/rides/a/b', undefined],
    ['/rides/{key}', '/ridesXa', undefined],
    ['/rides/{key}', '/rides/a?all=1', undefined],
    ['/rides/{key}?all=1', '/rides/a?all=1', ['a']],
    ['/rides/{key}?all=1', '/rides/a?all=2', undefined],
    ['/rides/{key}?all=1', '/rides/a', undefined],
    ['/{key}/rides/{key}', '/a/rides/a', ['a']],
    ['/{key}/rides/{key}', '/a/rides/b', undefined],
    ['/rides.json?of={key}', '/rides.json?of=a', ['a']],
    ['/rides.json?of={key}', '/ridesXjson?of=a', undefined],
    ['/rides?of={keys|csv}', '/rides?of=a,b', ['a', 'b']],
    ['/rides?of={keys|repeat}', '/rides?of=a&of=b', ['a', 'b']],
    ['/rides?of={keys|repeat}', '/rides?of=a&for=b', undefined],
    ['/rides?of={keys|repeat}', '/rides', undefined],
  ])('%s is requested by %s for %o', async (get, path, keys) => {
    expect(await keysOf({ get, rows: '.' }, request(path))).toEqual(keys);
  });

  const embedded = { keys: 'of:{key}!', join: ' OR ', allow: '^\\w+$' };
  it.each([
    [{ q: embedded }, 'of:a! OR of:b!', ['a', 'b']],
    [{ q: embedded }, 'of:a!', ['a']],
    [{ q: embedded }, 'of:a! OR b!', undefined],
    [{ q: embedded }, 'of:a', undefined],
    [{ q: embedded }, 'of:a-b!', undefined],
    [{ q: { key: 'of:{key}', allow: '^\\w+$' } }, 'of:a', ['a']],
    [{ q: '{key}', sort: 'no' }, 'a', undefined],
  ])('with the query %o is requested by %s for %o', async (query, q, keys) => {
    const sent = request(`/rides?${new URLSearchParams({ q }).toString()}`);
    expect(await keysOf({ get: '/rides', query, rows: '.' }, sent)).toEqual(keys);
  });

  it.each([
    [{ ids: '{keys}' }, { ids: ['a', 'b'] }, ['a', 'b']],
    [{ ids: '{keys}' }, { ids: [] }, undefined],
    [{ ids: '{keys}' }, { ids: ['a', 1] }, undefined],
    [{ ids: '{keys}' }, { ids: 'a' }, undefined],
    [{ ids: '{keys|number}' }, { ids: [1, 2] }, ['1', '2']],
    [{ ids: '{keys|number}' }, { ids: ['1'] }, undefined],
    [{ id: '{key}' }, { id: 'a' }, ['a']],
    [{ id: '{key|number}' }, { id: 7 }, ['7']],
    [{ area: '{key|first 2}', no: '{key|after 2}' }, { area: 'NL', no: '12' }, ['NL12']],
    [{ area: '{key|first 2}', no: '{key|after 2}' }, { area: 'NL', no: 12 }, undefined],
    [{ of: [{ id: '{key}' }], all: true }, { of: [{ id: 'a' }], all: true }, ['a']],
    [{ of: [{ id: '{key}' }], all: true }, { of: [{ id: 'a' }], all: false }, undefined],
    [{ of: [{ id: '{key}' }] }, { of: [{ id: 'a' }, { id: 'b' }] }, undefined],
    [{ id: '{key}' }, { id: 'a', all: true }, undefined],
    [{ id: '{key}', all: 'yes' }, { id: 'a', all: 'no' }, undefined],
    [{ all: 'yes' }, { all: 'yes' }, undefined],
  ])('with the body %o is requested by %o for %o', async (body, sent, keys) => {
    expect(await keysOf({ post: '/rides', body, rows: '.' }, request('/rides', { body: sent }))).toEqual(
      keys,
    );
    expect(await keysOf({ post: '/rides', body, rows: '.' }, request('/rides'))).toBeUndefined();
  });

  it.each([
    ['exact', 'a', [1, 2, 3, 4, 5]],
    ['exact', 'A', []],
    ['lower', 'A', [1, 2, 3, 4, 5]],
    ['loose', 'C', []],
    ['collation', 'á', [1, 2, 3, 4, 5]],
  ])('compares keys %s: %s finds %o', async (matching, key, found) => {
    const system = restSystem(recordingOf('rest', { get: '/rides?of={key}', rows: '.', matching }));
    const { answer } = await answerOf(system, request(`/rides?of=${encodeURIComponent(key)}`));
    expect(numbers(answer?.body)).toEqual(found);
    expect(numbers(system.rowsOf('rides', key))).toEqual(found);
  });

  it('has each row once, unless one key has it twice', () => {
    const recorded = { call: {}, answers: { a: [{ no: 1 }, { no: 1 }], ab: [{ no: 1 }, { no: 2 }] } };
    expect(numbers(recordedRows({ matching: 'loose' }, recorded, ['a', 'b']))).toEqual([1, 1, 2]);
  });

  it.each<[string, object, object, StandInBehaviour, unknown]>([
    ['one record', { get: '/rides/{key}' }, {}, {}, { status: 404, body: { error: 'Not found.' } }],
    ['an empty record', { get: '/rides/{key}', notFound: 'empty' }, {}, {}, { status: 200, body: {} }],
    ['null', { get: '/rides/{key}', notFound: null }, {}, {}, { status: 200, body: null }],
    ['an empty list', { get: '/rides/{key}', rows: 'data' }, {}, {}, { status: 200, body: { data: [] } }],
    [
      'a list in an envelope',
      { get: '/rides/{key}', rows: 'data.rides' },
      { envelope: { data: { more: 1 } } },
      {},
      { status: 200, body: { data: { more: 1, rides: [] } } },
    ],
    [
      'the second of two answers',
      { get: '/rides/{key}', rows: 'data', notFound: ['empty', 404] },
      {},
      { notFoundAnswer: 1 },
      { status: 404 },
    ],
  ])('reports an unknown key by %s', async (_, call, more, behaviour, expected) => {
    const system = restSystem(recordingOf('rest', call, more));
    expect((await answerOf(system, request('/rides/zz'), behaviour)).answer).toMatchObject(
      expected as object,
    );
  });

  const page = (more: object) => ({ get: '/rides?of={key}', rows: 'data', page: { maxItems: 50, ...more } });
  it.each<[string, object, string, StandInBehaviour, number[], unknown]>([
    ['the first by cursor', page({ cursor: 'next', as: 'at' }), '', {}, [1, 2, 3], { next: '3' }],
    ['the next by cursor', page({ cursor: 'next', as: 'at' }), '&at=3', {}, [4, 5], { next: null }],
    ['the first by offset', page({ offset: 'skip', size: 2 }), '', {}, [1, 2], {}],
    ['the next by offset', page({ offset: 'skip', size: 2 }), '&skip=2', {}, [3, 4], {}],
    ['the first by number', page({ number: 'p', size: 2 }), '&p=1', {}, [1, 2], {}],
    ['the last by number', page({ number: 'p', size: 2 }), '&p=3', {}, [5], {}],
    ['the first from zero', page({ number: 'p', size: 2, first: 0 }), '&p=0', {}, [1, 2], {}],
    ['the next from zero', page({ number: 'p', size: 2, first: 0 }), '&p=1', {}, [3, 4], {}],
    ['a smaller one', page({ offset: 'skip', size: 2, limit: 'take' }), '&take=1', {}, [1], {}],
    ['no larger one', page({ offset: 'skip', size: 2, limit: 'take' }), '&take=9', {}, [1, 2], {}],
    ['not an empty one', page({ offset: 'skip', size: 2, limit: 'take' }), '&take=0', {}, [1, 2], {}],
    [
      'the first by link',
      page({ next: 'links.next' }),
      '',
      {},
      [1, 2, 3],
      { links: { next: 'http://club/rides?of=a&recorded-page=3' } },
    ],
    [
      'the last by link',
      page({ next: 'links.next' }),
      '&recorded-page=3',
      {},
      [4, 5],
      { links: { next: null } },
    ],
    [
      'another one of an endless list',
      page({ cursor: 'next', as: 'at' }),
      '&at=4',
      { isEndless: true },
      [5, 1, 2],
      { next: '7' },
    ],
    ['one of changed rows', page({ offset: 's', size: 2 }), '', { changeRows: () => [{ no: 9 }] }, [9], {}],
  ])('has pages: %s', async (_, call, more, behaviour, expected, envelope) => {
    const system = restSystem(recordingOf('rest', call));
    const { answer, served } = await answerOf(system, request(`/rides?of=a${more}`), behaviour);
    const { data, ...others } = answer?.body as { data: unknown };
    expect([numbers(data), others]).toEqual([expected, envelope]);
    expect((served?.to ?? 0) - (served?.from ?? 0)).toBe(expected.length);
    expect(served).toMatchObject({ call: 'rides', keys: ['a'], isTooLarge: false });
    expect(served?.of).toBe(behaviour.changeRows === undefined ? 5 : 1);
  });

  it('has a link in a header only to a further page', async () => {
    const system = restSystem(recordingOf('rest', page({ link: 'header' })));
    const linkOf = async (more: string) =>
      (await answerOf(system, request(`/rides?of=a${more}`))).answer?.headers?.['link'];
    expect(await linkOf('')).toBe('<http://club/rides?of=a&recorded-page=3>; rel="next"');
    expect(await linkOf('&recorded-page=3')).toBeUndefined();
  });

  it.each([
    ['a,b', 200, false],
    ['a,b,zz', 400, true],
  ])('with two keys at most answers those of %s with status %d', async (keys, status, isTooLarge) => {
    const call = { get: '/rides?of={keys|csv}', rows: '.', maxBatch: 2 };
    const { answer, served } = await answerOf(
      restSystem(recordingOf('rest', call)),
      request(`/rides?of=${keys}`),
    );
    expect([answer?.status, served?.isTooLarge]).toEqual([status, isTooLarge]);
  });

  it('is not answered after too many requests', async () => {
    const system = restSystem(recordingOf('rest', { get: '/rides/{key}', rows: '.' }));
    const { answer, served } = await answerOf(system, request('/rides/a'), {}, true);
    expect([answer?.status, served?.isTooLarge]).toEqual([400, false]);
  });

  it.each([
    [
      { get: '/rides/{key}' },
      { takesBatch: false, maxBatch: undefined, notFoundAnswers: 1, page: undefined },
    ],
    [
      { get: '/r?of={keys|csv}', rows: '.', maxBatch: 9, notFound: ['empty', 404] },
      { takesBatch: true, maxBatch: 9, notFoundAnswers: 2 },
    ],
    [
      page({ offset: 's', size: 2, acceptPart: true }),
      { page: { size: 2, maxItems: 50, acceptsPart: true } },
    ],
    [page({ cursor: 'n', as: 'a' }), { page: { size: undefined, maxItems: 50, acceptsPart: false } }],
  ])('has the facts of %o', (call, facts) => {
    expect(restSystem(recordingOf('rest', call)).calls.get('rides')).toMatchObject({
      ...{ keys: ['a', 'b'], ...facts },
    });
  });
});

describe('a recorded OData call', () => {
  const set = { set: 'rides', by: 'member/no' };
  const keysOf = async (call: object, path: string) =>
    (await answerOf(odataSystem(recordingOf('odata', call)), request(path))).served?.keys;
  const filter = (text: string, more = '') => `/rides?$filter=${encodeURIComponent(text)}${more}`;

  it.each([
    [{ entity: 'rides' }, "/rides('a')", ['a']],
    [{ entity: 'rides' }, "/rides('it''s')", ["it's"]],
    [{ entity: 'rides' }, '/rides(7)', ['7']],
    [{ entity: 'rides' }, '/rides', undefined],
    [{ entity: 'rides' }, "/members('a')", undefined],
    [set, filter("member/no in ('a','b')"), ['a', 'b']],
    [set, filter("member/no in ('a, b','c')"), ['a, b', 'c']],
    [set, filter("(member/no eq 'a' or member/no eq 'b')"), ['a', 'b']],
    [set, filter("member/no eq 'a'"), ['a']],
    [set, filter("no eq 'a'"), undefined],
    [set, filter("member/no in ('a') and open eq true"), undefined],
    [set, filter("member/no gt 'a'"), undefined],
    [set, '/rides', undefined],
    [set, filter("member/no in ('a')", '&$orderby=no'), undefined],
    [set, filter("member/no in ('a')", '&$expand=bike'), undefined],
    [{ ...set, order: ['-no', 'day'] }, filter("member/no in ('a')", '&$orderby=no desc,day'), ['a']],
    [{ ...set, expand: ['bike', 'route'] }, filter("member/no in ('a')", '&$expand=route,bike'), ['a']],
    [{ ...set, where: { open: true } }, filter("member/no in ('a') and open eq true"), ['a']],
    [{ ...set, where: { open: true } }, filter("member/no in ('a') and open eq false"), undefined],
    [{ ...set, where: { open: true } }, filter("member/no in ('a')"), undefined],
    [{ ...set, where: { kind: ['x', 'y'] } }, filter("member/no in ('a') and kind in ('x','y')"), ['a']],
  ])('%o is requested by %s for %o', async (call, path, keys) => {
    expect(await keysOf(call, path)).toEqual(keys);
  });

  it.each([
    ['4', true, "member/no in ('a')", '', { value: [1, 2, 3], next: '@odata.nextLink' }],
    ['4', true, "member/no in ('a')", '&recorded-page=3', { value: [4, 5], next: undefined }],
    ['2', false, "member/no eq 'a'", '', { value: [1, 2, 3], next: '__next' }],
    ['2', false, "member/no eq 'a'", '&recorded-page=3', { value: [4, 5], next: undefined }],
  ])('has pages in version %s', async (_, is4, text, more, { value, next }) => {
    const header = () => (is4 ? 'application/json;odata.metadata=minimal' : 'application/json');
    const sent = request(filter(text, more), { header });
    const { answer } = await answerOf(odataSystem(recordingOf('odata', set)), sent);
    const body = answer?.body as Record<string, unknown>;
    const list = is4 ? body : (body['d'] as Record<string, unknown>);
    expect(numbers(list[is4 ? 'value' : 'results'])).toEqual(value);
    expect(Object.keys(list)).toHaveLength(next === undefined ? 1 : 2);
    if (next !== undefined) expect(list[next]).toMatch(/^http:\/\/club\/rides\?.*recorded-page=3$/);
  });

  it.each([
    ["/rides('b')", true, 200, { no: 6 }],
    ["/rides('b')", false, 200, { d: { no: 6 } }],
    ["/rides('zz')", true, 404, { error: { message: 'Not found.' } }],
  ])('of one record answers %s in version 4 (%s) with status %d', async (path, is4, status, body) => {
    const header = () => (is4 ? 'application/json;odata.metadata=minimal' : undefined);
    const { answer } = await answerOf(
      odataSystem(recordingOf('odata', { entity: 'rides' })),
      request(path, { header }),
    );
    expect(answer).toMatchObject({ status, body });
  });
});

describe('recorded rows', () => {
  it('of a call to a table are those of the table, with the keys in its column', () => {
    const recording = {
      ...recordingOf('rest', { from: 'rides', by: 'member' }),
      tables: { rides: { rows: [{ member: 7 }, { member: 'b' }, { member: null }] } },
    } as unknown as Recording;
    expect(allKeys(recording, 'rides')).toEqual(['a', 'b', '7']);
    expect(allRows(recording, 'rides')).toHaveLength(9);
    expect(allKeys(recording, 'other')).toEqual([]);
    expect(allRows(recording, 'other')).toEqual([]);
    expect(allKeys(recordingOf('rest', { get: '/' }), 'rides')).toEqual(['a', 'b', 'c,d']);
  });

  it.each([
    [{}, 'a.b[0]', { a: { b: { 0: 1 } } }],
    [{ a: { c: 2 } }, 'a.b', { a: { b: 1, c: 2 } }],
    [{ a: 'text' }, 'a.b', { a: { b: 1 } }],
    [{ a: 2 }, '.', { a: 2 }],
  ])('have in %o at %s another value', (body, path, expected) => {
    setMember(body, path, 1);
    expect(body).toEqual(expected);
  });

  it('are sent with exact numbers', () => {
    expect(jsonText({ a: '@exact-number@', b: '"@exact-number@"' })).toBe(
      '{"a":9007199254740993,"b":"\\"@exact-number@\\""}',
    );
  });
});
