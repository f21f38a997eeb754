import type { HttpAnswer, HttpCall } from '../../stand-ins/http.js';
import type { SeedRegistration } from '../../stand-ins/seed-kvk.js';
import { fault, invalid, noProduct, ok, unknownParameter } from './answers.js';
import { basicProfile, branchList, branchProfile, mainBranch, owner } from './profiles.js';
import { search } from './search.js';

const profileVersion = '1.5.0';

export function createRoutes(register: readonly SeedRegistration[]): (call: HttpCall) => HttpAnswer {
  const byNumber = new Map(register.map((company) => [company.kvkNumber, company]));
  const byBranch = new Map(
    register.flatMap((company) => company.branches.map((branch) => [branch.number, { company, branch }])),
  );
  const parts: Readonly<Record<string, (company: SeedRegistration, api: string) => unknown>> = {
    '': basicProfile,
    '/eigenaar': owner,
    '/hoofdvestiging': mainBranch,
    '/vestigingen': branchList,
  };

  return (call) => {
    const [, base, path = ''] = /^(\/api|\/test\/api)(\/.*)$/.exec(call.path) ?? [];
    if (base === undefined) return notHere();
    if (call.method !== 'GET') return { status: 405 };
    const accept = call.headers.accept ?? '*/*';
    if (!/\*\/\*|application\/(\*|json|hal\+json)/.test(accept))
      return fault(406, 'IPD1998', 'Opgegeven Accept header wordt niet ondersteund.');
    const api = `${call.origin}${base}`;
    if (path === '/v2/zoeken') return search(register, call, api);

    const [, kvkNumber, part = ''] = /^\/v1\/basisprofielen\/([^/]+)(\/[a-z]+)?$/.exec(path) ?? [];
    const toBody = parts[part];
    if (kvkNumber !== undefined && toBody !== undefined) {
      const unknown = unknownIn(call.query);
      if (unknown !== undefined) return unknown;
      if (!/^\d{8}$/.test(kvkNumber)) return invalid('KVK-nummer', decoded(kvkNumber));
      const company = byNumber.get(kvkNumber);
      return company === undefined ? noProduct(kvkNumber) : ok(toBody(company, api), profileVersion);
    }

    const [, branchNumber] = /^\/v1\/vestigingsprofielen\/([^/]+)$/.exec(path) ?? [];
    if (branchNumber === undefined) return notHere();
    const unknown = unknownIn(call.query);
    if (unknown !== undefined) return unknown;
    if (!/^\d{12}$/.test(branchNumber)) return invalid('vestigingsnummer', decoded(branchNumber));
    const found = byBranch.get(branchNumber);
    if (found === undefined)
      return fault(
        404,
        'IPD0005',
        `Op basis van het vestigingsnummer ${branchNumber} kan het product niet worden geleverd.`,
      );
    return ok(branchProfile(found.company, found.branch, api), profileVersion);
  };
}

/** Geographic data is not imitated, so its parameter has no effect. */
function unknownIn(query: URLSearchParams): HttpAnswer | undefined {
  const unknown = [...query.keys()].find((name) => name !== 'geoData');
  return unknown === undefined ? undefined : unknownParameter(unknown);
}

/** The answer of the service to an unknown path. */
function notHere(): HttpAnswer {
  return {
    status: 404,
    headers: { 'content-type': 'text/html' },
    body: '<html><body>Not Found</body></html>',
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
