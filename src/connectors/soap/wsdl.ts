import { readFile } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { IHttpClient, IOptions, WSDL } from 'soap';
import { SourceContractError, SourceError } from '../../errors.js';
import type { CallScope } from '../connector.js';
import type { HttpTransport } from '../http.js';
import { ATTRIBUTES, DESERIALIZERS, readXml, TEXT } from './xml.js';
import { missingPackage } from '../../missing-package.js';

/** The location of the WSDL: a file in this repository with the operations used, or a path after the base address. */
export type WsdlPlace = URL | string;

/**
 * Reads a WSDL with the schemas that it imports. None is read from outside the file's folder, or the system's
 * address.
 */
export async function loadWsdl(
  place: WsdlPlace,
  http: HttpTransport,
  scope: CallScope,
  source: string,
): Promise<WSDL> {
  const fetchText = (path: string) =>
    http.send(
      scope,
      { method: 'GET', path, isRaw: true, headers: { accept: 'text/xml' } },
      ({ body, type }) => readXml(body as Buffer, type ?? '', source),
    );
  const prefix = http.baseUrl.pathname.replace(/\/$/, '');
  const isFile = place instanceof URL;
  const uri = isFile ? fileURLToPath(place) : `${http.baseUrl.origin}${prefix}${place}`;
  const options: IOptions = {
    attributesKey: ATTRIBUTES,
    valueKey: TEXT,
    customDeserializer: DESERIALIZERS,
    handleNilAsNull: true,
    // The package uses this to fetch imports of a WSDL.
    httpClient: httpClient((address) => fetchText(pathOf(address, http))),
    wsdl_options: {
      overrideImportLocation: (location: string) => {
        const isAllowed = isFile
          ? location.startsWith(`${dirname(uri)}${sep}`)
          : URL.canParse(location) && isWithin(new URL(location), http);
        if (!isAllowed)
          throw new SourceContractError(
            source,
            `The WSDL of ${source} imports a schema from outside its own location.`,
            { kind: 'wrong-format' },
          );
        return location;
      },
    },
  };
  const text = isFile ? readXml(await readFile(place), '', source) : await fetchText(place);
  const { WSDL: Wsdl } = await import('soap').catch(missingPackage('soap', source));
  return new Promise((resolve, reject) => {
    const wsdl = new Wsdl(text, uri, options);
    // The package's types declare that there is always an error.
    wsdl.onReady((error: unknown) => {
      if (error === undefined || error === null) resolve(wsdl);
      else if (error instanceof SourceError) reject(error);
      else
        reject(
          new SourceContractError(source, `The WSDL of ${source} cannot be read.`, {
            cause: error,
            kind: 'wrong-format',
          }),
        );
    });
  });
}

/** The path of an address, relative to the base address that the transport adds. */
function pathOf(address: string, { baseUrl }: HttpTransport): string {
  const { pathname, search } = new URL(address);
  return `${pathname.slice(baseUrl.pathname.replace(/\/$/, '').length)}${search}`;
}

function isWithin({ origin, pathname }: URL, { baseUrl }: HttpTransport): boolean {
  const prefix = baseUrl.pathname.replace(/\/$/, '');
  return origin === baseUrl.origin && (pathname === prefix || pathname.startsWith(`${prefix}/`));
}

/** An HTTP client in the package's form, which expects answers as axios returns them. */
function httpClient(fetch: (address: string) => Promise<string>): IHttpClient {
  return {
    request: (address, _data, callback: (error: unknown, response?: unknown, body?: string) => void) => {
      fetch(address).then(
        (text) => {
          callback(null, { status: 200 }, text);
        },
        (error: unknown) => {
          callback(error);
        },
      );
      return undefined as never;
    },
  };
}
