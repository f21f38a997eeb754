import { chmod, link, mkdir, mkdtemp, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, inject } from 'vitest';
import { clickstream } from '../../sources/clickstream/index.js';
import type { EventRow } from '../../sources/clickstream/stand-in/events.js';
import { writeEvents } from '../../sources/clickstream/stand-in/index.js';
import { orderSystem } from '../../sources/order-system/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Person } from '../../sources/stand-ins/world.js';
import { encodeCursor } from '../../src/connection.js';
import { at, listAt } from '../support/read.js';
import { directSettings } from '../support/stand-ins.js';
import { describeSource, endedCalls } from './source-contract.js';
import type { SystemState } from './source-subject.js';

const world = createWorld({ customers: inject('customers') });

function person(email: string): Person & { customerNumber: string } {
  const found = world.people.find((person) => person.email === email);
  if (found?.orderSystem === undefined) throw new Error(`The order system does not know ${email}.`);
  return { ...found, customerNumber: found.orderSystem.customerNumber };
}

const eva = person('everywhere@example.nl');
const single = person('single-device@example.nl');
const quiet = person('customer-7@example.nl');
const startOf = (visit: { events: readonly { at: string }[] }) => visit.events[0]?.at ?? '';
const visitsOf = ({ clickstream }: Person) =>
  (clickstream?.visits ?? []).toSorted((a, b) => startOf(b).localeCompare(startOf(a)));
const nodesOf = (person: Person) => visitsOf(person).map(({ sessionId }) => ({ recordId: sessionId }));

const VISITS = 'visits(first: 100) { nodes { recordId } }';
const by = (key: object, fields = VISITS) => ({
  query: `query($by: CustomerKey!) { customer(by: $by) { ${fields} } }`,
  variables: { by: key },
});
const ordinary = world.people.filter(({ email }) => /^customer-\d+@/.test(email));
const firstVisit = visitsOf(eva)[0];

/** The number of events of the customer whose visits take long to compute. */
const VERY_MANY = 1_000_000;
const MANY = 'many/collector_date=2026-10-02/many.parquet';

describe('the click log', () => {
  let parent: string;
  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), 'stekkerdoos-clicks-'));
    // Every user may read this folder.
    await chmod(parent, 0o755);
    await mkdir(join(parent, MANY, '..'), { recursive: true });
    await write(
      join(parent, MANY),
      `SELECT 'e' || range AS event_id, 'page_view' AS event_name,
        TIMESTAMPTZ '2026-10-02 00:00:00+00' + to_milliseconds(range) AS collector_tstamp, '${eva.customerNumber}' AS user_id,
        'device' AS domain_userid, 's' || range // 10 AS domain_sessionid, 'https://shop.example/' AS page_url
      FROM range(${VERY_MANY})`,
    );
  });
  afterAll(() => rm(parent, { recursive: true, force: true }));

  const write = async (path: string, select: string): Promise<void> => {
    const database = await DuckDBInstance.create(':memory:', { threads: '2' });
    const connection = await database.connect();
    await connection.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`);
    connection.closeSync();
    database.closeSync();
  };
  const event = (id: string, more: EventRow): EventRow => ({
    event_id: id,
    event_name: 'page_view',
    collector_tstamp: '2026-10-01T12:00:00.000Z',
    domain_userid: `device ${id}`,
    domain_sessionid: `session ${id}`,
    page_url: 'https://shop.example/',
    ...more,
  });
  const PRODUCTS = 'contexts_com_snowplowanalytics_snowplow_ecommerce_product_1_0_0';
  let number = 0;
  /** Creates a separate log for this test. */
  const log = (description: string, events: readonly EventRow[]): SystemState => ({
    description,
    enter: async () => {
      const folder = join(parent, `log-${(number += 1)}`);
      await writeEvents(folder, events);
      return {
        environment: { CLICKSTREAM_FOLDER: folder },
        end: () => rm(folder, { recursive: true, force: true }),
      };
    },
  });
  /** The log in which one customer has many events. */
  const many = (description: string, environment: object): SystemState => ({
    description,
    enter: () =>
      Promise.resolve({
        environment: { CLICKSTREAM_FOLDER: join(parent, 'many'), ...environment },
        end: () => Promise.resolve(),
      }),
  });

  describeSource({
    source: clickstream,
    // The click log knows customers only by the customer number, which the source of the order system declares.
    dependencies: {
      sources: [orderSystem],
      environment: {
        ORDER_SYSTEM_URL: directSettings().ORDER_SYSTEM_URL,
        CLICKSTREAM_TIMEOUT_MS: '20000',
        CLICKSTREAM_LOOK_BACK_DAYS: '60',
        DEADLINE_MS: '20000',
      },
    },
    found: {
      'the customer number': {
        ...by({ customerNumber: eva.customerNumber }),
        data: { customer: { visits: { nodes: nodesOf(eva) } } },
      },
      'a device': {
        ...by({ visitorId: single.orderSystem?.devices[0]?.visitorId }),
        data: { customer: { visits: { nodes: nodesOf(single) } } },
      },
    },
    unknown: {
      'a customer number': { ...by({ customerNumber: 'K999999' }), data: { customer: null } },
      'a customer who was never on the site': {
        ...by({ customerNumber: neverSeen().customerNumber }),
        data: { customer: { visits: { nodes: [] } } },
      },
    },
    batches: {
      'all customers': {
        query: `query($by: [CustomerKey!]!) { customers(by: $by) { ${VISITS} } }`,
        variables: { by: ordinary.map(({ email }) => ({ email })) },
        calls: 1,
        expectData: (data) => {
          expect(listAt(data, 'customers').map((customer) => at(customer, 'visits', 'nodes'))).toEqual(
            ordinary.map(nodesOf),
          );
        },
      },
    },
    pages: {
      query: `query($by: CustomerKey!, $after: String) { customer(by: $by) {
        visits(first: 1) { nodes { recordId } } next: visits(first: 2, after: $after) { nodes { recordId } } } }`,
      variables: {
        by: { customerNumber: eva.customerNumber },
        after: encodeCursor('Customer.visits', [
          new Date(firstVisit === undefined ? 0 : startOf(firstVisit)).toISOString().replace('Z', '000Z'),
          firstVisit?.sessionId ?? '',
        ]),
      },
      data: {
        customer: {
          visits: { nodes: nodesOf(eva).slice(0, 1) },
          next: { nodes: nodesOf(eva).slice(1, 3) },
        },
      },
      // One query reads both pages.
      calls: 1,
    },
    operation: by({ customerNumber: eva.customerNumber }),
    wrongCredentials: {
      description: 'the only credential is the permission to read the files',
      code: 'SOURCE_FORBIDDEN',
      enter: async () => {
        const folder = join(parent, `log-${(number += 1)}`);
        await writeEvents(folder, [event('a', { user_id: eva.customerNumber })]);
        await chmod(folder, 0o000);
        // The user root may read all files.
        const isRoot = process.getuid?.() === 0;
        return {
          environment: { CLICKSTREAM_FOLDER: folder },
          begin: () => {
            if (isRoot) process.seteuid?.(65_534);
          },
          end: async () => {
            if (isRoot) process.seteuid?.(0);
            await chmod(folder, 0o700);
          },
        };
      },
    },
    byAnyText: {
      'a customer number': (text) => ({ ...by({ customerNumber: text }), nothing: { customer: null } }),
      'a device': (text) => ({ ...by({ visitorId: text }), nothing: { customer: null } }),
    },
    withoutFaultControl: {
      hang: {
        description: 'a folder cannot hang, but a query may take too long',
        enter: async () => {
          const folder = join(parent, `log-${(number += 1)}`);
          await writeEvents(folder, [event('a', { user_id: eva.customerNumber })]);
          const long = join(folder, 'collector_date=2026-10-02');
          await mkdir(long);
          await link(join(parent, MANY), join(long, 'many.parquet'));
          return {
            environment: {
              CLICKSTREAM_FOLDER: folder,
              CLICKSTREAM_TIMEOUT_MS: '1500',
              CLICKSTREAM_MEMORY_MB: '2000',
            },
            end: () => rm(long, { recursive: true, force: true }),
          };
        },
      },
    },
    nonHttp: {
      protocol: 'in files',
      rateLimit: many('reads of files are not limited, but the memory is', {
        CLICKSTREAM_MEMORY_MB: '64',
      }),
      mismatches: [
        {
          description: 'a column is of another type',
          enter: async () => {
            const folder = join(parent, `log-${(number += 1)}`, 'collector_date=2026-10-01');
            await mkdir(folder, { recursive: true });
            await write(
              `${folder}/a.parquet`,
              `SELECT 'a' AS event_id, 'page_view' AS event_name, TIMESTAMPTZ '2026-10-01 12:00:00+00' AS collector_tstamp,
                '${eva.customerNumber}' AS user_id, 'd' AS domain_userid, 's' AS domain_sessionid,
                'https://shop.example/' AS page_url, 4711::INTEGER AS useragent`,
            );
            return {
              environment: { CLICKSTREAM_FOLDER: join(folder, '..') },
              end: () => rm(join(folder, '..'), { recursive: true, force: true }),
            };
          },
          place: '0.useragent',
          value: '4711',
        },
      ],
      partial: {
        ...log('a malformed cell fails only its customer', [
          event('a', { user_id: eva.customerNumber, [PRODUCTS]: '[{"id":"1","price":"dear"}]' }),
          event('b', { user_id: quiet.customerNumber }),
        ]),
        query: 'query($by: [CustomerKey!]!) { customers(by: $by) { events { nodes { recordId } } } }',
        variables: {
          by: [eva, quiet, { customerNumber: 'K999999' }].map(({ customerNumber }) => ({ customerNumber })),
        },
        data: { customers: [{ events: null }, { events: { nodes: [{ recordId: 'b' }] } }, null] },
        errors: [{ path: ['customers', 0, 'events'], code: 'SOURCE_CONTRACT' }],
      },
      endless: {
        ...many('the file is released', { CLICKSTREAM_MEMORY_MB: '2000' }),
        isAtWork: async (gateway) =>
          (await endedCalls(gateway, 'order-system', 'ok')) > 0 && (await openFiles()).includes(MANY),
      },
    },
  });
});

/** Lists the open files of this process on Linux. */
async function openFiles(): Promise<string> {
  const handles = await readdir('/proc/self/fd');
  const names = await Promise.all(
    handles.map((handle) => readlink(`/proc/self/fd/${handle}`).catch(() => '')),
  );
  return names.join('\n');
}

/** Returns a customer without an event on the site. */
function neverSeen(): Person & { customerNumber: string } {
  const found = world.people.find(
    (person) => person.clickstream === undefined && person.orderSystem !== undefined,
  );
  if (found === undefined) throw new Error('Every customer has events on the site.');
  return person(found.email);
}
