import type { Role } from '../bench-process.js';
import type { Running } from '../processes.js';

/** How Node is started, ours and theirs alike; by the second, few of the objects of a request outlive their youth. */
export const FLAGS = {
  'no flags': [],
  '64 MB semi-space': ['--max-semi-space-size=64'],
} as const satisfies Record<string, readonly string[]>;

export type FlagsName = keyof typeof FLAGS;

/** A gateway of somebody else, or none at all. */
export interface Peer {
  name: string;
  role: Role;
  /** Whose version is told. Default: there is none to tell. */
  package?: string;
  /** The program that has the role. Default: the bench's own. */
  program?: string;
  /** What ours is to use at most, as a part of its CPU per request; and how many times its requests per second. */
  goals: { one?: number; fifty?: Partial<Record<FlagsName, number>>; throughput?: number };
}

/** Of those that run on Node. */
const program = 'test/bench/peers/peer-process.mjs';

export const PEERS: readonly Peer[] = [
  {
    name: 'Hive Gateway',
    role: 'hive',
    package: '@graphql-hive/gateway',
    program,
    goals: { one: 0.1, fifty: { 'no flags': 0.17 } },
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
    goals: { one: 0.17, fifty: { 'no flags': 0.55, '64 MB semi-space': 0.35 } },
  },
  {
    name: 'Apollo Gateway',
    role: 'apollo',
    package: '@apollo/gateway',
    program,
    goals: { one: 0.12, fifty: { 'no flags': 0.45 } },
  },
  {
    name: 'Tailcall',
    role: 'tailcall',
    package: '@tailcallhq/core-linux-x64-gnu',
    goals: { throughput: 1 },
  },
  { name: 'node:http and undici, no gateway', role: 'bare', goals: {} },
];

/** A peer that runs. */
export interface RunningPeer extends Peer {
  running: Running;
}

/** Ours beside the peers that could be started, all with the same flags. */
export interface Contenders {
  flags: FlagsName;
  gateway: Running;
  peers: readonly RunningPeer[];
}
