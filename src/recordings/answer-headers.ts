import { z } from 'zod';

/** The channel of `node:diagnostics_channel` on which undici publishes the headers of each answer. */
export const ANSWER_CHANNEL = 'undici:request:headers';

const message = z.object({
  request: z.object({ origin: z.union([z.string(), z.instanceof(URL)]) }),
  response: z.object({ headers: z.array(z.union([z.instanceof(Uint8Array), z.string()])) }),
});

/** Reads the origin and the headers of a message of the channel. The names are in lower case. */
export function readAnswerHeaders(
  published: unknown,
): { origin: string; headers: ReadonlyMap<string, string> } | undefined {
  const parsed = message.safeParse(published);
  if (!parsed.success) return undefined;
  const texts = parsed.data.response.headers.map((part) =>
    typeof part === 'string' ? part : Buffer.from(part).toString('latin1'),
  );
  const headers = new Map<string, string>();
  for (let i = 0; i + 1 < texts.length; i += 2)
    headers.set((texts[i] ?? '').toLowerCase(), texts[i + 1] ?? '');
  return { origin: new URL(parsed.data.request.origin).origin, headers };
}
