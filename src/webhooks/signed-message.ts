import type { WebhookDeclaration } from './declaration.js';
import { hmac, isHmacOf, isWithinTolerance, type Signed } from './signatures.js';

export interface SignedMessageOptions {
  /** The header with the signature, the HMAC-SHA256 of the message. */
  header: string;
  encoding: 'hex' | 'base64';
  /** The text before the signature in its header. Default: none. */
  prefix?: string;
  /** The header with the time of sending, and the format of the time. Default: messages have no time. */
  timestamp?: { header: string; format: keyof typeof TIMES };
  /** The signed parts of a message. Default: its body. */
  signed?: (message: { method: string; url: string; body: string | Uint8Array }, timestamp: string) => Signed;
  /** A message about nothing, to test the secrets. Default: `{}` as its body, and no other headers. */
  test?: { body?: string; headers?: Readonly<Record<string, string>> };
}

const TIMES = {
  seconds: {
    isTime: (text: string) => /^\d{1,12}$/.test(text),
    toMs: (text: string) => Number(text) * 1_000,
    fromMs: (ms: number) => String(Math.floor(ms / 1_000)),
  },
  milliseconds: {
    isTime: (text: string) => /^\d{1,15}$/.test(text),
    toMs: (text: string) => Number(text),
    fromMs: (ms: number) => String(ms),
  },
  iso: {
    isTime: () => true,
    toMs: (text: string) => (/^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : NaN),
    fromMs: (ms: number) => new Date(ms).toISOString(),
  },
} as const;

/** The parts of a webhook that concern signatures by HMAC. */
export function signedMessage({
  header,
  encoding,
  prefix = '',
  timestamp,
  signed = ({ body }) => [body],
  test: { body: testBody = '{}', headers: testHeaders = {} } = {},
}: SignedMessageOptions): Required<Pick<WebhookDeclaration, 'verify' | 'testMessage'>> {
  const time = timestamp && { header: timestamp.header, ...TIMES[timestamp.format] };
  return {
    verify: (message, secrets, nowMs) => {
      const sentAt = (time && message.headers.get(time.header)) ?? '';
      if (time?.isTime(sentAt) === false) return 'invalid';
      const value = message.headers.get(header);
      const signature = value?.startsWith(prefix) === true ? value.slice(prefix.length) : null;
      if (!isHmacOf(signed(message, sentAt), { secrets, signature, encoding })) return 'invalid';
      return time === undefined || isWithinTolerance(time.toMs(sentAt), nowMs) ? 'valid' : 'stale';
    },
    testMessage: (url, secret, nowMs) => {
      const sentAt = time?.fromMs(nowMs) ?? '';
      const signature = hmac(secret, signed({ method: 'POST', url, body: testBody }, sentAt), encoding);
      return {
        headers: {
          ...testHeaders,
          [header]: `${prefix}${signature}`,
          ...(time === undefined ? {} : { [time.header]: sentAt }),
        },
        body: testBody,
      };
    },
  };
}
