import type { HttpAnswer } from '../../stand-ins/http.js';

/** What every answer carries, as recorded. */
const always = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

export function ok(body: unknown, apiVersion: string): HttpAnswer {
  return {
    status: 200,
    headers: { ...always, 'content-type': 'application/hal+json', 'api-version': apiVersion },
    body: JSON.stringify(body),
  };
}

/** Errors are plain JSON, even if the client requests hal+json. */
export function fault(status: number, code: string, omschrijving: string): HttpAnswer {
  return {
    status,
    headers: { ...always, 'content-type': 'application/json' },
    body: JSON.stringify({ fout: [{ code, omschrijving }] }),
  };
}

export function nothingFound(): HttpAnswer {
  return fault(404, 'IPD5200', 'Er zijn geen gegevens gevonden die voldoen aan de opgegeven zoekparameters.');
}

export function noProduct(kvkNumber: string): HttpAnswer {
  return fault(
    404,
    'IPD0005',
    `Op basis van het KVK-nummer ${kvkNumber} kan het product niet worden geleverd.`,
  );
}

export function invalid(what: string, value: string): HttpAnswer {
  return fault(400, 'IPD0006', `Het ${what} ${value} is niet valide.`);
}

/** The code is printed on the documentation page; that the status is 400, too. */
export function unknownParameter(name: string): HttpAnswer {
  return fault(400, 'IPD1999', `De parameter ${name} wordt niet ondersteund.`);
}
