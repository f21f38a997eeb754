/** The results of a subscription over server-sent events. */
export interface EventStream {
  /** Resolves to the next result; rejects when the stream ends. */
  next(): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

/** Resolves when the subscription is active. Events from then on are sent. */
export async function readEventStream(response: Response): Promise<EventStream> {
  const type = response.headers.get('content-type') ?? '';
  if (response.body === null || !type.startsWith('text/event-stream'))
    throw new Error(`No stream but ${type}: ${await response.text()}`);
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  const block = async (): Promise<string> => {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end >= 0) {
        const found = text.slice(0, end);
        text = text.slice(end + 2);
        return found;
      }
      const { done, value } = await reader.read();
      if (done) throw new Error(`The stream ended; what was left of it: ${text}`);
      text += decoder.decode(value, { stream: true });
    }
  };
  // The first message is a keep-alive.
  await block();
  return {
    next: async () => {
      for (;;) {
        const lines = (await block()).split('\n');
        const data = lines.find((line) => line.startsWith('data: '));
        if (lines.includes('event: next') && data !== undefined)
          return JSON.parse(data.slice('data: '.length)) as Record<string, unknown>;
      }
    },
    close: () => reader.cancel(),
  };
}
