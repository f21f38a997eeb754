import { beAtService } from './at-service.js';

/** The inside of a process of the bench: starts what its role says, and is at the bench's service. */

/** Run by `peers/peer-process.mjs`. */
type PeerRole = 'hive' | 'hive-jit' | 'hive-rust-planner' | 'apollo';

export type Role =
  | 'source'
  | 'gateway'
  | 'tuned-gateway'
  | 'loading'
  | 'identifying'
  | 'clicks'
  | 'hand-written'
  | 'stitched'
  | 'yoga'
  | 'static'
  | 'peer-source'
  | 'gateway-beside-peers'
  | 'tailcall'
  | 'bare'
  | PeerRole;

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
  /** The longest that nothing else had its turn since this was asked last. */
  blockedMs: number;
}

/** What is started, whatever its role. */
export interface Started {
  ready: Ready;
  /** Turns the clock of its cache far enough for everything in it to be too old. */
  forget?: () => void;
  /** Where what is measured is another process than this one. */
  usage?: () => Usage;
  close: () => Promise<void>;
}

const roles: Record<Exclude<Role, PeerRole>, () => Promise<Started>> = {
  source: async () => (await import('./roles/source.js')).startSource(),
  gateway: async () => (await import('./roles/gateway.js')).startGateway(),
  'tuned-gateway': async () => (await import('./roles/tuned-gateway.js')).startTunedGateway(),
  identifying: async () => (await import('./roles/identifying.js')).startIdentifying(),
  loading: async () => (await import('./roles/loading.js')).startLoading(),
  clicks: async () => (await import('./roles/clicks.js')).startClicks(),
  'hand-written': async () => (await import('./roles/hand-written.js')).startHandWritten(),
  stitched: async () => (await import('./roles/stitched.js')).startStitched(),
  yoga: async () => (await import('./roles/references.js')).startYoga(),
  static: async () => (await import('./roles/references.js')).startStatic(),
  'peer-source': async () => (await import('./peers/peer-source.js')).startPeerSource(),
  'gateway-beside-peers': async () => (await import('./peers/gateway.js')).startGatewayBesidePeers(),
  tailcall: async () => (await import('./peers/tailcall.js')).startTailcall(),
  bare: async () => (await import('./peers/bare.js')).startBare(),
};

const start = roles[process.argv[2] as keyof typeof roles];
beAtService(await start());
