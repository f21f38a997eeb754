import { z } from 'zod';

const state = z.object({ sources: z.record(z.string(), z.object({ calls: z.number() })) });

/** Number of calls since the start, by source. */
export type Calls = Record<string, number>;

/** How a source behaves: see the stand-ins' README. */
export interface Condition {
  latencyMs?: number;
  fault?: 'down' | 'hang' | 'status' | 'rate-limit' | 'garbage' | 'drip' | 'reset' | null;
}

/** Client of the fault controls in front of the stand-ins. */
export function faultControl(urls: readonly string[]) {
  const send = async (url: string, method: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(url, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`The fault control answered ${method} ${url} with ${response.status}.`);
    return response.json();
  };
  const callsOf = async (url: string): Promise<Calls> => {
    const { sources } = state.parse(await send(url, 'GET'));
    return Object.fromEntries(Object.entries(sources).map(([name, source]) => [name, source.calls]));
  };
  return {
    urls,
    calls: async (): Promise<Calls> => Object.assign({}, ...(await Promise.all(urls.map(callsOf)))) as Calls,
    latency: async (latencyMs: number) => {
      for (const url of urls)
        for (const name of Object.keys(await callsOf(url)))
          await send(`${url}/${name}`, 'PUT', { latencyMs });
    },
    /** Changes the given conditions of one source. */
    set: async (name: string, change: Condition) => {
      for (const url of urls) if (name in (await callsOf(url))) await send(`${url}/${name}`, 'PUT', change);
    },
    heal: async () => {
      for (const url of urls) await send(url, 'DELETE');
    },
  };
}

export type FaultControl = ReturnType<typeof faultControl>;

export function difference(after: Calls, before: Calls): Calls {
  return Object.fromEntries(
    Object.entries(after).map(([name, calls]) => [name, calls - (before[name] ?? 0)]),
  );
}
