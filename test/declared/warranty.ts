import type { ServerResponse } from 'node:http';
import { declaredSource, describeProblem } from '../../src/index.js';
import type { SourceDefinition } from '../../src/source.js';
import { sendJson, type SeenRequest } from '../connectors/server.js';

/** The example of a declared source: a system for warranties, in YAML and SDL. */
export const WARRANTY_YAML = `source: warranty
connect: { rest: "\${WARRANTY_URL}", auth: { bearer: "\${WARRANTY_TOKEN}" }, ping: /v1/status }
limits: { timeout: 800 ms, concurrency: 4 }
freshness: { maxAge: 0 s, staleIfError: 1 hour }
namespaces:
  registrationId: { pattern: '^R\\d{8}$', description: "The number of a registration, such as R00000001." }
identity:
  recordKey: registrationId
  id: number
  foundBy:
    registrationId: { call: byId, uniqueness: enforced }
    email: { call: byEmail, uniqueness: usual }
  yields: { email: { one: owner.mail }, phone: { shown: owner.phone } }
  profile: { name: [owner.given, owner.family], updatedAt: { from: changed, dateTime: seconds } }
calls:
  byEmail: { get: "/v1/registrations?owner={keys|csv}", maxBatch: 20, rows: data }
  byId: { get: "/v1/registrations/{key}" }
  repairs:
    get: /v1/registrations/{key}/repairs
    rows: items
    page: { cursor: meta.next, as: after, maxItems: 50 }
fields:
  Customer.warranty: { call: byId }
  Customer.warrantyContact: owner.mail
  Warranty.cover: { from: cover.code, enum: { B: BASIC, P: PREMIUM, extra-long: EXTRA_LONG } }
  Warranty.until: { from: ends, date: dd-mm-yyyy }
  Warranty.repairs: { call: repairs, key: number, order: [-startedAt, code] }
  Repair.startedAt: { from: start, dateTime: { zone: Europe/Amsterdam } }
  Repair.cost: { from: amountCents, money: { minorUnits: 2, currency: EUR } }
webhook:
  hmac: { header: x-signature, secret: "\${WARRANTY_HOOK}" }
  id: id
  type: kind
  types: { registration.updated: contact.changed }
  identifiers: { registrationId: data.id }
`;

export const WARRANTY_SDL = `type Customer {
  "The customer's warranty. Source: the warranty system, always live."
  warranty: Warranty
    @personalData(category: TRANSACTION)
    @purpose(any: [SERVICE, CUSTOMER_CARE, ANALYTICS])
    @requiresScopes(scopes: [["orders:read"]])
  "The address for letters about the warranty."
  warrantyContact: String
    @personalData(category: CONTACT, mask: EMAIL)
    @purpose(any: [SERVICE, CUSTOMER_CARE, ANALYTICS])
    @requiresScopes(scopes: [["orders:read"]])
}

"A registered product."
type Warranty @personalData(category: TRANSACTION) {
  "The number of the registration."
  number: ID! @personalData(category: TRANSACTION, mask: LAST_FOUR)
  "What is covered."
  cover: WarrantyCover
  "The last day."
  until: Date
  "Repairs, the newest first."
  repairs("How many, 1 to 100." first: Int! = 10 "The endCursor of the page before." after: String): RepairConnection
}

"What a warranty covers."
enum WarrantyCover {
  "Parts."
  BASIC
  "Parts and work."
  PREMIUM
  "Parts and work for ten years."
  EXTRA_LONG
}

"A repair under warranty."
type Repair @personalData(category: TRANSACTION) {
  "The code of the repair."
  code: ID!
  "When it began."
  startedAt: DateTime
  "The cost."
  cost: Money
}
`;

/** Compiles a declaration that has no problems. */
export function compiled(
  yaml = WARRANTY_YAML,
  sdl = WARRANTY_SDL,
): { source: SourceDefinition; sdl: string } {
  const result = declaredSource({
    file: 'sources/warranty.yaml',
    yaml,
    sdlFile: 'schema/sources/warranty.graphql',
    sdl,
  });
  if ('problems' in result) throw new Error(result.problems.map(describeProblem).join('\n'));
  return result;
}

interface Registration {
  number: string;
  owner: { mail: string; phone: string; given: string; family: string };
  cover: { code: string } | null;
  ends: string;
  changed: number;
}

export const REGISTRATIONS: readonly Registration[] = Array.from({ length: 30 }, (_, i) => ({
  number: `R${String(i + 1).padStart(8, '0')}`,
  owner: {
    mail: `Owner${i + 1}@Example.nl`,
    phone: '06-12345678',
    given: 'Anna',
    family: `de Vries ${i + 1}`,
  },
  cover: { code: ['B', 'P', 'extra-long'][i % 3] ?? 'B' },
  ends: '31-01-2030',
  changed: 1_767_225_600,
}));

/** Answers like the warranty system. A page has two repairs, and each registration has five. */
export function answerAsWarranty({ url, headers }: SeenRequest, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(url, 'http://warranty');
  if (headers.authorization !== 'Bearer secret-token') {
    sendJson(response, { error: 'who are you' }, { status: 401 });
    return;
  }
  const [, id, list] = /^\/v1\/registrations\/([^/]+)(\/repairs)?$/.exec(pathname) ?? [];
  if (pathname === '/v1/status') sendJson(response, {});
  else if (pathname === '/v1/registrations') {
    const owners = (searchParams.get('owner') ?? '').split(',');
    const data = REGISTRATIONS.filter(({ owner }) => owners.includes(owner.mail.toLowerCase()));
    sendJson(response, { data: data.toReversed() });
  } else if (list !== undefined) {
    const start = Number(searchParams.get('after') ?? 0);
    const items = [0, 1, 2, 3, 4]
      .map((i) => ({ code: `${id ?? ''}-${i}`, start: `2026-0${i + 2}-15T12:00:00`, amountCents: 1005 + i }))
      .slice(start, start + 2);
    sendJson(response, { items, meta: { next: start + 2 < 5 ? String(start + 2) : null } });
  } else {
    const found = REGISTRATIONS.find(({ number }) => number === decodeURIComponent(id ?? ''));
    if (found === undefined) sendJson(response, { error: 'unknown' }, { status: 404 });
    else sendJson(response, found);
  }
}

export const WARRANTY_SETTINGS = { WARRANTY_TOKEN: 'secret-token', WARRANTY_HOOK: 'hook-secret' };
