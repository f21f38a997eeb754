import type { Bench } from './bench.js';
import { faultControl } from './fault-control.js';
import { CUSTOMERS, SYSTEMS } from './query.js';
import type { Tuning } from './tuning.js';

/** Something that each system alone can answer about a customer. */
const FIELD_OF: Record<string, string> = {
  'order-system': 'orders(first: 3) { nodes { number placedAt } }',
  webshop: 'cart { name }',
  'contact-centre': 'tickets(first: 3) { nodes { subject } }',
  'crm-hubspot': 'deals(first: 3) { nodes { name } }',
  'crm-salesforce': 'deals(first: 3) { nodes { name } }',
  invoices: 'invoices(first: 3) { nodes { number } }',
  clickstream: 'lastSeenAt',
  facebook: 'facebookProfile { firstName }',
  x: 'xProfile { username }',
  buienradar: 'weather { now { temperatureCelsius } }',
  kvk: 'company { legalForm }',
  vies: 'company { vat { isValid } }',
};

/** Fields of so many systems. */
export function fieldsOf(systems: number): string {
  return Object.values(FIELD_OF).slice(0, systems).join(' ');
}

export const ALL_SYSTEMS = Object.keys(FIELD_OF).length;

/** What systems allow of the real gateway would be what is measured, and so would the time that one process takes for eight. */
const FREE = { rate: { calls: 1_000_000, per: '1 s' }, timeout: '60 s' } as const;
export const UNLIMITED: Tuning = {
  '*': { limits: { timeout: FREE.timeout } },
  x: { limits: FREE },
  invoices: { limits: FREE },
  kvk: { limits: FREE },
};

/** The same with all systems: what the other eight take is not measured, so they share a process. */
export async function withAllSystems(bench: Bench): Promise<Bench> {
  const others = Object.keys(FIELD_OF).filter((name) => !SYSTEMS.some((system) => system === name));
  const { ready } = await bench.open({
    role: 'source',
    environment: { BENCH_SYSTEMS: others.join(','), BENCH_CUSTOMERS: String(CUSTOMERS) },
  });
  return {
    ...bench,
    environment: { ...bench.environment, ...ready.settings, CLICKSTREAM_TIMEOUT_MS: '30000' },
    control: faultControl([...bench.control.urls, ready.url]),
  };
}
