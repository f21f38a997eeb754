import type { StandIn } from '../../sources/stand-ins/world.js';
import type { Environment } from '../settings.js';
import type { SourceDefinition } from '../source.js';
import type { SeenRequest } from './small-server.js';
import type { TestGateway } from './test-gateway.js';

/** The description of a source that its test passes to `describeSource()`, which checks the contract of every source. */

/** An operation that a client sends. */
export interface ClientOperation {
  query: string;
  variables?: Record<string, unknown>;
}

export interface AnsweredOperation extends ClientOperation {
  data: unknown;
}

/** The answer of a system that a test imitates. A text is sent unchanged, any other body as JSON. */
export interface SystemAnswer {
  body: unknown;
  status?: number;
  headers?: Record<string, string>;
}

/** The path and the code of an expected error. */
export interface ExpectedError {
  path: readonly (string | number)[];
  code: string;
}

/** A state of a system that neither the fault control nor a small server can produce. */
export interface SystemState {
  /**
   * A part of the test's name. It explains the contract for this system, and why the state is produced in
   * this way.
   */
  description: string;
  /**
   * Puts the system into this state. Returns the settings of a gateway in this state, an action after that
   * gateway has opened, and a function that ends the state.
   */
  enter: () => Promise<{ environment?: Environment; begin?: () => void; end: () => Promise<void> }>;
}

/** For a system with an HTTP API: possible behaviour that its stand-in never shows. */
export interface HttpPeculiarities {
  /** The setting with the system's address, and the path of that address. */
  urlVariable: string | readonly string[];
  basePath?: string;
  /** The login call, if the system needs one. It always succeeds, and is not counted. */
  login?: { path: string; answer: unknown };
  /** Matches the path of every call of the source; any other path is an error. */
  paths: RegExp;
  /** The answer of the system if it knows none of the requested keys. */
  nothing: (request: SeenRequest) => SystemAnswer;
  /**
   * The answer that reports the rate limit, and the number of seconds until the system accepts calls again.
   */
  rateLimit: SystemAnswer & { retryAfter: number | undefined };
  /** Invalid answers to `operation`: the place of the fault, and a value there. */
  mismatches: readonly { answer: (request: SeenRequest) => unknown; place: string; value: string }[];
  /** A batch that the system answers in part. The rest is null with an error, or without one if it is unknown. */
  partial: AnsweredOperation & {
    answer: (request: SeenRequest) => SystemAnswer;
    errors: readonly ExpectedError[];
  };
  /** For a system without credentials: how it denies access. */
  refusal?: SystemAnswer;
}

/** For a system without an HTTP API: possible behaviour that its stand-in never shows. */
export interface NonHttpPeculiarities {
  /** How the system is called, such as "over SQL". */
  protocol: string;
  rateLimit: SystemState;
  /** The code for an answer of random bytes, and why it is not `SOURCE_CONTRACT`; left out if it is. */
  garbage?: { description: string; code: string };
  /** Invalid data for `operation`: the place of the fault, and a value there. */
  mismatches: readonly (SystemState & { place: string; value: string })[];
  partial: SystemState & AnsweredOperation & { errors: readonly ExpectedError[] };
  /** Makes the call of `operation` take very long. Returns whether the system still executes it. */
  endless: SystemState & { isAtWork: (gateway: TestGateway) => Promise<boolean> };
}

interface AnySubject {
  source: SourceDefinition;
  /** Settings and sources that the gateway also needs, such as sources that identify a customer. */
  dependencies?: {
    sources?: readonly SourceDefinition[];
    sdl?: Readonly<Record<string, string>>;
    environment: Environment;
  };
  /** For each key of the source: an operation and its expected data. */
  found: Readonly<Record<string, AnsweredOperation>>;
  /** Unknown keys: no data and no error. */
  unknown: Readonly<Record<string, AnsweredOperation>>;
  /**
   * Many keys at once, and the number of calls that the system's batch limit requires. Each key is requested
   * once.
   */
  batches: Readonly<
    Record<string, ClientOperation & { calls: number; expectData?: (data: unknown) => void }>
  >;
  /**
   * Data of more than one page, and the number of calls for it. `startStandIn` starts a stand-in with enough
   * data, if the shared one has too little. If there are no pages, the reason.
   */
  pages:
    (AnsweredOperation & { calls: number; startStandIn?: () => Promise<StandIn> }) | { noneBecause: string };
  /** An operation that needs one call, for the tests of failures. */
  operation: ClientOperation;
  /**
   * Settings that the system refuses. If it refuses none, the reason. `code` is the error of a state without
   * credentials. Default: SOURCE_UNAUTHENTICATED.
   */
  wrongCredentials: Environment | (SystemState & { code?: string }) | { noneBecause: string };
  /** An operation with any text as its key, and its data if nothing is found. */
  byAnyText: Readonly<Record<string, (text: string) => ClientOperation & { nothing: unknown }>>;
}

interface HttpSubject extends AnySubject {
  http: HttpPeculiarities;
}

interface OtherSubject extends AnySubject {
  nonHttp: NonHttpPeculiarities;
  /** For a system without a fault control in front of it, which cannot hang or count its calls. */
  withoutFaultControl?: { hang: SystemState };
}

/** A source, and the operations and answers for its contract. */
export type SourceSubject = HttpSubject | OtherSubject;
