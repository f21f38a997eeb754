/**
 * The inside of a process of the bench: starts what its role says, tells the bench where it is, and answers what it has
 * used. It ends with the bench, however that ends.
 */

export type Role =
  | 'source'
  | 'gateway'
  | 'tuned-gateway'
  | 'loading'
  | 'identifying'
  | 'clicks'
  | 'hand-written'
  | 'yoga'
  | 'static';

/** What the bench may say to a child. */
export type Ask = 'usage' | 'collect' | 'forget' | 'stop';

export type Answer = { kind: 'ready'; ready: Ready } | { kind: 'usage'; usage: Usage };

export interface Ready {
  /** Where it is asked: the GraphQL endpoint, or the fault control. */
  url: string;
  /** Of the role "source": what a gateway must be told to reach it. */
  settings?: Record<string, string>;
}

export interface Usage {
  /** User and system time of all threads, garbage collection included. */
  cpuMs: number;
  rssMb: number;
  /** The most that it has been. */
  peakRssMb: number;
  /** What V8's heap holds, and what it has reserved to hold it. */
  heapMb: number;
  reservedMb: number;
  /** Buffers outside of the heap. */
  externalMb: number;
}

/** What is started, whatever its role. */
export interface Started {
  ready: Ready;
  /** Turns the clock of its cache far enough for everything in it to be too old. */
  forget?: () => void;
  close: () => Promise<void>;
}

const roles: Record<Role, () => Promise<Started>> = {
  source: async () => (await import('./roles/source.js')).startSource(),
  gateway: async () => (await import('./roles/gateway.js')).startGateway(),
  'tuned-gateway': async () => (await import('./roles/tuned-gateway.js')).startTunedGateway(),
  identifying: async () => (await import('./roles/identifying.js')).startIdentifying(),
  loading: async () => (await import('./roles/loading.js')).startLoading(),
  clicks: async () => (await import('./roles/clicks.js')).startClicks(),
  'hand-written': async () => (await import('./roles/hand-written.js')).startHandWritten(),
  yoga: async () => (await import('./roles/references.js')).startYoga(),
  static: async () => (await import('./roles/references.js')).startStatic(),
};

const start = roles[process.argv[2] as Role];
const { ready, forget, close } = await start();

const stop = async (): Promise<void> => {
  await close();
  // Connections that a client keeps open would keep the process too; everything of our own is closed by now.
  process.exit();
};
process.once('disconnect', () => void stop());
process.on('message', (ask: Ask) => {
  if (ask === 'stop') {
    void stop();
    return;
  }
  if (ask === 'collect') globalThis.gc?.();
  if (ask === 'forget') forget?.();
  tell({ kind: 'usage', usage: usage() });
});
tell({ kind: 'ready', ready });

function tell(answer: Answer): void {
  process.send?.(answer);
}

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
  return {
    cpuMs: (user + system) / 1_000,
    rssMb: rss / 2 ** 20,
    peakRssMb: process.resourceUsage().maxRSS / 2 ** 10,
    heapMb: heapUsed / 2 ** 20,
    reservedMb: heapTotal / 2 ** 20,
    externalMb: external / 2 ** 20,
  };
}
