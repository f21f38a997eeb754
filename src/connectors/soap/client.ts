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

/** Operations of a SOAP service. Every answer is checked before anyone sees it. */
export interface SoapClient extends Client {
  /**
   * The answer to an operation that only reads; null when the system says by a fault that there is nothing. The members of
   * the input are those of the WSDL, in its order. In the answer, elements that the WSDL allows several of are lists, also
   * of one, and left out when there are none; decimals, longs and moments are the text that was sent.
   */
  call<T>(schema: z.ZodType<T>, operation: string, input: SoapInput): Promise<T | null>;
}

export interface SoapOptions {
  /** Where the service is; may have a path. What address the WSDL names does not matter. */
  baseUrl: Setting<string>;
  /** Behind the base address: where calls are posted. Default: nothing. */
  path?: string;
  wsdl: WsdlPlace;
  /** Default `'1.1'`. */
  version?: '1.1' | '1.2';
  /** By HTTP headers. Default: none. */
  auth?: Auth;
  /** By a header of the message. Default: none. */
  security?: SoapSecurity;
  /** What the vendor's own faults mean. */
  faults?: Faults;
  /** Additional CA certificates: see `caSetting`. */
  ca?: Setting<string | undefined>;
  /** An operation that answers cheaply when all is well, for the health check. */
  ping: { operation: string; input: SoapInput };
}

/** Faults come with the status 500, those that blame the caller in SOAP 1.2 with 400; some systems say 200 all the same. */
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

/** The service as its WSDL describes it: what writes messages, and what reads them. */
interface Service {
  client: PackageClient;
  wsdl: WSDL;
}

/** Read once, by whoever asks first. */
function createService(
  { wsdl: place, version }: SoapOptions,
  http: HttpTransport,
  source: string,
  securityWriter: (() => Promise<ISecurity>) | undefined,
): (scope: CallScope) => Promise<Service> {
  let loading: Promise<Service> | undefined;
  const load = async (scope: CallScope): Promise<Service> => {
    const wsdl = await loadWsdl(place, http, scope, source);
    const { Client: Created } = await import('soap');
    const client = new Created(wsdl, http.baseUrl.href, {
      forceSoap12Headers: version === '1.2',
      httpClient: handOver,
    });
    if (securityWriter !== undefined) client.setSecurity(await securityWriter());
    return { client, wsdl };
  };
  return async (scope) => {
    for (;;) {
      const own = loading === undefined ? load(scope) : undefined;
      const current = (loading ??= own) as Promise<Service>;
      try {
        return await current;
      } catch (error) {
        if (loading === current) loading = undefined;
        // Somebody else's was given up for a reason of theirs.
        if (own !== undefined || error instanceof SourceError) throw error;
      }
    }
  };
}

type Send = (message: string, headers: Record<string, string>) => void;

/** In place of the package's HTTP client: it hands the message over to the call that it belongs to. */
const handOver: IHttpClient = {
  request: (_address, message: string, _callback, headers, options) => {
    (options?.['send'] as Send)(message, headers as Record<string, string>);
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
    // A message for each try: its security header holds for once only.
    const answer = scope.run(
      (signal) =>
        new Promise<T | null>((resolve, reject) => {
          const once: CallScope = { ...scope, run: (send) => send(signal) };
          const send: Send = (body, headers) => {
            http
              .send(
                once,
                { method: 'POST', path, body, isRaw: true, headers: ofHttp(headers) },
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

/** Our transport writes names in lower case. */
function ofHttp(headers: Record<string, string>): Record<string, string> {
  const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return { ...Object.fromEntries(own), accept: 'text/xml, application/soap+xml' } as Record<string, string>;
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
      throw new SourceUnavailableError(source, `${source} answered with an error (status ${status}).`, {
        cause: error,
        kind: 'server-error',
        received: { status },
      });
    if (error instanceof SourceContractError) throw error;
    throw new SourceContractError(source, `${source} sent an answer that is no SOAP message.`, {
      cause: error,
      kind: 'wrong-format',
      received: { status },
    });
  }
  return check(schema, result, source);
}

/** The one element of the body. Throws when there is none. */
function contentOf(envelope: unknown): unknown {
  const { Body } = z.object({ Body: z.record(z.string(), z.unknown()) }).parse(envelope);
  const [name = '', ...more] = Object.keys(Body).filter((one) => one !== ATTRIBUTES);
  if (name === '' || more.length > 0) throw new Error('The body does not have one element.');
  // The package has no object for an element that is empty.
  return withoutXsi(Body[name]) ?? {};
}
