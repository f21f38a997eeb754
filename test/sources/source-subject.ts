import type { StandIn } from '../../sources/stand-ins/world.js';
import type { SourceDefinition } from '../../src/index.js';
import type { Environment } from '../../src/settings.js';
import type { SeenRequest } from '../connectors/server.js';
import type { TestGateway } from '../support/gateway.js';

/** What a source's own test tells `source-contract.ts`, so that what every source promises can be tried on this one. */

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
  /** In words, what the promise is for this system and why it is brought about so: it stands in the test's name. */
  here: string;
  /**
   * Makes it so; gives what a gateway must be told to meet it, what is still to be done once that gateway is there, and how
   * it ends.
   */
  make: () => Promise<{ environment?: Environment; begin?: () => void; end: () => Promise<void> }>;
}

/** Of a system that is asked over HTTP: what it may do that its stand-in never does, or never of itself. */
export interface HttpPeculiarities {
  /** The settings that say where the system is, and what its address ends in. */
  urlVariable: string | readonly string[];
  basePath?: string;
  /** How the system lets the gateway in, where that is a call of its own. It is always well, and counts for nothing. */
  login?: { path: string; answer: unknown };
  /** Every call that the source makes fits this; anything else is another address. */
  paths: RegExp;
  /** What the system answers when it knows nothing of what it is asked. */
  nothing: (request: SeenRequest) => SystemAnswer;
  /** How the system says that it is asked too often, and after how many seconds it wants to be asked again. */
  rateLimit: SystemAnswer & { retryAfter: number | undefined };
  /** Answers that do not fit, each to the question `ask`: where, and a value there. */
  misfits: readonly { answer: (request: SeenRequest) => unknown; place: string; value: string }[];
  /** A batch of which the system answers a part: the rest is null with an error, or without one where it is unknown. */
  partial: AnsweredQuestion & {
    answer: (request: SeenRequest) => SystemAnswer;
    errors: readonly ExpectedError[];
  };
  /** Of a system that lets everybody in, and has no credentials to be wrong: how it would shut us out all the same. */
  refusal?: SystemAnswer;
}

/** The same of a system that is not asked over HTTP. */
export interface OtherPeculiarities {
  /** How it is asked: "over SQL". */
  asked: string;
  rateLimit: OwnState;
  /** What an answer of bytes that mean nothing is told as, and in words, why it is not `SOURCE_CONTRACT`; left out when it is. */
  garbage?: { here: string; code: string };
  /** What is there but does not fit, for the question `ask`: where, and a value there. */
  misfits: readonly (OwnState & { place: string; value: string })[];
  partial: OwnState & AnsweredQuestion & { errors: readonly ExpectedError[] };
  /** Work that takes very long, for the question `ask`, and whether the system is still at it. */
  endless: OwnState & { isAtWork: (gateway: TestGateway) => Promise<boolean> };
}

interface AnySubject {
  source: SourceDefinition;
  /** What a gateway is told beside the source's own settings, such as of sources that say whom a customer is. */
  beside?: {
    sources?: readonly SourceDefinition[];
    sdl?: Readonly<Record<string, string>>;
    environment: Environment;
  };
  /** By each of its keys: what is asked, and what is to come. */
  found: Readonly<Record<string, AnsweredQuestion>>;
  /** What nobody has: no error, and nothing. */
  unknown: Readonly<Record<string, AnsweredQuestion>>;
  /** Many at once, in as many calls as the system's own limit on batches makes necessary, each asked once. */
  batches: Readonly<Record<string, Question & { calls: number; expectData?: (data: unknown) => void }>>;
  /**
   * What does not fit into one page of the system's, in so many calls, of a stand-in that holds so much when the shared one
   * does not; else, in words, why nothing has pages.
   */
  pages: (AnsweredQuestion & { calls: number; of?: () => Promise<StandIn> }) | { none: string };
  /** A question that is answered with one call, for bad days. */
  ask: Question;
  /**
   * Settings that the system refuses; else, in words, why it refuses none. `code` is of a state without credentials. Default:
   * SOURCE_UNAUTHENTICATED.
   */
  wrongCredentials: Environment | (OwnState & { code?: string }) | { none: string };
  /** A question with a key that is anybody's text. Its data when there is nothing, and the place of its error when refused. */
  byAnyText: Readonly<Record<string, (text: string) => Question & { nothing: unknown }>>;
}

interface HttpSubject extends AnySubject {
  http: HttpPeculiarities;
}

interface OtherSubject extends AnySubject {
  otherwise: OtherPeculiarities;
  /** Of a system that nothing can stand in front of, so that it neither hangs nor tells how often it was asked. */
  bare?: { hang: OwnState };
}

/** A source, and how it is asked in the contract. */
export type SourceSubject = HttpSubject | OtherSubject;
