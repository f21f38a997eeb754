import { declaredSource, describeProblem, type SourceDefinition } from '../../../src/index.js';
import { peerSdl } from './gateway-sources.js';
import { MAX_KEYS, URL_SETTINGS, type PeerSystem } from './systems.js';

/** The systems of the peers as declared sources. Lists have the three items that the queries request. */

const SHARED = `limits: { timeout: 60 s, maxBatch: ${MAX_KEYS} }
freshness: { maxAge: 0 s, staleWhileRevalidate: 0 s, staleIfError: 0 s }
`;

const YAML: Readonly<Record<PeerSystem, string>> = {
  'crm-hubspot': `
namespaces:
  customerNumber: { pattern: '^K\\d+$', description: The number that all systems know the customer by. }
identity:
  recordKey: customerNumber
  foundBy:
    customerNumber: { call: byNumber, uniqueness: enforced }
    email: { call: byEmail, uniqueness: enforced }
  yields: { email: { one: email, verified: true }, phone: { shown: phone } }
  profile:
    name: name
    language: language
    birthDate: bornOn
    updatedAt: updatedAt
    address:
      street: address.street
      houseNumber: address.houseNumber
      postcode: address.postcode
      city: address.city
      country: address.country
calls:
  byNumber: { get: "/contacts?customerNumber={keys|csv}", rows: . }
  byEmail: { get: "/contacts?email={keys|csv}", rows: . }
`,
  'order-system': `
calls:
  orders: { get: "/orders?customerNumber={keys|csv}&first=3", rows: ., key: customerNumber, id: number }
fields:
  Customer.orders: { call: orders, key: customerNumber, order: [-placedAt, number] }
  OrderLine.product: .
`,
  webshop: `
records: { Product: products }
calls:
  products: { get: "/products?sku={keys|csv}", rows: ., key: sku }
`,
  'contact-centre': `
calls:
  tickets: { get: "/tickets?customerNumber={keys|csv}&first=3", rows: ., key: customerNumber, id: id }
fields:
  Customer.supportTickets: { call: tickets, key: customerNumber }
`,
  invoices: `
calls:
  invoices: { get: "/invoices?customerNumber={keys|csv}&first=3", rows: ., key: customerNumber, id: number }
fields:
  Customer.invoices: { call: invoices, key: customerNumber }
`,
};

const PING: Readonly<Record<PeerSystem, string>> = {
  'crm-hubspot': '/contacts?email=nobody',
  'order-system': '/orders?customerNumber=K0',
  webshop: '/products?sku=none',
  'contact-centre': '/tickets?customerNumber=K0',
  invoices: '/invoices?customerNumber=K0',
};

/** The sources and their SDL. */
export function declaredPeerSources(): {
  sources: readonly SourceDefinition[];
  sdl: Readonly<Record<string, string>>;
} {
  const compiled = Object.entries(YAML).map(([name, yaml]) => {
    const system = name as PeerSystem;
    const result = declaredSource({
      file: `${name}.yaml`,
      yaml: `source: ${name}\nconnect: { rest: "\${${URL_SETTINGS[system]}}", ping: "${PING[system]}" }\n${SHARED}${yaml}`,
      sdlFile: `${name}.graphql`,
      sdl: peerSdl[name],
    });
    if ('problems' in result) throw new Error(result.problems.map(describeProblem).join('\n'));
    return [name, result] as const;
  });
  return {
    sources: compiled.map(([, { source }]) => source),
    sdl: Object.fromEntries(compiled.map(([name, { sdl }]) => [name, sdl])),
  };
}
