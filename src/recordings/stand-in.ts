import type { Environment } from '../settings.js';

/** A system imitated by its recording, on a free port of 127.0.0.1. */
export interface RecordedStandIn {
  /** The name of the source. */
  name: string;
  url: string;
  /** Only over HTTP can a stand-in see requests and change answers. */
  protocol: 'http' | 'sql' | 'file';
  /** The measured facts of each call. */
  calls: ReadonlyMap<string, CallFacts>;
  /** The recorded rows of a key. */
  rowsOf(call: string, key: string): readonly unknown[];
  /** Changes of the behaviour from that of the recording. */
  behaviour: StandInBehaviour;
  /** The requests for measured calls since the last `reset`. */
  served: readonly ServedCall[];
  /** The requests since the last `reset` that match no measured call, such as `GET /v2/registrations?owner=…`. */
  unknownRequests: readonly string[];
  /** Headers of requests since the last `reset`, by their names in lower case. */
  seenHeaders: ReadonlySet<string>;
  /** The number of requests without an answer. It decreases when the client closes its connection. */
  held: HeldRequests;
  /** Forgets the requests, and behaves as recorded again. */
  reset(): void;
  /** The environment variables of a gateway that reaches the stand-in at the address. */
  settings(url: string): Environment;
  close(): Promise<void>;
}

/** The measured facts of a call. */
export interface CallFacts {
  /** The recorded keys that have rows. */
  keys: readonly string[];
  /** Whether one request takes several keys. */
  takesBatch: boolean;
  /** The maximum number of keys in one request. Undefined: no limit. */
  maxBatch: number | undefined;
  /** Whether a batch may take more requests, because the length of a request is limited. Default: false. */
  isSplit?: boolean;
  /** The number of different answers for an unknown key. */
  notFoundAnswers: number;
  /** Undefined if the list has no pages. */
  page: { size: number | undefined; maxItems: number; acceptsPart: boolean } | undefined;
}

/** The rows of one answer, before paging. */
export interface FoundRows {
  call: string;
  keys: readonly string[];
  rows: readonly unknown[];
}

export interface StandInBehaviour {
  /** Changes the rows of an answer. Default: the recorded rows. */
  changeRows?: (found: FoundRows) => readonly unknown[];
  /** The index of the measured answer for an unknown key that is sent. Default: 0. */
  notFoundAnswer?: number;
  /** Whether credentials are refused, with the measured answer. */
  isRefusing?: boolean;
  /** Whether requests get no answer. */
  isHolding?: boolean;
  /** Whether each list has a further page. */
  isEndless?: boolean;
}

/** A request for a measured call, and the part of its rows that was sent. */
export interface ServedCall {
  call: string;
  keys: readonly string[];
  /** The index of the first sent row, and the index after the last one. */
  from: number;
  to: number;
  /** The number of rows in the list. */
  of: number;
  /** Whether the request was refused because it has more keys than the measured batch size. */
  isTooLarge: boolean;
}

/** Holds requests without an answer. */
export class HeldRequests {
  #count = 0;
  #waiting: { isReached: (count: number) => boolean; resolve: () => void }[] = [];

  get count(): number {
    return this.#count;
  }

  change(by: 1 | -1): void {
    this.#count += by;
    for (const { resolve } of this.#waiting.filter(({ isReached }) => isReached(this.#count))) resolve();
    this.#waiting = this.#waiting.filter(({ isReached }) => !isReached(this.#count));
  }

  /** Resolves to true when the number of requests is reached, or to false after the time. */
  async reaches(isReached: (count: number) => boolean, withinMs: number): Promise<boolean> {
    if (isReached(this.#count)) return true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => {
        resolve(false);
      }, withinMs);
    });
    const reached = new Promise<true>((resolve) => {
      this.#waiting.push({
        isReached,
        resolve: () => {
          resolve(true);
        },
      });
    });
    const result = await Promise.race([reached, late]);
    clearTimeout(timer);
    return result;
  }
}

/**
 * The maximum number of requests that a stand-in answers between two resets. It stops a source that reads an
 * endless list without a limit.
 */
export const MAX_REQUESTS = 400;

/** A digit sequence that JavaScript cannot represent exactly as a number. */
export const EXACT_NUMBER = '9007199254740993';
/** A value in a row that is sent as the number `EXACT_NUMBER`. */
export const EXACT_NUMBER_MARK = '@exact-number@';

/** The text of a JSON answer. */
export function jsonText(body: unknown): string {
  return JSON.stringify(body).replaceAll(JSON.stringify(EXACT_NUMBER_MARK), EXACT_NUMBER);
}
