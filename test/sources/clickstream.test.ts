import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { clickstream } from '../../sources/clickstream/index.js';
import { devicesOf, eventPages, visitPages } from '../../sources/clickstream/loaders.js';
import type { Person as Clicker } from '../../sources/clickstream/people.js';
import type { EventRow } from '../../sources/clickstream/stand-in/events.js';
import { startClickstream, writeEvents } from '../../sources/clickstream/stand-in/index.js';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { SeedClick, SeedVisit } from '../../sources/stand-ins/seed-clickstream.js';
import type { Person, StandIn } from '../../sources/stand-ins/world.js';
import type { FileClient } from '../../src/connectors/file/connector.js';
import { failure, hostileKeys, open, type Opened } from '../connectors/contract.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { directSettings, faultControl } from '../support/stand-ins.js';

const world = createWorld({ customers: 60 });

function person(email: string): Person {
  const found = world.people.find((person) => person.email === email);
  if (found === undefined) throw new Error(`The seed data has no person with ${email}.`);
  return found;
}

const visitsOf = (email: string): SeedVisit[] =>
  (person(email).clickstream?.visits ?? []).toSorted((a, b) => startOf(b).localeCompare(startOf(a)));
const startOf = (visit: SeedVisit): string => visit.events[0]?.at ?? '';
const nameOf = ({ kind }: SeedClick): string => (kind === 'search' ? 'view_search_results' : kind);

describe('the click log', () => {
  let standIn: StandIn;
  let control: FaultControl;
  let gateway: TestGateway;

  beforeAll(async () => {
    standIn = await startClickstream(world);
    control = await faultControl([standIn]);
    gateway = createTestGateway({
      ORDER_SYSTEM_URL: directSettings().ORDER_SYSTEM_URL,
      CLICKSTREAM_FOLDER: control.settings.CLICKSTREAM_FOLDER,
      CLICKSTREAM_TIMEOUT_MS: '20000',
      DEADLINE_MS: '20000',
      CLICKSTREAM_LOOK_BACK_DAYS: '60',
    });
  });
  afterEach(() => control.heal());
  afterAll(async () => {
    await gateway.close();
    await control.close();
    await standIn.close();
  });

  it('shows the visits of a customer, newest first, with pages, device and referrer', async () => {
    const { data, errors } = await gateway.query(`{ customer(by: { email: "everywhere@example.nl" }) {
      lastSeenAt
      visits(first: 100) { nodes {
        recordId startedAt endedAt pageCount isLoggedIn pages { url title viewedAt }
        device { visitorId kind os browser firstSeenAt } referrer { url medium name campaign }
      } pageInfo { hasNextPage } }
    } }`);
    expect(errors).toEqual([]);
    const expected = visitsOf('everywhere@example.nl').map(({ sessionId, visitorId, events, referrer }) => {
      const pages = events.filter(({ kind }) => kind === 'page_view');
      return {
        recordId: sessionId,
        startedAt: new Date(events[0]?.at ?? '').toISOString(),
        endedAt: events.at(-1)?.at,
        pageCount: pages.length,
        isLoggedIn: events.some(({ userId }) => userId !== null),
        pages: pages.map(({ page, title, at: moment }) => ({
          url: `https://www.kopjenkan.example${page.split('?')[0] ?? ''}`,
          title,
          viewedAt: new Date(moment).toISOString(),
        })),
        device: { visitorId, kind: 'DESKTOP', os: 'macOS', browser: 'Safari', firstSeenAt: null },
        referrer: referrer && {
          url: referrer.url.split('?')[0],
          medium: referrer.medium,
          name: referrer.source,
          campaign: referrer.campaign,
        },
      };
    });
    expect(expected.length).toBeGreaterThan(3);
    expect(at(data, 'customer', 'visits')).toEqual({ nodes: expected, pageInfo: { hasNextPage: false } });
    expect(at(data, 'customer', 'lastSeenAt')).toBe(expected[0]?.endedAt);
  });

  it('returns visits and events in pages, without gaps or duplicates', async () => {
    const read = async (field: string, id: string): Promise<unknown[]> => {
      const ids: unknown[] = [];
      let after: unknown = null;
      for (;;) {
        const { data, errors } = await gateway.query(
          `query($after: String) { customer(by: { email: "everywhere@example.nl" }) {
            page: ${field}(first: 2, after: $after) { edges { cursor } nodes { ${id} } pageInfo { hasNextPage endCursor } } } }`,
          { after },
        );
        expect(errors).toEqual([]);
        ids.push(...listAt(data, 'customer', 'page', 'nodes').map((node) => at(node, id)));
        after = at(data, 'customer', 'page', 'pageInfo', 'endCursor');
        if (at(data, 'customer', 'page', 'pageInfo', 'hasNextPage') !== true) return ids;
      }
    };
    const visits = visitsOf('everywhere@example.nl');
    expect(await read('visits', 'recordId')).toEqual(visits.map(({ sessionId }) => sessionId));
    expect(await read('events', 'recordId')).toEqual(
      visits.flatMap(({ events }) => events.toReversed().map(({ id }) => id)),
    );
  });

  it('shows viewed products, searches and other events, by the names of the events', async () => {
    const { data, errors } = await gateway.query(`{ customer(by: { email: "everywhere@example.nl" }) {
      lastSearch { term searchedAt }
      productViews(first: 3) { nodes { viewedAt product { sku name price { amount currency } } } }
      events(first: 100, names: ["add_to_cart", "page_view"]) { nodes { name pageUrl pageTitle visitId isLoggedIn } }
    } }`);
    expect(errors).toEqual([]);
    const clicks = visitsOf('everywhere@example.nl').flatMap(({ events }) => events.toReversed());
    const search = clicks.find(({ kind }) => kind === 'search');
    expect(at(data, 'customer', 'lastSearch')).toEqual({ term: search?.term, searchedAt: search?.at });
    expect(listAt(data, 'customer', 'productViews', 'nodes')).toEqual(
      clicks
        .filter(({ kind }) => kind === 'product_view')
        .slice(0, 3)
        .map(({ at: viewedAt, product }) => ({
          viewedAt,
          product: {
            sku: product?.sku,
            name: product?.title,
            price: { amount: String((product?.priceCents ?? 0) / 100), currency: 'EUR' },
          },
        })),
    );
    expect(listAt(data, 'customer', 'events', 'nodes').map((node) => at(node, 'name'))).toEqual(
      clicks.map(nameOf).filter((name) => name === 'add_to_cart' || name === 'page_view'),
    );
  });

  it('finds a customer by the device, and no customer if two people logged in on the device', async () => {
    const { data, errors } = await gateway.query(`{
      single: customer(by: { visitorId: "8f14e45f-ceea-467f-a3bd-00000000d0d2" }) { visits(first: 100) { nodes { recordId } } }
      byMail: customer(by: { email: "single-device@example.nl" }) { visits(first: 100) { nodes { recordId } } }
      two: customer(by: { visitorId: "8f14e45f-ceea-467f-a3bd-00000000d0d0" }) { visits { nodes { id } } }
      nobody: customer(by: { visitorId: "8f14e45f-ceea-467f-a3bd-0000000fffff" }) { visits { nodes { id } } }
    }`);
    const all = visitsOf('single-device@example.nl').map(({ sessionId }) => ({ recordId: sessionId }));
    expect(at(data, 'single', 'visits', 'nodes')).toEqual(all);
    expect(at(data, 'byMail', 'visits', 'nodes')).toEqual(all);
    expect(at(data, 'two')).toBeNull();
    expect(at(data, 'nobody')).toBeNull();
    expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['two'], 'AMBIGUOUS_IDENTITY'],
    ]);
  });

  it('shows each customer of a shared device only the events of their logins', async () => {
    const { data, errors } = await gateway.query(
      `query($by: [CustomerKey!]!) { customers(by: $by) {
        devices { visitorId } events(first: 100) { nodes { recordId visitorId isLoggedIn } } } }`,
      { by: [{ email: 'device-a@example.nl' }, { email: 'device-b@example.nl' }] },
    );
    expect(errors).toEqual([]);
    const shared = '8f14e45f-ceea-467f-a3bd-00000000d0d0';
    for (const [i, email] of ['device-a@example.nl', 'device-b@example.nl'].entries()) {
      const expected = visitsOf(email).flatMap(({ visitorId, events }) =>
        events
          .toReversed()
          .filter(({ userId }) => userId !== null || visitorId !== shared)
          .map(({ id, userId }) => ({ recordId: id, visitorId, isLoggedIn: userId !== null })),
      );
      expect(at(data, 'customers', i, 'events', 'nodes')).toEqual(expected);
      expect(expected.some(({ isLoggedIn }) => !isLoggedIn)).toBe(i === 0);
      expect(at(listAt(data, 'customers', i, 'devices')[0], 'visitorId')).toMatch(/d0d[01]$/);
    }
  });

  it('returns only the visits of each of many customers, for any selected fields', async () => {
    const people = world.people.filter(({ email }) => /^customer-\d+@/.test(email));
    const { data, errors } = await gateway.query(
      `query($by: [CustomerKey!]!) { customers(by: $by) {
        visits(first: 100) { nodes { recordId } } newest: visits(first: 1) { nodes { id } } lastSeenAt devices { visitorId } } }`,
      { by: people.map(({ email }) => ({ email })) },
    );
    expect(errors).toEqual([]);
    expect(
      listAt(data, 'customers').map((customer) =>
        listAt(customer, 'visits', 'nodes').map((visit) => at(visit, 'recordId')),
      ),
    ).toEqual(people.map(({ email }) => visitsOf(email).map(({ sessionId }) => sessionId)));
  });

  it('adds visits to the timeline, which reports the click log as missing if it cannot be read', async () => {
    const query = () =>
      gateway.query(`{ customer(by: { email: "everywhere@example.nl" }) { timeline(first: 100, kinds: [VISIT, ORDER]) {
        nodes { kind recordId title } missing { source code } } } }`);
    const { data, errors } = await query();
    expect(errors).toEqual([]);
    const visits = listAt(data, 'customer', 'timeline', 'nodes').filter(
      (node) => at(node, 'kind') === 'VISIT',
    );
    expect(visits).toEqual(
      visitsOf('everywhere@example.nl').map(({ sessionId }) => ({
        kind: 'VISIT',
        recordId: sessionId,
        title: 'Visit of 2 pages',
      })),
    );
    await control.set('clickstream', { fault: 'garbage' });
    const broken = await query();
    expect(at(broken.data, 'customer', 'timeline', 'missing')).toEqual([
      { source: 'CLICKSTREAM', code: 'SOURCE_CONTRACT' },
    ]);
    expect(listAt(broken.data, 'customer', 'timeline', 'nodes')).toHaveLength(6);
  });

  it.each([
    ['down', 'SOURCE_UNAVAILABLE', true],
    ['garbage', 'SOURCE_CONTRACT', false],
  ] as const)(
    'fails only its own fields if its folder has the fault "%s"',
    async (fault, code, retryable) => {
      await control.set('clickstream', { fault });
      const query = () =>
        gateway.query(
          '{ customer(by: { email: "everywhere@example.nl" }) { becameCustomerAt visits { nodes { id } } lastSearch { term } } }',
        );
      const { data, errors } = await query();
      expect(data).toEqual({
        customer: { becameCustomerAt: expect.any(String) as string, visits: null, lastSearch: null },
      });
      expect(errors.map(({ path }) => String(path?.[1])).sort()).toEqual(['lastSearch', 'visits']);
      for (const { extensions } of errors)
        expect(extensions).toEqual({ code, source: 'clickstream', retryable });
      await control.heal();
      expect((await query()).errors).toEqual([]);
    },
  );

  it('refuses faults that a folder cannot have', async () => {
    await expect(control.set('clickstream', { fault: 'hang' })).rejects.toThrow('can only be');
    await expect(control.set('clickstream', { latencyMs: 100 })).rejects.toThrow('can only be');
    const answer = await fetch(`${control.url}/clickstream`, {
      method: 'PUT',
      body: '{"fault":"rate-limit"}',
    });
    expect(answer.status).toBe(400);
  });

  it.each([
    'visits(first: 0) { nodes { id } }',
    'visits(first: 101) { nodes { id } }',
    'events(after: "nonsense") { nodes { id } }',
    `events(names: ${JSON.stringify(Array(21).fill('a'))}) { nodes { id } }`,
    'productViews(first: 0) { nodes { viewedAt } }',
    'productViews(after: "nonsense") { nodes { viewedAt } }',
  ])('refuses to answer %s', async (field) => {
    const { errors } = await gateway.query(
      `{ customer(by: { email: "everywhere@example.nl" }) { ${field} } }`,
    );
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
  });
});

describe('the click log with chosen events', () => {
  let folder: string;
  let client: Opened<FileClient> | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stekkerdoos-clicks-'));
  });
  afterEach(async () => {
    await client?.close();
    client = undefined;
    await rm(join(folder, 'events'), { recursive: true, force: true });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  let number = 0;
  const event = (day: number, parts: EventRow): EventRow => ({
    event_id: `event-${(number += 1)}`,
    event_name: 'page_view',
    collector_tstamp: new Date(Date.UTC(2026, 9, day, 12)).toISOString(),
    domain_userid: 'device-1',
    domain_sessionid: 'session-1',
    page_url: 'https://shop.example/',
    ...parts,
  });
  const connect = (environment = {}): Opened<FileClient> => {
    client = open<FileClient>(clickstream.connector, {
      CLICKSTREAM_FOLDER: join(folder, 'events'),
      CLICKSTREAM_TIMEOUT_MS: '20000',
      ...environment,
    });
    return client;
  };
  const start = async (events: readonly EventRow[], environment = {}): Promise<Opened<FileClient>> => {
    await writeEvents(join(folder, 'events'), events);
    return connect(environment);
  };
  const who = (customerNumber: string, visitorId: string | null = null): Clicker => ({
    customerNumbers: [customerNumber],
    visitorId,
  });
  const everything = (clicker: Clicker) => ({ person: clicker, size: 100, after: null, names: null });
  const idsOf = async (files: FileClient, ...people: Clicker[]) =>
    (await eventPages.load(people.map(everything), files)).map((found) =>
      found instanceof Error ? found : found.map(({ recordId }) => recordId),
    );

  it('counts an event that was delivered twice once', async () => {
    const duplicate = event(1, { event_id: 'twice', user_id: 'K1' });
    const files = await start([duplicate, { ...duplicate, collector_tstamp: '2026-10-02T09:00:00.000Z' }]);
    expect(await idsOf(files, who('K1'))).toEqual([['twice']]);
  });

  it('counts anonymous events for the only customer who logged in on the device', async () => {
    const events = [
      event(1, { event_id: 'before' }),
      event(2, { event_id: 'own', user_id: 'K1' }),
      event(3, { event_id: 'after' }),
    ];
    const files = await start(events);
    expect(await idsOf(files, who('K1'), who('K2'))).toEqual([['after', 'own', 'before'], []]);
    await files.close();
    await rm(join(folder, 'events'), { recursive: true });
    const shared = await start([...events, event(4, { event_id: 'other', user_id: 'K2' })]);
    expect(await idsOf(shared, who('K1'), who('K2'), who('K3', 'device-1'))).toEqual([
      ['own'],
      ['other'],
      [],
    ]);
    // Both numbers belong to one customer, so no other customer has logged in.
    expect(await idsOf(shared, { customerNumbers: ['K1', 'K2'], visitorId: null })).toEqual([
      ['other', 'after', 'own', 'before'],
    ]);
  });

  it('shows the events of the requested device if no other customer has logged in on it', async () => {
    const files = await start([
      event(1, { event_id: 'anonymous', domain_userid: 'device-2' }),
      event(1, { event_id: 'own', user_id: 'K1' }),
    ]);
    expect(await idsOf(files, who('K1'), who('K1', 'device-2'))).toEqual([['own'], ['own', 'anonymous']]);
  });

  it('reads only the configured number of days before the newest day', async () => {
    const files = await start(
      [1, 5, 10].map((day) => event(day, { event_id: `day-${day}`, user_id: 'K1' })),
      { CLICKSTREAM_LOOK_BACK_DAYS: '6' },
    );
    expect(await idsOf(files, who('K1'))).toEqual([['day-10', 'day-5']]);
  });

  it('loads many customers, with several pages of each, in one query', async () => {
    const people = Array.from({ length: 100 }, (_, i) => who(`K${i}`));
    await start(
      people.map((_, i) => event(1, { event_id: `of-${i}`, user_id: `K${i}`, domain_userid: `d${i}` })),
    );
    let calls = 0;
    const counted = open<FileClient>(
      clickstream.connector,
      { CLICKSTREAM_FOLDER: join(folder, 'events') },
      {
        scope: {
          run: (call) => {
            calls += 1;
            return call(new AbortController().signal);
          },
        },
      },
    );
    const keys = people.flatMap((person) => [
      everything(person),
      { ...everything(person), names: ['page_view'], size: 1 },
    ]);
    const found = await eventPages.load(keys, counted);
    expect(
      found.map((events) => (events instanceof Error ? events : events.map(({ recordId }) => recordId))),
    ).toEqual(people.flatMap((_, i) => [[`of-${i}`], [`of-${i}`]]));
    expect(calls).toBe(1);
    await counted.close();
  });

  const products = 'contexts_com_snowplowanalytics_snowplow_ecommerce_product_1_0_0';
  const action = 'unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1_0_0';

  it('returns all products of a page of the shop, over several pages of the list', async () => {
    const viewed = ['mug', 'pot', 'pan'].map((id) => ({ id, price: 1, currency: 'EUR' }));
    await start([
      event(1, {
        user_id: person('everywhere@example.nl').orderSystem?.customerNumber ?? '',
        [action]: '{"type":"product_view"}',
        [products]: JSON.stringify(viewed),
      }),
    ]);
    const gateway = createTestGateway({
      ORDER_SYSTEM_URL: directSettings().ORDER_SYSTEM_URL,
      CLICKSTREAM_FOLDER: join(folder, 'events'),
      CLICKSTREAM_TIMEOUT_MS: '20000',
      DEADLINE_MS: '20000',
    });
    const pages: unknown[] = [];
    let after: unknown = null;
    do {
      const { data, errors } = await gateway.query(
        `query($after: String) { customer(by: { email: "everywhere@example.nl" }) {
          page: productViews(first: 2, after: $after) { nodes { product { sku } } pageInfo { hasNextPage endCursor } } } }`,
        { after },
      );
      expect(errors).toEqual([]);
      const page = at(data, 'customer', 'page');
      pages.push(listAt(page, 'nodes').map((node) => at(node, 'product', 'sku')));
      after = at(page, 'pageInfo', 'hasNextPage') === true ? at(page, 'pageInfo', 'endCursor') : null;
    } while (after !== null && pages.length < 3);
    await gateway.close();
    expect(pages).toEqual([['mug', 'pot'], ['pan']]);
  });

  it('reports a malformed cell only to its customer, with its path and without its values', async () => {
    const files = await start([
      event(1, {
        user_id: 'K1',
        domain_userid: 'd1',
        [products]: '[{"id":"secret","price":"dear","currency":"EUR"}]',
      }),
      event(1, { user_id: 'K2', domain_userid: 'd2', [products]: '[{"id": secr' }),
      event(1, {
        user_id: 'K3',
        domain_userid: 'd3',
        [products]: '[]',
        [action]: '{"type": secr',
        event_id: 'fine',
      }),
    ]);
    const [first, second, three] = await idsOf(files, who('K1'), who('K2'), who('K3'));
    expect(first).toMatchObject({
      code: 'SOURCE_CONTRACT',
      message: expect.stringContaining('products.0.price') as string,
    });
    expect(second).toMatchObject({ code: 'SOURCE_CONTRACT' });
    expect(`${String(first)} ${String(second)}`).not.toMatch(/secr|dear/);
    expect(three).toEqual(['fine']);
  });

  it('reads equal events from CSV, with times in two notations', async () => {
    const folderOfDay = join(folder, 'events', 'collector_date=2026-10-02');
    await mkdir(folderOfDay, { recursive: true });
    await writeFile(
      join(folderOfDay, 'part.csv'),
      [
        'event_id,event_name,collector_tstamp,user_id,domain_userid,domain_sessionid,page_url,contexts_com_snowplowanalytics_snowplow_ecommerce_product_1_0_0',
        'a,page_view,2026-10-02 10:00:00.123456+00:00,K1,device-1,session-1,https://shop.example/?q=1,"[{""id"": ""1236"", ""price"": ""12.0"", ""currency"": ""EUR""}]"',
        'b,page_view,2026-10-02 11:00:00.5,,device-1,session-1,,',
      ].join('\n'),
    );
    const files = connect({ CLICKSTREAM_FILES: '**/*.csv' });
    const [found] = await eventPages.load([everything(who('K1'))], files);
    expect(found).toMatchObject([
      { recordId: 'b', at: '2026-10-02T11:00:00.500000Z', isLoggedIn: false, pageUrl: null, products: [] },
      {
        recordId: 'a',
        at: '2026-10-02T10:00:00.123456Z',
        pageUrl: 'https://shop.example/',
        products: [{ sku: '1236', price: { amount: '12.0', currency: 'EUR' } }],
      },
    ]);
  });

  it('reports files that are not a click log', async () => {
    const folderOfDay = join(folder, 'events', 'collector_date=2026-10-02');
    await mkdir(folderOfDay, { recursive: true });
    await writeFile(join(folderOfDay, 'part.csv'), 'order,amount\n1,2\n');
    const files = connect({ CLICKSTREAM_FILES: '**/*.csv' });
    expect(await failure(idsOf(files, who('K1')))).toMatchObject({ code: 'SOURCE_CONTRACT' });
  });

  it('stops a query at its timeout, and when no client waits for the answer', async () => {
    const files = await start([event(1, { user_id: 'K1' })], { CLICKSTREAM_TIMEOUT_MS: '1' });
    expect(await failure(idsOf(files, who('K1')))).toMatchObject({ code: 'SOURCE_TIMEOUT', retryable: true });
    await files.close();
    const cancelled = open<FileClient>(
      clickstream.connector,
      { CLICKSTREAM_FOLDER: join(folder, 'events') },
      { scope: { run: (call) => call(AbortSignal.abort(new Error('nobody waits'))) } },
    );
    await expect(idsOf(cancelled, who('K1'))).rejects.toThrow('nobody waits');
    await cancelled.close();
  });

  it('finds no customer by hostile keys, and finds the other customers of the batch', async () => {
    const files = await start([
      event(1, { event_id: 'own', user_id: 'K1' }),
      event(1, { event_id: 'nobody', domain_userid: '', user_id: '' }),
    ]);
    for (const [what, key] of Object.entries(hostileKeys)) {
      const outcome = await idsOf(files, who(key, key), who('K1')).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome, what).toMatchObject({ code: 'BAD_USER_INPUT' });
      else expect(outcome, what).toEqual([[], ['own']]);
      const names = await eventPages
        .load([{ ...everything(who('K1')), names: [key], after: { at: key, id: key } }], files)
        .catch((error: unknown) => error);
      if (names instanceof Error) expect(names, what).toMatchObject({ code: 'BAD_USER_INPUT' });
      else expect(names, what).toEqual([[]]);
    }
    expect(await visitPages.load([{ ...everything(who('K2')), since: null }], files)).toEqual([[]]);
    expect(await devicesOf.load([who('K2')], files)).toEqual([[]]);
  });
});
