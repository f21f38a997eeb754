import type { HttpAnswer, HttpCall } from '../../stand-ins/http.js';
import type { SeedBranch, SeedRegistration } from '../../stand-ins/seed-kvk.js';
import { fault, invalid, nothingFound, ok, unknownParameter } from './answers.js';

/** The parameters by their names in lower case, with the spelling of the service's links. */
const parameters = new Map(
  [
    'kvkNummer',
    'rsin',
    'vestigingsnummer',
    'naam',
    'straatnaam',
    'plaats',
    'postcode',
    'huisnummer',
    'huisletter',
    'postbusnummer',
    'type',
    'inclusiefInactieveRegistraties',
    'pagina',
    'resultatenPerPagina',
  ].map((name) => [name.toLowerCase(), name]),
);

const patterns: Readonly<Record<string, RegExp>> = {
  kvknummer: /^\d{8}$/,
  rsin: /^\d{9}$/,
  vestigingsnummer: /^\d{12}$/,
  postcode: /^\d{4}[a-zA-Z]{2}$/,
  huisnummer: /^\d{1,5}$/,
  huisletter: /^[a-zA-Z]$/,
  postbusnummer: /^\d{1,5}$/,
};

/** The maximum number of results of one search, on all its pages. */
const maxResults = 1_000;

interface Hit {
  company: SeedRegistration;
  branch: SeedBranch | undefined;
}

/** Searches branches and the legal persons behind them. A legal person has no address here, so no town finds it. */
export function search(register: readonly SeedRegistration[], call: HttpCall, api: string): HttpAnswer {
  const values = new Map<string, string>();
  for (const [name, value] of call.query) {
    if (!parameters.has(name.toLowerCase())) return unknownParameter(name);
    values.set(name.toLowerCase(), value);
  }
  for (const [name, pattern] of Object.entries(patterns)) {
    const value = values.get(name);
    if (value !== undefined && !pattern.test(value)) return invalid(parameters.get(name) ?? name, value);
  }
  const page = Number(values.get('pagina') ?? 1);
  const size = Number(values.get('resultatenperpagina') ?? 10);
  if (!Number.isInteger(page) || page < 1 || page > 1_000) return invalid('pagina', String(page));
  if (!Number.isInteger(size) || size < 1 || size > 100) return invalid('resultatenPerPagina', String(size));
  if (values.has('postcode') !== (values.has('huisnummer') || values.has('postbusnummer')))
    return fault(400, 'IPD1002', 'Een postcode gaat alleen samen met een huisnummer of postbusnummer.');
  const types = values.get('type')?.split(',');

  const hits = register.flatMap((company) => hitsOf(company).filter((hit) => fits(hit, values, types)));
  const shown = hits.slice(0, maxResults).slice((page - 1) * size, page * size);
  if (shown.length === 0) return nothingFound();
  const link = (to: number) => {
    const query = new URLSearchParams(
      [...values].filter(([name]) => !/^(pagina|resultatenperpagina)$/.test(name)),
    );
    query.set('pagina', String(to));
    query.set('resultatenperpagina', String(size));
    return `${api}/v2/zoeken?${query.toString()}`;
  };
  const full = values.has('postcode');
  return ok(
    {
      pagina: page,
      resultatenPerPagina: size,
      totaal: hits.length,
      ...(page > 1 && { vorige: link(page - 1) }),
      ...(page * size < Math.min(hits.length, maxResults) && { volgende: link(page + 1) }),
      resultaten: shown.map((hit) => toResult(hit, full, api)),
      _links: { self: { href: link(page) } },
    },
    '2.1.0',
  );
}

function hitsOf(company: SeedRegistration): Hit[] {
  const legalPerson = company.rsin === undefined ? [] : [{ company, branch: undefined }];
  // The main branch came last in the recordings.
  return [...legalPerson, ...company.branches.toReversed().map((branch) => ({ company, branch }))];
}

function fits(
  { company, branch }: Hit,
  values: ReadonlyMap<string, string>,
  types: string[] | undefined,
): boolean {
  const is = (name: string, held: string | undefined) => {
    const value = values.get(name);
    return value === undefined || held?.toLowerCase() === value.toLowerCase();
  };
  const address = branch?.addresses.find(({ isShielded }) => isShielded !== true);
  const names = branch?.tradeNames ?? [company.statutoryName ?? company.name];
  const words = (values.get('naam') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  return (
    is('kvknummer', company.kvkNumber) &&
    is('rsin', company.rsin) &&
    is('vestigingsnummer', branch?.number) &&
    is('straatnaam', address?.street) &&
    is('plaats', address?.city) &&
    is('postcode', address?.postcode) &&
    is('huisnummer', address?.houseNumber?.toString()) &&
    is('huisletter', address?.houseLetter) &&
    is('postbusnummer', address?.poBox?.toString()) &&
    // A company is found by each of its names, and by a part of a name.
    (!values.has('naam') ||
      (words.length > 0 && names.some((name) => words.every((word) => name.toLowerCase().includes(word))))) &&
    (types === undefined || types.includes(typeOf({ company, branch })))
  );
}

function typeOf({ company, branch }: Hit): string {
  if (branch === undefined) return 'rechtspersoon';
  return branch === company.branches[0] ? 'hoofdvestiging' : 'nevenvestiging';
}

/** Returns only street and town, unless postcode and number were requested. */
function toResult({ company, branch }: Hit, full: boolean, api: string): Record<string, unknown> {
  const address = branch?.addresses.find(({ isShielded }) => isShielded !== true);
  const more = full
    ? { huisnummer: address?.houseNumber, huisletter: address?.houseLetter, postcode: address?.postcode }
    : {};
  return {
    kvkNummer: company.kvkNumber,
    ...(branch === undefined ? { rsin: company.rsin } : { vestigingsnummer: branch.number }),
    naam: branch?.tradeNames[0] ?? company.name,
    ...(address !== undefined && {
      adres: {
        binnenlandsAdres: { type: 'bezoekadres', straatnaam: address.street, ...more, plaats: address.city },
      },
    }),
    type: typeOf({ company, branch }),
    _links: {
      basisprofiel: { href: `${api}/v1/basisprofielen/${company.kvkNumber}` },
      ...(branch !== undefined && {
        vestigingsprofiel: { href: `${api}/v1/vestigingsprofielen/${branch.number}` },
      }),
    },
  };
}
