import { z } from 'zod';
import {
  SourceAuthenticationError,
  SourceContractError,
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
}

/** The fault that a call ended with; undefined when it ended with something else. */
export function readFault(error: unknown, declared: Faults): Fault | undefined {
  const parsed = thrown.safeParse(error);
  if (!parsed.success) return undefined;
  const fault = parsed.data.root.Envelope.Body.Fault;
  const codes = [fault.Code?.Subcode?.Value, fault.Code?.Value, fault.faultcode].flatMap(wordsOf);
  const said = [fault.faultstring, fault.Reason?.Text].flat().flatMap(wordsOf);
  for (const word of [...codes, ...said])
    if (Object.hasOwn(declared, word)) return { meaning: declared[word] ?? 'unavailable', word };
  const common = codes.find((one) => Object.hasOwn(COMMON, one));
  return { meaning: COMMON[common ?? ''] ?? 'unavailable', word: undefined };
}

/** Of `env:Server`, `Client.Authentication` or a sentence. */
function wordsOf(said: string | undefined): string[] {
  return said?.split(/[^\w-]+/).filter((word) => word !== '') ?? [];
}

/** A fault as the error that it is, but for `nothing`, which is none. The system's own words stay out of it. */
export function errorOfFault(source: string, { meaning, word }: Fault): SourceError {
  const name = word === undefined ? '' : ` (${word})`;
  switch (meaning) {
    case 'rate-limited':
    case 'key-rate-limited':
      return new SourceRateLimitedError(source, `${source} asks us to slow down${name}.`, {
        isOfKeyOnly: meaning === 'key-rate-limited',
      });
    case 'unauthenticated':
      return new SourceAuthenticationError(source, `${source} refuses the gateway's credentials${name}.`);
    case 'not-understood':
    case 'nothing':
      return new SourceContractError(source, `${source} did not understand the gateway's request${name}.`);
    case 'unavailable':
    case 'key-unavailable':
      return new SourceUnavailableError(source, `${source} answered with a fault${name}.`, {
        isOfKeyOnly: meaning === 'key-unavailable',
      });
  }
}
