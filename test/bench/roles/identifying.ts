import DataLoader from 'dataloader';
import type { Client } from '../../../src/connectors/connector.js';
import type { CustomerRecord, Namespace, Uniqueness } from '../../../src/identity/declaration.js';
import { commonNamespaces, idNamespace } from '../../../src/identity/identifiers.js';
import { createIdentities, type IdentityRules } from '../../../src/identity/identity-graph.js';
import { defineLoader, type Loader } from '../../../src/loaders/loader.js';
import type { Load } from '../../../src/loaders/registry.js';
import { listen } from '../../../src/http/http.js';
import type { Started } from '../bench-process.js';
import { loadersOf } from '../../support/loaders-of.js';

/** CPU time per customer in each block, in µs. */
export interface IdentifyingTimes {
  /** Customers in a request. */
  customers: number;
  /** To resolve the identifier to the records of all systems. */
  identified: number[];
  /** To load the same records with the same loaders, and nothing else. */
  loaded: number[];
}

type RecordLoader = Loader<Client, string, readonly CustomerRecord[]>;

const CUSTOMERS = 1_000;
const BLOCKS = 60;
const WARM_UP_BLOCKS = 20;

/** Serves the measurement with four systems like those of the demo. All records are in memory. */
export async function startIdentifying(): Promise<Started> {
  const server = await listen(
    (_, response) => {
      void measure().then((times) => response.end(JSON.stringify(times)));
    },
    { host: '127.0.0.1', port: 0 },
  );
  return { ready: { url: server.url }, close: () => Promise.resolve() };
}

interface System {
  name: string;
  recordKey: string;
  foundBy: Record<string, Uniqueness>;
  phone: 'one' | 'shown';
}

const SYSTEMS: readonly System[] = [
  { name: 'orders', recordKey: 'ordersId', foundBy: { email: 'usual', phone: 'none' }, phone: 'one' },
  { name: 'shop', recordKey: 'shopId', foundBy: { email: 'enforced', phone: 'enforced' }, phone: 'one' },
  { name: 'desk', recordKey: 'deskId', foundBy: { email: 'enforced' }, phone: 'shown' },
  { name: 'crm', recordKey: 'crmId', foundBy: { email: 'enforced' }, phone: 'shown' },
];

function createSystems() {
  const recordsByLoader = new Map<RecordLoader, Map<string, readonly CustomerRecord[]>>();
  const sources = SYSTEMS.map(({ name, recordKey, foundBy, phone }) => {
    const records = new Map<string, readonly CustomerRecord[]>();
    for (let i = 0; i < CUSTOMERS; i += 1)
      records.set(emailOf(i), [
        {
          id: `${name}-${i}`,
          identifiers: [
            { namespace: 'email', value: emailOf(i), verified: i % 2 === 0 },
            { namespace: 'phone', value: `+316${10_000_000 + i}` },
          ],
          profile: { name: `Customer ${i}`, updatedAt: '2026-10-17T09:21:00.000Z' },
        },
      ]);
    const loader: RecordLoader = defineLoader({ name, load: () => Promise.resolve([]) });
    recordsByLoader.set(loader, records);
    const lookups = Object.entries({ [recordKey]: 'enforced' as const, ...foundBy });
    return {
      name,
      identity: {
        recordKey,
        foundBy: Object.fromEntries(
          lookups.map(([namespace, uniqueness]) => [namespace, { uniqueness, loader }]),
        ),
        yields: { email: 'one', phone } as const,
      },
    };
  });
  const namespaces = [
    ...commonNamespaces('NL'),
    ...SYSTEMS.map(({ recordKey }) => idNamespace(recordKey, 'An id.', /^[\w-]+$/)),
  ];
  const rules: IdentityRules = {
    sources,
    namespaces: new Map(namespaces.map((namespace): [string, Namespace] => [namespace.name, namespace])),
    limits: { maxHops: 3, maxValuesPerNamespace: 5, maxIdentifiers: 50, patienceMs: 500 },
  };
  /** Creates the `load` function of one request. */
  const newLoad = (): Load => {
    const loaders = new Map<unknown, DataLoader<unknown, unknown, string>>();
    return ((loader: RecordLoader, key: string) => {
      let dataLoader = loaders.get(loader);
      if (dataLoader === undefined) {
        const records = recordsByLoader.get(loader);
        dataLoader = new DataLoader((keys) =>
          Promise.resolve(keys.map((wanted) => records?.get(wanted as string) ?? [])),
        );
        loaders.set(loader, dataLoader);
      }
      return dataLoader.load(key);
    }) as Load;
  };
  return { rules, newLoad, loaders: [...recordsByLoader.keys()] };
}

function emailOf(i: number): string {
  return `customer-${i}@example.nl`;
}

async function measure(): Promise<IdentifyingTimes[]> {
  const { rules, newLoad, loaders } = createSystems();
  const all = new Set(SYSTEMS.map(({ name }) => name));
  const identify = async (some: readonly string[]) => {
    const identities = createIdentities(rules, loadersOf(newLoad()));
    await Promise.all(
      some.map(async (value) => {
        const identity = identities.of({ namespace: 'email', value });
        await identity.isKnown(all);
        return Promise.all(SYSTEMS.map(({ name }) => identity.findIn(name)));
      }),
    );
  };
  const load = async (some: readonly string[]) => {
    const loadOf = newLoad();
    await Promise.all(some.map((value) => Promise.all(loaders.map((loader) => loadOf(loader, value)))));
  };
  const emails = Array.from({ length: CUSTOMERS }, (_, i) => emailOf(i));
  const times: IdentifyingTimes[] = [];
  for (const customers of [1, 100]) {
    const result: IdentifyingTimes = { customers, identified: [], loaded: [] };
    for (let block = -WARM_UP_BLOCKS; block < BLOCKS; block += 1) {
      const identified = await timeOf(emails, customers, identify);
      const loaded = await timeOf(emails, customers, load);
      if (block < 0) continue;
      result.identified.push(identified);
      result.loaded.push(loaded);
    }
    times.push(result);
  }
  return times;
}

/** CPU time per customer in µs. Elapsed time would include other work of the machine. */
async function timeOf(
  emails: readonly string[],
  customers: number,
  run: (some: readonly string[]) => Promise<unknown>,
): Promise<number> {
  const before = process.cpuUsage();
  for (let i = 0; i < emails.length; i += customers) await run(emails.slice(i, i + customers));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / emails.length;
}
