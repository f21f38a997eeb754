import type { Role } from '../bench-process.js';
import type { Running } from '../processes.js';

/** Flags of Node for all gateways. With a large semi-space, few objects of a request are promoted. */
export const FLAGS = {
  'no flags': [],
  '64 MB semi-space': ['--max-semi-space-size=64'],
} as const satisfies Record<string, readonly string[]>;

/** A young generation in which nothing is collected while allocated bytes are counted. */
export const COUNTING_FLAGS = ['--min-semi-space-size=512', '--max-semi-space-size=512'];

export type FlagsName = keyof typeof FLAGS;

/** A gateway of another project, or the handler without a gateway. */
export interface Peer {
  name: string;
  role: Role;
  /** Package whose version is reported. Default: none. */
  package?: string;
  /** Program with the role. Default: that of the bench. */
  program?: string;
  /** Goals for our gateway: highest CPU per request as a multiple of that of the peer. */
  goals: { one?: number; fifty?: number };
}

/** The role of the handler without a gateway. */
export const BARE = 'bare' satisfies Role;

/** Program of the peers that run on Node. */
const program = 'test/bench/peers/peer-process.mjs';

export const PEERS: readonly Peer[] = [
  {
    name: 'Hive Gateway',
    role: 'hive',
    package: '@graphql-hive/gateway',
    program,
    goals: {},
  },
  {
    name: 'Hive Gateway with JIT',
    role: 'hive-jit',
    package: '@graphql-mesh/plugin-jit',
    program,
    goals: {},
  },
  {
    name: 'Hive Gateway with its Rust planner',
    role: 'hive-rust-planner',
    package: '@graphql-hive/router-query-planner',
    program,
    goals: { one: 0.25, fifty: 0.5 },
  },
  {
    name: 'Apollo Gateway',
    role: 'apollo',
    package: '@apollo/gateway',
    program,
    goals: { fifty: 0.4 },
  },
  {
    name: 'Tailcall',
    role: 'tailcall',
    package: '@tailcallhq/core-linux-x64-gnu',
    goals: {},
  },
  { name: 'Stekkerdoos with declared sources', role: 'declared-beside-peers', goals: {} },
  { name: 'node:http and undici, no gateway', role: BARE, goals: { one: 3, fifty: 4 } },
];

/** A running peer. */
export interface RunningPeer extends Peer {
  running: Running;
}

/** Our gateway and the peers that could be started, all with the same flags. */
export interface Contenders {
  flags: FlagsName;
  gateway: Running;
  /** Our gateway without joining keys of concurrent requests. */
  alone: Running;
  peers: readonly RunningPeer[];
}
