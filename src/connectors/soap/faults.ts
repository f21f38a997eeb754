import { z } from 'zod';
import { safeCode } from '../../diagnosis.js';
import {
  SourceAuthenticationError,
  SourceContractError,
  SourceForbiddenError,
  SourceRateLimitedError,
  SourceUnavailableError,
  type SourceError,
} from '../../errors.js';

/**
 * The meaning of a fault. `nothing`: there is no such record. The `key-` meanings concern only the requested key,
 * while the system itself works.
 */
export type FaultMeaning =
  | 'unavailable'
  | 'rate-limited'
  | 'key-unavailable'
  | 'key-rate-limited'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-understood'
  | 'nothing';

/** Meanings by vendor-specific words, which occur in the code, or alone or in a sentence in the text. */
export type Faults = Readonly<Record<string, FaultMeaning>>;

/**
 * Standard codes: those of SOAP 1.1 and 1.2 for faults of the caller, and those of WS-Security 1.1 (12). All other
 * codes are faults of the system.
 */
const COMMON: Faults = {
  FailedAuthentication: 'unauthenticated',
  InvalidSecurity: 'unauthenticated',
  InvalidSecurityToken: 'unauthenticated',
  UnsupportedSecurityToken: 'unauthenticated',
  FailedCheck: 'unauthenticated',
  SecurityTokenUnavailable: 'unauthenticated',
  Client: 'not-understood',
  Sender: 'not-understood',
  VersionMismatch: 'not-understood',
  MustUnderstand: 'not-understood',
  DataEncodingUnknown: 'not-understood',
};

const text = z.union([z.string(), z.object({ $value: z.string() }).transform(({ $value }) => $value)]);
const code = z.object({ Value: text });

/** The fault element of SOAP 1.1 and, capitalised, of SOAP 1.2. */
const shape = z.object({
  faultcode: text.optional().catch(undefined),
  faultstring: text.optional().catch(undefined),
  Code: code
    .extend({ Subcode: code.optional().catch(undefined) })
    .optional()
    .catch(undefined),
  Reason: z
    .object({ Text: z.union([text, z.array(text)]) })
    .optional()
    .catch(undefined),
});

/** The soap package throws an error that contains the envelope. */
const thrown = z.object({ root: z.object({ Envelope: z.object({ Body: z.object({ Fault: shape }) }) }) });

export interface Fault {
  meaning: FaultMeaning;
  /** The vendor's word, as declared by the source. */
  word: string | undefined;
  /** The fault code that the system sent, or the vendor's word. Undefined if it may be a value. */
  code: string | undefined;
}

/** Reads the fault from an error; undefined if it is another error. */
export function readFault(error: unknown, declared: Faults, request = ''): Fault | undefined {
  const parsed = thrown.safeParse(error);
  if (!parsed.success) return undefined;
  const fault = parsed.data.root.Envelope.Body.Fault;
  const codes = [fault.Code?.Subcode?.Value, fault.Code?.Value, fault.faultcode].flatMap(wordsOf);
  const textWords = [fault.faultstring, fault.Reason?.Text].flat().flatMap(wordsOf);
  for (const word of [...codes, ...textWords])
    if (Object.hasOwn(declared, word)) return { meaning: declared[word] ?? 'unavailable', word, code: word };
  const common = codes.find((word) => Object.hasOwn(COMMON, word));
  const sent = [fault.Code?.Subcode?.Value, fault.Code?.Value, fault.faultcode];
  // Some vendors put a code in the text.
  const inText = typeof fault.faultstring === 'string' && /^[A-Z\d]+(_[A-Z\d]+)+$/.test(fault.faultstring);
  const code = [...(inText ? [fault.faultstring] : []), ...sent]
    .map((candidate) => safeCode(candidate?.trim(), request))
    .find((candidate) => candidate !== undefined);
  return { meaning: COMMON[common ?? ''] ?? 'unavailable', word: undefined, code };
}

/** Splits `env:Server`, `Client.Authentication` or a sentence into words. */
function wordsOf(text: string | undefined): string[] {
  return text?.split(/[^\w-]+/).filter((word) => word !== '') ?? [];
}

/** The error for a fault. `nothing` is not an error, so do not pass it. The error does not contain the system's text. */
export function errorOfFault(source: string, { meaning, word, code }: Fault, status: number): SourceError {
  const name = word === undefined ? '' : ` (${word})`;
  const received = { status, faultCode: code };
  switch (meaning) {
    case 'rate-limited':
    case 'key-rate-limited':
      return new SourceRateLimitedError(source, `${source} rate-limited the gateway${name}.`, {
        isOfKeyOnly: meaning === 'key-rate-limited',
        received,
      });
    case 'unauthenticated':
      return new SourceAuthenticationError(source, `${source} refuses the gateway's credentials${name}.`, {
        received,
      });
    case 'forbidden':
      return new SourceForbiddenError(source, `${source} does not let the gateway read this${name}.`, {
        received,
      });
    case 'not-understood':
    case 'nothing':
      return new SourceContractError(source, `${source} did not understand the gateway's request${name}.`, {
        kind: 'request-refused',
        received,
      });
    case 'unavailable':
    case 'key-unavailable':
      return new SourceUnavailableError(source, `${source} answered with a fault${name}.`, {
        isOfKeyOnly: meaning === 'key-unavailable',
        kind: 'fault',
        received,
      });
  }
}
