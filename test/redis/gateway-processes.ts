import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('gateway-process.ts', import.meta.url));

export const ADMIN_TOKEN = 'a token of the tests';

export interface CallPeriod {
  status: number;
  data: { customer?: Record<string, unknown> | null } | undefined;
  errors: unknown[];
  /** Answers from each source, if `X-Sources` was sent. */
  records: Record<string, number>;
}

/** A gateway in a separate process. */
export interface GatewayProcess {
  query(query: string, variables: object, headers?: Record<string, string>): Promise<CallPeriod>;
  forget(what: object): Promise<number>;
  /** The value of a metric of `/metrics` with these labels. 0 if the metric has no value yet. */
  metric(name: string): Promise<number>;
  /** The number of batches that each loader has dispatched. */
  batches(): Promise<Map<string, number>>;
  stop(): Promise<void>;
}

export async function startGatewayProcess(settings: Record<string, string>): Promise<GatewayProcess> {
  const child = fork(PROGRAM, {
    execArgv: ['--import', 'tsx'],
    env: {
      PATH: process.env['PATH'],
      ID_SECRET: 'a secret of the tests',
      AUTH: 'off',
      ADMIN_TOKEN,
      PORT: '0',
      LOG_LEVEL: 'silent',
      // The limits are high, so that a busy machine does not cause refusals or timeouts.
      MAX_IN_FLIGHT: '10000',
      MAX_CONNECTIONS_PER_ADDRESS: '5000',
      MAX_DELAY_MS: '60000',
      DEADLINE_MS: '20000',
      ...settings,
    },
  });
  const [url] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error('The gateway did not start.'))),
  ])) as [string];
  const metrics = async () => (await fetch(`${url}/metrics`)).text();
  return {
    query: async (query, variables, headers = {}) => {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query, variables }),
      });
      const body = (await response.json()) as {
        data?: CallPeriod['data'];
        errors?: unknown[];
        extensions?: { sources?: Record<string, { records: number }> };
      };
      const sources = Object.entries(body.extensions?.sources ?? {});
      return {
        status: response.status,
        data: body.data,
        errors: body.errors ?? [],
        records: Object.fromEntries(sources.map(([source, { records }]) => [source, records])),
      };
    },
    forget: async (what) => {
      const response = await fetch(`${url}/admin/forget`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
        body: JSON.stringify(what),
      });
      await response.text();
      return response.status;
    },
    metric: async (name) => {
      const line = (await metrics()).split('\n').find((value) => value.startsWith(`${name} `));
      return Number(line?.slice(name.length) ?? 0);
    },
    batches: async () => {
      const counts = (await metrics()).matchAll(
        /^stekkerdoos_source_batch_keys_count\{source="(.+?)",loader="(.+)"\} (\d+)$/gm,
      );
      return new Map([...counts].map(([, source, loader, count]) => [`${source} ${loader}`, Number(count)]));
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}
