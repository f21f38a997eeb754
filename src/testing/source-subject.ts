import type { StandIn } from '../../sources/stand-ins/world.js';
import type { Environment } from '../settings.js';
import type { SourceDefinition } from '../source.js';
import type { SeenRequest } from './small-server.js';
import type { TestGateway } from './test-gateway.js';

/** What the test of a source passes to `source-contract.ts`, which checks the contract of every source with it. */

/** A question of a client. */
export interface Question {
  query: string;
  variables?: Record<string, unknown>;
}

export interface AnsweredQuestion extends Question {
  data: unknown;
}

/** What a system of a test's own answers: a text as it stands, anything else as JSON. */
export interface SystemAnswer {
  body: unknown;
  status?: number;
  headers?: Record<string, string>;
}

/** Where in an answer an error is to be, and which. */
export interface ExpectedError {
  path: readonly (string | number)[];
  code: string;
}

/** A state of a system that neither the fault control nor a small server can put it in. */
export interface OwnState {
  /** Part of the test's name: the meaning of the contract for this system, and why the state is produced in this way. */
  here: string;
  /**
   * Puts the system into this state. Returns the settings of a gateway that meets it, what to do after that gateway is open,
   * and how to end the state.
   */
  make: () => Promise<{ environment?: Environment; begin?: () => void; end: () => Promise<void> }>;
}

/** For a system with an HTTP API: behaviour that it may have, but its stand-in never shows by itself. */
export interface HttpPeculiarities {
  /** The settings with the system's address, and the end of that address. */
  urlVariable: string | readonly string[];
  basePath?: string;
  /** The login call, if the system needs one. It always succeeds, and is not counted. */
  login?: { path: string; answer: unknown };
  /** Matches the path of every call of the source; any other path is an error. */
  paths: RegExp;
  /** What the system answers when it knows none of the requested keys. */
  nothing: (request: SeenRequest) => SystemAnswer;
  /** How the system reports its rate limit, and after how many seconds it accepts calls again. */
  rateLimit: SystemAnswer & { retryAfter: number | undefined };
  /** Invalid answers to `question`: the place of the fault, and a value there. */
  mismatches: readonly { answer: (request: SeenRequest) => unknown; place: string; value: string }[];
  /** A batch that the system answers in part. The rest is null with an error, or without one if it is unknown. */
  partial: AnsweredQuestion & {
    answer: (request: SeenRequest) => SystemAnswer;
    errors: readonly ExpectedError[];
  };
  /** For a system without credentials: how it denies access. */
  refusal?: SystemAnswer;
}

/** For a system without an HTTP API: behaviour that it may have, but its stand-in never shows by itself. */
export interface OtherPeculiarities {
  /** How it is called, such as "over SQL". */
  protocol: string;
  rateLimit: OwnState;
  /** The code for an answer of random bytes, and why it is not `SOURCE_CONTRACT`; left out if it is. */
  garbage?: { here: string; code: string };
  /** Invalid data for `question`: the place of the fault, and a value there. */
  mismatches: readonly (OwnState & { place: string; value: string })[];
  partial: OwnState & AnsweredQuestion & { errors: readonly ExpectedError[] };
  /** Work that takes very long, for `question`, and whether the system is still busy with it. */
  endless: OwnState & { isAtWork: (gateway: TestGateway) => Promise<boolean> };
}

interface AnySubject {
  source: SourceDefinition;
  /** Settings and sources that the gateway needs beside this source, such as sources that identify a customer. */
  beside?: {
    sources?: readonly SourceDefinition[];
    sdl?: Readonly<Record<string, string>>;
    environment: Environment;
  };
  /** For each key of the source: a question and its expected data. */
  found: Readonly<Record<string, AnsweredQuestion>>;
  /** Unknown keys: no data and no error. */
  unknown: Readonly<Record<string, AnsweredQuestion>>;
  /** Many keys at once, in as many calls as the system's batch limit needs, each key once. */
  batches: Readonly<Record<string, Question & { calls: number; expectData?: (data: unknown) => void }>>;
  /**
   * Data of more than one page, and the number of calls for it; `of` starts a stand-in with enough data if the shared one
   * has too little. Else the reason why nothing has pages.
   */
  pages: (AnsweredQuestion & { calls: number; of?: () => Promise<StandIn> }) | { none: string };
  /** A question that needs one call, for the tests of failures. */
  question: Question;
  /**
   * Settings that the system refuses; else the reason why it refuses none. `code` is the error of a state without
   * credentials. Default: SOURCE_UNAUTHENTICATED.
   */
  wrongCredentials: Environment | (OwnState & { code?: string }) | { none: string };
  /** A question with a key of any text, and its data when nothing is found. */
  byAnyText: Readonly<Record<string, (text: string) => Question & { nothing: unknown }>>;
}

interface HttpSubject extends AnySubject {
  http: HttpPeculiarities;
}

interface OtherSubject extends AnySubject {
  otherwise: OtherPeculiarities;
  /** For a system without a fault control in front of it, which cannot hang or count its calls. */
  bare?: { hang: OwnState };
}

/** A source, and the questions and answers for its contract. */
export type SourceSubject = HttpSubject | OtherSubject;
