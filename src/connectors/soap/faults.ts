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
 * What a system means by one of its faults. `nothing`: there is no such record. Those with `key-` are about what was asked
 * for alone, while the system itself is well.
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

/** By words of the vendor's own, which stand in the code, or by themselves or in a sentence in the text. */
export type Faults = Readonly<Record<string, FaultMeaning>>;

/**
 * Codes that are the same everywhere: those of SOAP 1.1 and 1.2 that blame the caller, and those of WS-Security 1.1 (12).
 * All others blame the system.
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

/** SOAP 1.1 and, with capitals, SOAP 1.2. */
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

/** What the package throws for a fault holds the envelope. */
const thrown = z.object({ root: z.object({ Envelope: z.object({ Body: z.object({ Fault: shape }) }) }) });

export interface Fault {
  meaning: FaultMeaning;
  /** The vendor's word for it, as the source declared it. */
  word: string | undefined;
  /** The fault code as the system sent it, or the vendor's word: undefined when it may be a value. */
  code: string | undefined;
}

/** The fault that a call ended with; undefined when it ended with something else. */
export function readFault(error: unknown, declared: Faults, request = ''): Fault | undefined {
  const parsed = thrown.safeParse(error);
  if (!parsed.success) return undefined;
  const fault = parsed.data.root.Envelope.Body.Fault;
  const codes = [fault.Code?.Subcode?.Value, fault.Code?.Value, fault.faultcode].flatMap(wordsOf);
  const said = [fault.faultstring, fault.Reason?.Text].flat().flatMap(wordsOf);
  for (const word of [...codes, ...said])
    if (Object.hasOwn(declared, word)) return { meaning: declared[word] ?? 'unavailable', word, code: word };
  const common = codes.find((one) => Object.hasOwn(COMMON, one));
  const sent = [fault.Code?.Subcode?.Value, fault.Code?.Value, fault.faultcode];
  // Some vendors put a code into the text.
  const inText = typeof fault.faultstring === 'string' && /^[A-Z\d]+(_[A-Z\d]+)+$/.test(fault.faultstring);
  const code = [...(inText ? [fault.faultstring] : []), ...sent]
    .map((one) => safeCode(one?.trim(), request))
    .find((one) => one !== undefined);
  return { meaning: COMMON[common ?? ''] ?? 'unavailable', word: undefined, code };
}

/** Of `env:Server`, `Client.Authentication` or a sentence. */
function wordsOf(said: string | undefined): string[] {
  return said?.split(/[^\w-]+/).filter((word) => word !== '') ?? [];
}

/** A fault as the error that it is, but for `nothing`, which is none. The system's own words stay out of it. */
export function errorOfFault(source: string, { meaning, word, code }: Fault, status: number): SourceError {
  const name = word === undefined ? '' : ` (${word})`;
  const received = { status, faultCode: code };
  switch (meaning) {
    case 'rate-limited':
    case 'key-rate-limited':
      return new SourceRateLimitedError(source, `${source} asks us to slow down${name}.`, {
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
