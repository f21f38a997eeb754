import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

const body = z.object({
  format: z.literal('stekkerdoos receipt 1'),
  time: z.string(),
  /** Null when the system that would have to name the customer could not. */
  customerId: z.string().nullable(),
  /** Stand for the identifiers that were forgotten; the first is the one that was given. */
  identifiers: z.array(z.string()),
  /** Stand for the records that are still in the systems, whose owners must erase them there. */
  records: z.array(z.object({ source: z.string(), record: z.string() })),
  /** Systems that could not say what they hold: all of their answers were dropped. */
  unavailableSources: z.array(z.string()),
  /** Whether every instance that is running was told. */
  everyInstance: z.boolean(),
  /** Whether the customer is shown to nobody any more. */
  suppressed: z.boolean(),
});
export type ReceiptBody = z.infer<typeof body>;

const receipt = body.extend({ seal: z.string() });
/** What was forgotten, and when; nobody can read of whom, nor change it without the secret. */
export type Receipt = z.infer<typeof receipt>;

export function sealReceipt(content: ReceiptBody, secret: string): Receipt {
  return { ...content, seal: sealOf(content, secret) };
}

/** The receipt when it is as it was written with the secret, else null. */
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
  const [given, right] = [seal, sealOf(rest, secret)].map((one) => Buffer.from(one)) as [Buffer, Buffer];
  return given.length === right.length && timingSafeEqual(given, right) ? data : null;
}

function sealOf(content: ReceiptBody, secret: string): string {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', 'stekkerdoos receipts', 32));
  // In the one order of the declaration, however a file has them.
  return createHmac('sha256', key)
    .update(JSON.stringify(body.parse(content)))
    .digest('base64url');
}
