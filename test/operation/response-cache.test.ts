import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SpanKind, trace as api } from '@opentelemetry/api';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Caller } from '../../src/context/caller.js';
import { ROLES } from '../../src/context/roles.js';
import { NO_ERASURES } from '../../src/identity/erasures.js';
import type { Audience } from '../../src/privacy/access.js';
import type { Principal } from '../../src/operation/principal.js';
import { listen, type HttpServer } from '../../src/http/http.js';
import { readPersistedOperations } from '../../src/operation/persisted-operations.js';
import { createResponseCache } from '../../src/operation/response-cache.js';
import type { Environment } from '../../src/settings.js';
import { createLogger } from '../../src/telemetry/logger.js';
import { createPeople, type People } from '../gateway/people.js';
import { CALLER_SETTINGS, headersOf, visitorToken } from '../support/callers.js';
import { RecordingProvider } from '../support/spans.js';
import { sendRequest, post, type RawRequest, type RawAnswer } from '../http/raw-client.js';

const folder = mkdtempSync(join(tmpdir(), 'whole-answers-'));
const operations = pathToFileURL(`${folder}/`);
for (const field of ['quick', 'slow', 'broken'])
  writeFileSync(
    join(folder, `${field}.graphql`),
    `query ${field}($by: CustomerKey!) { customer(by: $by) { id primaryEmail ${field} } }`,
  );
writeFileSync(join(folder, 'me.graphql'), 'query me { me { id primaryEmail quick } }');
const documentIds = new Map(
  readPersistedOperations(operations).map(({ name, documentId }) => [name, documentId]),
);

interface Door {
  people: People;
  server: HttpServer;
  /** Requests that came in and were not answered yet. */
  inFlight: () => number;
  sendRequest(asked: RawRequest): Promise<RawAnswer>;
}

const doors: Door[] = [];

async function open(environment: Environment = {}): Promise<Door> {
  const people = createPeople(
    { quick: { maxAge: '10 s' }, slow: { maxAge: '5 minutes' }, broken: { maxAge: '10 s' } },
    environment,
    { operations },
  );
  let inFlight = 0;
  const handler: RequestListener = (request, response) => {
    inFlight += 1;
    response.once('close', () => (inFlight -= 1));
    people.gateway.handler(request, response);
  };
  const server = await listen(handler, { host: '127.0.0.1', port: 0 });
  const port = Number(new URL(server.url).port);
  const door = {
    people,
    server,
    inFlight: () => inFlight,
    sendRequest: (asked: RawRequest) => sendRequest(port, asked),
  };
  doors.push(door);
  return door;
}

afterEach(async () => {
  vi.useRealTimers();
  api.disable();
  for (const { server, people } of doors.splice(0)) {
    await server.stop();
    await people.gateway.close();
  }
});

function register(): RecordingProvider {
  const provider = new RecordingProvider();
  api.setGlobalTracerProvider(provider);
  return provider;
}

const about = (
  selection: string,
  email = 'jan@example.nl',
  headers: Record<string, string> = {},
): RawRequest =>
  post(
    JSON.stringify({ query: `query Page { customer(by: { email: "${email}" }) { ${selection} } }` }),
    headers,
  );

const persisted = (name: string, headers: Record<string, string>, email = 'jan@example.nl'): RawRequest =>
  post(JSON.stringify({ documentId: documentIds.get(name), variables: { by: { email } } }), headers);

async function countOf({ people }: Door, answer: 'hit' | 'shared'): Promise<number> {
  const text = await (await people.gateway.fetch('/metrics')).text();
  return Number(
    new RegExp(`stekkerdoos_response_cache_answers_total\\{answer="${answer}"\\} (\\d+)`).exec(text)?.[1],
  );
}

const dataOf = ({ body }: RawAnswer) =>
  (JSON.parse(body) as { data?: { customer?: Record<string, unknown> | null } | null }).data?.customer;

/** Asks until it is kept: the systems, then the cache; what comes after is from bytes. */
async function warm(door: Door, asked: RawRequest): Promise<void> {
  await door.sendRequest(asked);
  await door.sendRequest(asked);
}

describe('a question that is asked again', () => {
  test('is answered by the same bytes, older by the time that has passed', async () => {
    const door = await open();
    await warm(door, about('quick'));
    door.people.clock.advance(3_000);
    const again = await door.sendRequest(about('quick'));
    expect(dataOf(again)).toEqual({ quick: 'quick' });
    expect(again.headers).toMatchObject({ age: '3', 'cache-control': 'private, max-age=10' });
    expect(await countOf(door, 'hit')).toBe(1);
    expect(door.people.system('quick').calls).toHaveLength(1);
  });

  test('is asked of the systems as soon as the part that goes stale first does', async () => {
    const door = await open();
    await warm(door, about('quick slow'));
    door.people.system('quick').says = 'new';
    door.people.system('slow').says = 'new, too';
    door.people.clock.advance(10_000);
    expect(dataOf(await door.sendRequest(about('quick slow')))).toEqual({ quick: 'new', slow: 'slow' });
  });

  test('is made anew within a minute, from what is kept, however long that is fresh', async () => {
    const door = await open();
    await warm(door, about('slow'));
    door.people.clock.advance(60_000);
    await door.sendRequest(about('slow'));
    expect(await countOf(door, 'hit')).toBe(0);
    expect(door.people.system('slow').calls).toHaveLength(1);
  });

  test('is asked of the systems when a part of it was forgotten, and only then', async () => {
    const door = await open();
    await warm(door, about('quick slow'));
    await warm(door, about('primaryEmail', 'piet@example.nl'));
    for (const name of ['quick', 'slow']) door.people.system(name).says = 'new';
    await door.people.gateway.forget({ identifier: { namespace: 'email', value: 'jan@example.nl' } });
    await door.sendRequest(about('primaryEmail', 'piet@example.nl'));
    expect(await countOf(door, 'hit')).toBe(1);
    expect(dataOf(await door.sendRequest(about('quick slow')))).toEqual({ quick: 'new', slow: 'new' });
  });

  test('is answered anew when it says how: fresher, with sources, or at another priority', async () => {
    const door = await open();
    await warm(door, about('quick'));
    const said: Record<string, string>[] = [
      { 'cache-control': 'no-cache' },
      { 'x-sources': '1' },
      { 'x-priority': 'bulk' },
      { prefer: 'wait=1' },
    ];
    for (const headers of said) await door.sendRequest(about('quick', 'jan@example.nl', headers));
    expect(await countOf(door, 'hit')).toBe(0);
    expect(door.people.system('quick').calls).toHaveLength(2);
  });

  test('is never answered by what had an error in it', async () => {
    const door = await open();
    door.people.system('broken').isUnavailable = true;
    await warm(door, about('quick broken'));
    door.people.system('broken').isUnavailable = false;
    expect(dataOf(await door.sendRequest(about('quick broken')))).toEqual({
      quick: 'quick',
      broken: 'broken',
    });
  });

  test('shows a customer no more who was erased meanwhile, by another instance', async () => {
    const list = join(folder, 'suppressed');
    writeFileSync(list, '');
    const [door, other] = await Promise.all([
      open({ SUPPRESSION_FILE: list }),
      open({ SUPPRESSION_FILE: list }),
    ]);
    await warm(door, about('quick'));
    await other.people.gateway.forget({
      identifier: { namespace: 'email', value: 'jan@example.nl' },
      suppress: true,
    });
    door.people.clock.advance(5_000);
    const { body } = await door.sendRequest(about('quick'));
    expect(JSON.parse(body)).toMatchObject({ errors: [{ extensions: { code: 'ERASED' } }] });
  });

  test('is worked out each time when nothing is to be kept', async () => {
    const door = await open({ ANSWERS_MAX_MB: '0' });
    await warm(door, about('quick'));
    await door.sendRequest(about('quick'));
    expect(await countOf(door, 'hit')).toBe(0);
  });
});

describe('whoever asks it', () => {
  const audit = join(folder, 'audit.jsonl');
  const settings = { ...CALLER_SETTINGS, AUDIT_FILE: audit };

  test('is audited and counted each time, as who it is', async () => {
    writeFileSync(audit, '');
    const door = await open(settings);
    const headers = await headersOf('frontend', { purpose: 'SERVICE' });
    for (const id of ['one', 'two', 'three'])
      await door.sendRequest(persisted('quick', { ...headers, 'x-request-id': id }));
    expect(await countOf(door, 'hit')).toBe(1);
    const lines = readFileSync(audit, 'utf8').trim().split('\n');
    const read = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(read.map(({ requestId, cached }) => [requestId, cached])).toEqual([
      ['one', false],
      ['two', true],
      ['three', true],
    ]);
    const [, second, third] = read;
    expect(third).toMatchObject({
      caller: 'frontend',
      operation: { name: 'quick', id: documentIds.get('quick') },
      customers: second?.['customers'],
      categories: second?.['categories'],
      sources: { people: 'cached', quick: 'cached' },
    });
    const metrics = await (await door.people.gateway.fetch('/metrics')).text();
    expect(metrics).toContain('stekkerdoos_operations_total{operation="quick",outcome="ok"} 3');
    expect(metrics).toContain('stekkerdoos_cache_answers_total{source="quick",answer="hit"} 2');
  });

  test('spends by it what it costs, and is refused when there is nothing left to spend', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2030-05-06T07:08:09Z') });
    const [key] = JSON.parse(CALLER_SETTINGS['API_KEYS'] ?? '') as [Record<string, unknown>];
    const door = await open({
      ...settings,
      API_KEYS: JSON.stringify([{ ...key, costPerMinute: 30 }]),
    });
    const headers = await headersOf('frontend', { purpose: 'SERVICE' });
    const statuses: number[] = [];
    for (let i = 0; i < 40; i += 1)
      statuses.push((await door.sendRequest(persisted('quick', headers))).status);
    expect(await countOf(door, 'hit')).toBeGreaterThan(0);
    expect(statuses.at(-1)).toBe(429);
  });

  test(
    'by whatever number of callers, in any order, gets what it would have got by itself',
    { timeout: 120_000 },
    async () => {
      vi.useFakeTimers({ toFake: ['Date'], now: new Date('2030-05-06T07:08:09Z') });
      const [keeping, making] = await Promise.all([
        open({ ...settings, AUDIT_FILE: '/dev/null' }),
        open({ ...settings, AUDIT_FILE: '/dev/null', ANSWERS_MAX_MB: '0' }),
      ]);
      const emails = ['jan@example.nl', 'piet@example.nl'];
      // Those who are told what each answer cost are given none that was made before.
      const [frontend, jan, piet] = [
        await headersOf('frontend', { purpose: 'SERVICE' }),
        { authorization: `Bearer ${await visitorToken('jan@example.nl')}` },
        { authorization: `Bearer ${await visitorToken('piet@example.nl')}` },
      ];
      const callers = [
        ...[frontend, frontend, frontend, jan, jan, piet, piet],
        await headersOf('frontend'),
        await headersOf('campaign', { purpose: 'SERVICE' }),
        await headersOf('operator'),
      ];
      const step = fc.oneof(
        {
          weight: 60,
          arbitrary: fc.record({
            kind: fc.constant('ask' as const),
            name: fc.constantFrom('quick', 'slow', 'broken', 'me'),
            email: fc.constantFrom(...emails),
            caller: fc.constantFrom(...callers),
          }),
        },
        {
          weight: 2,
          arbitrary: fc.record({
            kind: fc.constant('turn' as const),
            ms: fc.integer({ min: 1, max: 20_000 }),
          }),
        },
        {
          weight: 1,
          arbitrary: fc.record({ kind: fc.constant('forget' as const), email: fc.constantFrom(...emails) }),
        },
        {
          weight: 1,
          arbitrary: fc.record({
            kind: fc.constant('says' as const),
            name: fc.constantFrom('quick', 'slow'),
            says: fc.string(),
          }),
        },
        {
          weight: 1,
          arbitrary: fc.record({ kind: fc.constant('breaks' as const), isUnavailable: fc.boolean() }),
        },
      );
      let kept = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), async (steps) => {
          vi.setSystemTime(Date.now() + 60_000);
          for (const one of steps) {
            if (one.kind === 'ask') {
              const { name, email, caller } = one;
              const asked = persisted(name, { ...caller, 'x-request-id': 'same' }, email);
              const [got, wanted] = await Promise.all([
                keeping.sendRequest(asked),
                making.sendRequest(asked),
              ]);
              for (const { headers } of [got, wanted]) delete headers.date;
              expect(got).toEqual(wanted);
              continue;
            }
            for (const { people } of [keeping, making]) {
              if (one.kind === 'turn') people.clock.advance(one.ms);
              else if (one.kind === 'says') people.system(one.name).says = one.says;
              else if (one.kind === 'breaks') people.system('broken').isUnavailable = one.isUnavailable;
              else await people.gateway.forget({ identifier: { namespace: 'email', value: one.email } });
            }
          }
          kept = await countOf(keeping, 'hit');
        }),
        { numRuns: 60 },
      );
      expect(kept).toBeGreaterThan(100);
    },
  );
});

describe('what tells the same questions of an audience from all others', () => {
  const caller: Caller = {
    ...ROLES.frontend,
    ...{ name: 'shop', roles: ['frontend'], origins: [] },
  };
  const asker: Principal = {
    caller,
    audience: { scopes: new Set(['profile:read']), sees: 'clear', purpose: 'SERVICE' },
    permissions: { findsBy: 'all', maySee: () => true, seesErased: false },
  };
  const cache = createResponseCache({
    maxBytes: 1_000_000,
    registry: { version: 0 },
    erasures: NO_ERASURES,
    limits: { chargeAgain: () => true },
    auditor: undefined,
    metrics: { responseCacheAnswered: () => undefined, cacheAnswered: () => undefined },
    errorLog: { logger: createLogger('silent'), failures: { report: () => undefined } },
    clock: performance,
  });
  const keyOf = (sender: Principal, body = 'a question'): string => cache.keyOf(sender, Buffer.from(body));
  const ofCaller = (change: Partial<Caller>): Principal => ({ ...asker, caller: { ...caller, ...change } });
  const ofAudience = (change: Partial<Audience>): Principal => ({
    ...asker,
    audience: { ...asker.audience, ...change },
  });

  test.each<[string, Principal]>([
    ['may find customers by some identifiers only', ofCaller({ findsBy: new Set(['email']) })],
    ['may find customers by none', ofCaller({ findsBy: new Set() })],
    // Who may send any operation is told its cost, and so has no shared answers, with the exception of AUTH=off.
    ['may send any operation', ofCaller({ operations: 'any', name: 'anonymous' })],
    ['waits behind others', ofCaller({ priority: 'bulk' })],
    [
      'is a customer',
      {
        ...asker,
        permissions: { ...asker.permissions, ownIdentifier: { namespace: 'email', value: 'a@example.nl' } },
      },
    ],
    ['has another purpose', ofAudience({ purpose: 'MARKETING' })],
    ['has no purpose', ofAudience({ purpose: undefined })],
    ['sees masked values', ofAudience({ sees: 'masked' })],
    ['has more scopes', ofAudience({ scopes: new Set(['profile:read', 'orders:read']) })],
    ['has other scopes', ofAudience({ scopes: new Set(['orders:read']) })],
  ])('is also that who asks %s', (_, other) => {
    expect(keyOf(asker)).toEqual(expect.any(String));
    expect(keyOf(other)).toEqual(expect.any(String));
    expect(keyOf(other)).not.toBe(keyOf(asker));
  });

  test('is the question, and two customers are two', () => {
    const own = (value: string): Principal => ({
      ...asker,
      permissions: { ...asker.permissions, ownIdentifier: { namespace: 'email', value } },
    });
    expect(keyOf(asker, 'another question')).not.toBe(keyOf(asker));
    expect(keyOf(own('a@example.nl'))).not.toBe(keyOf(own('b@example.nl')));
    expect(keyOf(ofCaller({ findsBy: new Set(['email']) }))).not.toBe(
      keyOf(ofCaller({ findsBy: new Set(['phone']) })),
    );
  });

  test('is neither the name of who asks nor what it may spend', () => {
    expect(keyOf(ofCaller({ name: 'another shop', costPerMinute: 7 }))).toBe(keyOf(asker));
  });
});

describe('a question that several ask at the same moment', () => {
  /** A system that answers when it is told to. */
  function holdBack({ people }: Door, name: string): () => void {
    let answer: () => void = () => undefined;
    people.system(name).answersAfter = new Promise<void>((resolve) => (answer = resolve));
    return answer;
  }

  const asks = ({ people }: Door) =>
    expect.poll(() => people.system('quick').calls.length, { timeout: 5_000, interval: 5 });

  test('is worked out once, and each is audited', async () => {
    const audit = join(folder, 'shared.jsonl');
    const door = await open({ ...CALLER_SETTINGS, AUDIT_FILE: audit });
    const headers = await headersOf('frontend', { purpose: 'SERVICE' });
    const answer = holdBack(door, 'quick');
    const all = ['one', 'two', 'three'].map((id) =>
      door.sendRequest(persisted('quick', { ...headers, 'x-request-id': id })),
    );
    await expect.poll(door.inFlight).toBe(3);
    answer();
    const answers = await Promise.all(all);
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    expect(answers.map(({ headers: told }) => told['x-request-id'])).toEqual(['one', 'two', 'three']);
    expect(await countOf(door, 'shared')).toBe(2);
    const lines = readFileSync(audit, 'utf8').trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { requestId: string }).requestId).sort()).toEqual([
      'one',
      'three',
      'two',
    ]);
  });

  test('has a span for each who asks', async () => {
    const { spans } = register();
    const door = await open();
    const answer = holdBack(door, 'quick');
    const both = [door.sendRequest(about('quick')), door.sendRequest(about('quick'))];
    await expect.poll(door.inFlight).toBe(2);
    answer();
    await Promise.all(both);
    expect(await countOf(door, 'shared')).toBe(1);
    const ofRequests = spans.filter(({ kind }) => kind === SpanKind.SERVER);
    expect(ofRequests).toHaveLength(2);
    for (const { attributes, ends } of ofRequests) {
      expect(attributes).toMatchObject({ 'graphql.operation.name': 'Page', 'stekkerdoos.outcome': 'ok' });
      expect(ends).toBe(1);
    }
  });

  test('is worked out for the others when the first one hangs up', async () => {
    const door = await open();
    holdBack(door, 'quick');
    const { body = '', headers = {} } = about('quick');
    const socket = connect(Number(new URL(door.server.url).port), '127.0.0.1');
    const lines = Object.entries({ host: 'localhost', ...headers, 'content-length': body.length });
    socket.write(
      `POST /graphql HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${String(body)}`,
    );
    await asks(door).toBe(1);
    const others = [door.sendRequest(about('quick')), door.sendRequest(about('quick'))];
    await expect.poll(door.inFlight).toBe(3);
    // Whoever asks it from now on is answered; the first call never is.
    door.people.system('quick').answersAfter = Promise.resolve();
    socket.destroy();
    for (const one of await Promise.all(others)) expect(dataOf(one)).toEqual({ quick: 'quick' });
  });

  test('is not given to who asks after something of it was forgotten', async () => {
    const door = await open();
    const answer = holdBack(door, 'quick');
    const before = door.sendRequest(about('quick'));
    await asks(door).toBe(1);
    await door.people.gateway.forget({ identifier: { namespace: 'email', value: 'jan@example.nl' } });
    const after = door.sendRequest(about('quick'));
    await asks(door).toBe(2);
    answer();
    await Promise.all([before, after]);
    expect(await countOf(door, 'shared')).toBe(0);
  });

  test('is not given to who asks after the customer was erased, by another instance', async () => {
    const list = join(folder, 'suppressed-meanwhile');
    writeFileSync(list, '');
    const [door, other] = await Promise.all([
      open({ SUPPRESSION_FILE: list }),
      open({ SUPPRESSION_FILE: list }),
    ]);
    const answer = holdBack(door, 'quick');
    const before = door.sendRequest(about('quick'));
    await asks(door).toBe(1);
    await other.people.gateway.forget({
      identifier: { namespace: 'email', value: 'jan@example.nl' },
      suppress: true,
    });
    // The list is read again.
    door.people.clock.advance(1_500);
    // It waits for no answer under way.
    const { body } = await door.sendRequest(about('quick'));
    expect(JSON.parse(body)).toMatchObject({ errors: [{ extensions: { code: 'ERASED' } }] });
    answer();
    await before;
    expect(await countOf(door, 'shared')).toBe(0);
  });
});

process.on('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});
