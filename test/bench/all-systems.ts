import type { Bench } from './bench.js';
import { faultControl } from './fault-control.js';
import { CUSTOMERS, SYSTEMS } from './query.js';
import type { Tuning } from './tuning.js';

/** Fields of a customer that only this system can answer. */
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

/** GraphQL fields of the first systems of the list, up to this number. */
export function fieldsOf(systems: number): string {
  return Object.values(FIELD_OF).slice(0, systems).join(' ');
}

export const ALL_SYSTEMS = Object.keys(FIELD_OF).length;

/** Limits that the gateway does not reach, even though eight systems share a process. */
const HIGH_LIMITS = { rate: { calls: 1_000_000, per: '1 s' }, timeout: '60 s' } as const;
export const UNLIMITED: Tuning = {
  '*': { limits: { timeout: HIGH_LIMITS.timeout } },
  x: { limits: HIGH_LIMITS },
  invoices: { limits: HIGH_LIMITS },
  kvk: { limits: HIGH_LIMITS },
};

/** Opens a bench with all systems. The eight added systems share a process, because their time is not measured. */
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
