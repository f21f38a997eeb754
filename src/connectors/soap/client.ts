import type { Client as PackageClient, IHttpClient, ISecurity, WSDL } from 'soap';
import { z } from 'zod';
import type { Setting, SettingsReader } from '../../settings.js';
import { SourceContractError, SourceError, SourceUnavailableError } from '../../errors.js';
import { noAuth, type Auth } from '../auth.js';
import type { CallScope, Client, Connector } from '../connector.js';
import { httpConnector } from '../http-connector.js';
import { check, type HttpAnswer, type HttpTransport } from '../http.js';
import { errorOfFault, readFault, type Faults } from './faults.js';
import type { SoapSecurity } from './security.js';
import { loadWsdl, type WsdlPlace } from './wsdl.js';
import { ATTRIBUTES, readXml, refuseImpossibleInput, withoutXsi, type SoapInput } from './xml.js';
import { missingPackage } from '../../missing-package.js';

/** A client for a SOAP service. Every answer is validated before it is returned. */
export interface SoapClient extends Client {
  /**
   * The answer to an operation that only reads; null if a fault means that there is no record. The input has the
   * members of the WSDL, in its order. In the answer, elements that may repeat are lists, also for one element, and
   * are omitted when there are none. Decimals, longs and timestamps are the original text.
   */
  call<T>(schema: z.ZodType<T>, operation: string, input: SoapInput): Promise<T | null>;
}

export interface SoapOptions {
  /** The base address of the service, with an optional path. The address in the WSDL is ignored. */
  baseUrl: Setting<string>;
  /** Path after the base address to which calls are posted. Default: none. */
  path?: string;
  wsdl: WsdlPlace;
  /** Default `'1.1'`. */
  version?: '1.1' | '1.2';
  /** Authentication by HTTP headers. Default: none. */
  auth?: Auth;
  /** Authentication by a header of the message. Default: none. */
  security?: SoapSecurity;
  /** The meaning of vendor-specific faults. */
  faults?: Faults;
  /** Additional CA certificates: see `caSetting`. */
  ca?: Setting<string | undefined>;
  /** A cheap operation for the health check. */
  ping: { operation: string; input: SoapInput };
}

/** Statuses of faults: 500, or 400 for faults of the caller in SOAP 1.2. Some systems use 200 too. */
const FAULT_STATUSES = [400, 500];

/** A connector to a SOAP service. */
export function soap(options: SoapOptions): Connector<SoapClient> {
  const { baseUrl, auth = noAuth, security, ca } = options;
  const settings = (reader: SettingsReader) => security?.settings(reader) ?? [];
  return httpConnector({ url: baseUrl, auth, ca, settings }, ({ http, reader, source }) => {
    const service = createService(options, http, source, security?.writer(reader));
    return (scope) => createClient(options, http, scope, source, service);
  });
}

/** The service of a WSDL: it writes and reads messages. */
interface Service {
  client: PackageClient;
  wsdl: WSDL;
}

/** Returns a function that loads the WSDL at the first call. */
function createService(
  { wsdl: place, version }: SoapOptions,
  http: HttpTransport,
  source: string,
  securityWriter: (() => Promise<ISecurity>) | undefined,
): (scope: CallScope) => Promise<Service> {
  let loading: Promise<Service> | undefined;
  const load = async (scope: CallScope): Promise<Service> => {
    const wsdl = await loadWsdl(place, http, scope, source);
    const { Client: Created } = await import('soap').catch(missingPackage('soap', source));
    const client = new Created(wsdl, http.baseUrl.href, {
      forceSoap12Headers: version === '1.2',
      httpClient: handOver,
    });
    if (securityWriter !== undefined) client.setSecurity(await securityWriter());
    return { client, wsdl };
  };
  return async (scope) => {
    for (;;) {
      const ownLoad = loading === undefined ? load(scope) : undefined;
      const current = (loading ??= ownLoad) as Promise<Service>;
      try {
        return await current;
      } catch (error) {
        if (loading === current) loading = undefined;
        // Another call's load was cancelled with that call, so this call loads again.
        if (ownLoad !== undefined || error instanceof SourceError) throw error;
      }
    }
  };
}

type Send = (message: string, headers: Record<string, string>) => void;

/** Replaces the HTTP client of the soap package: it passes the message to the call that created it. */
const handOver: IHttpClient = {
  request: (_address, message: string, _callback, headers, options) => {
    const { send } = options as { send: Send };
    send(message, headers as Record<string, string>);
    return undefined as never;
  },
};

type Method = (input: SoapInput, callback: () => void, options: { send: Send }) => void;

function createClient(
  { path = '', faults = {}, ping }: SoapOptions,
  http: HttpTransport,
  scope: CallScope,
  source: string,
  service: (scope: CallScope) => Promise<Service>,
): SoapClient {
  const call = async <T>(schema: z.ZodType<T>, operation: string, input: SoapInput): Promise<T | null> => {
    refuseImpossibleInput(input);
    const { client, wsdl } = await service(scope);
    const method = Object.hasOwn(client, operation) ? (client[operation] as Method) : undefined;
    if (typeof method !== 'function')
      throw new SourceContractError(source, `${source} has no operation ${operation}.`, {
        kind: 'request-refused',
      });
    // Each attempt has its own message, because a security header is valid only once.
    const answer = scope.run(
      (signal) =>
        new Promise<T | null>((resolve, reject) => {
          const once: CallScope = { ...scope, run: (send) => send(signal) };
          const send: Send = (body, headers) => {
            http
              .send(
                once,
                { method: 'POST', path, body, isRaw: true, headers: toHttpHeaders(headers) },
                (answer) => resultOf(answer, { wsdl, schema, source, faults, request: body }),
                FAULT_STATUSES,
              )
              .then(resolve, reject);
          };
          method(input, () => undefined, { send });
        }),
    );
    return answer.catch((error: unknown) => {
      if (error instanceof SourceError) error.addRequest({ operation });
      throw error;
    });
  };
  return {
    call,
    ping: async () => {
      await call(z.unknown(), ping.operation, ping.input);
    },
  };
}

/** The headers with lower-case names, as the transport requires. */
function toHttpHeaders(headers: Record<string, string>): Record<string, string> {
  const lowerCase = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return { ...Object.fromEntries(lowerCase), accept: 'text/xml, application/soap+xml' } as Record<
    string,
    string
  >;
}

interface Reading<T> {
  wsdl: WSDL;
  schema: z.ZodType<T>;
  source: string;
  faults: Faults;
  /** The message that was sent. */
  request: string;
}

function resultOf<T>(
  { status, body, type = '' }: HttpAnswer,
  { wsdl, schema, source, faults, request }: Reading<T>,
): T | null {
  let result: unknown;
  try {
    result = contentOf(wsdl.xmlToObject(readXml(body as Buffer, type, source)));
  } catch (error) {
    const fault = readFault(error, faults, request);
    if (fault?.meaning === 'nothing') return null;
    if (fault !== undefined) throw errorOfFault(source, fault, status);
    if (status >= 500)
      throw new SourceUnavailableError(source, `${source} returned an error (status ${status}).`, {
        cause: error,
        kind: 'server-error',
        received: { status },
      });
    if (error instanceof SourceContractError) throw error;
    throw new SourceContractError(source, `${source} sent an answer that is not a SOAP message.`, {
      cause: error,
      kind: 'wrong-format',
      received: { status },
    });
  }
  return check(schema, result, source);
}

/** The only element of the body. Throws if there is none or more than one. */
function contentOf(envelope: unknown): unknown {
  const { Body } = z.object({ Body: z.record(z.string(), z.unknown()) }).parse(envelope);
  const [name = '', ...more] = Object.keys(Body).filter((element) => element !== ATTRIBUTES);
  if (name === '' || more.length > 0) throw new Error('The body does not have one element.');
  // The soap package returns nothing for an empty element.
  return withoutXsi(Body[name]) ?? {};
}
