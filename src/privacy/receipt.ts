import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

const body = z.object({
  format: z.literal('stekkerdoos receipt 2'),
  time: z.string(),
  /** Null if the system whose record determines the id was unavailable. */
  customerId: z.string().nullable(),
  /** Digests of the identifiers that were forgotten. The first is the identifier of the request. */
  identifiers: z.array(z.string()),
  /** Digests of the records that are still in the systems. Their owners must erase them there. */
  records: z.array(z.object({ source: z.string(), record: z.string() })),
  /** Systems that were unavailable: all their cached answers were dropped. */
  unavailableSources: z.array(z.string()),
  /** Whether every running instance has dropped the data. */
  everyInstance: z.boolean(),
  /** Whether the customer is on the suppression list. */
  suppressed: z.boolean(),
});
export type ReceiptBody = z.infer<typeof body>;

const receipt = body.extend({ seal: z.string() });
/** Proof of an erasure and its time. It reveals no identity, and cannot be changed without the secret. */
export type Receipt = z.infer<typeof receipt>;

export function sealReceipt(content: ReceiptBody, secret: string): Receipt {
  return { ...content, seal: sealOf(content, secret) };
}

/** Reads a receipt. Null if it was changed or sealed with another secret. */
export function readReceipt(text: string, secret: string): Receipt | null {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return null;
  }
  const { data } = receipt.safeParse(content);
  if (data === undefined) return null;
  const { seal, ...rest } = data;
  const [actual, expected] = [seal, sealOf(rest, secret)].map((text) => Buffer.from(text)) as [
    Buffer,
    Buffer,
  ];
  return actual.length === expected.length && timingSafeEqual(actual, expected) ? data : null;
}

function sealOf(content: ReceiptBody, secret: string): string {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', 'stekkerdoos receipts', 32));
  // Parsing sorts the members in the order of the schema, independent of their order in the file.
  return createHmac('sha256', key)
    .update(JSON.stringify(body.parse(content)))
    .digest('base64url');
}
