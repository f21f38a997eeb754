import { serveBench } from './serve-bench.js';

/** Entry point of a child process of the bench: starts the program of its role and serves the bench. */

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
  | 'declared-beside-peers'
  | 'tailcall'
  | 'bare'
  | PeerRole;

/** A message from the bench to a child process. */
export type BenchCommand = 'usage' | 'collect' | 'forget' | 'stop';

export type Answer = { kind: 'ready'; ready: Ready } | { kind: 'usage'; usage: Usage };

export interface Ready {
  /** Address of the GraphQL endpoint or of the fault control. */
  url: string;
  /** Only for the role "source": the settings with which a gateway reaches it. */
  settings?: Record<string, string>;
}

export interface Usage {
  /** User and system time of all threads, garbage collection included. */
  cpuMs: number;
  rssMb: number;
  /** Highest RSS since the start of the process. */
  peakRssMb: number;
  /** Used size of the V8 heap. */
  heapMb: number;
  /** Size that V8 has reserved for the heap. */
  reservedMb: number;
  /** Buffers outside of the heap. */
  externalMb: number;
  /** Longest time that the event loop was blocked since the previous report. */
  blockedMs: number;
}

/** A started program, of any role. */
export interface Started {
  ready: Ready;
  /** Advances the clock of its cache until every entry has expired. */
  forget?: () => void;
  /** Only when the measured process is not this one. */
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
  'declared-beside-peers': async () => (await import('./peers/gateway.js')).startDeclaredBesidePeers(),
  tailcall: async () => (await import('./peers/tailcall.js')).startTailcall(),
  bare: async () => (await import('./peers/bare.js')).startBare(),
};

const start = roles[process.argv[2] as keyof typeof roles];
serveBench(await start());
