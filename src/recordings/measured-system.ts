import type { z } from 'zod';
import type { Matching } from '../declared/call-loader.js';
import type { HttpAnswer, ImitatedSystem, ReceivedRequest } from './http-stand-in.js';
import { measuredCalls, type MeasuredCall } from './read-recording.js';
import { recordedRows, rowReader } from './recorded-rows.js';
import type { Recording } from './recording.js';
import type { CallFacts } from './stand-in.js';

/** Reads and answers the requests of one kind of system. */
interface SystemKind<Call, Part> {
  grammar: z.ZodType<Call>;
  factsOf: (measured: MeasuredCall<Call>) => CallFacts;
  /** The requested part of the call. Undefined if it is not a request of this call. */
  readRequest: (call: Call, request: ReceivedRequest) => Part | undefined;
  /**
   * The answer to a request of the call, possibly without rows. It has the rows from the index `from` up to
   * `to`.
   */
  answerRows: (
    measured: MeasuredCall<Call>,
    found: FoundPart<Part>,
  ) => HttpAnswer & { from: number; to: number };
}

interface FoundPart<Part> {
  rows: readonly unknown[];
  part: Part;
  request: ReceivedRequest;
  isEndless: boolean;
  notFoundAnswer: number;
}

/** Imitates a system in which each call is one request. */
export function measuredSystem<
  Call extends { matching?: Matching; maxBatch?: number },
  Part extends { keys: readonly string[] },
>(recording: Recording, kind: SystemKind<Call, Part>): ImitatedSystem {
  const measured = measuredCalls(recording, kind.grammar);
  return {
    calls: new Map([...measured].map(([name, call]) => [name, kind.factsOf(call)])),
    rowsOf: rowReader(measured),
    answer: (request, log) => {
      for (const [name, found] of measured) {
        const part = kind.readRequest(found.call, request);
        if (part === undefined) continue;
        const { keys } = part;
        const { changeRows, isEndless = false, notFoundAnswer = 0 } = log.behaviour;
        const recorded = recordedRows(found.call, found.recorded, keys);
        const rows = changeRows?.({ call: name, keys, rows: recorded }) ?? recorded;
        const isTooLarge = found.call.maxBatch !== undefined && keys.length > found.call.maxBatch;
        const { from, to, ...answer } =
          isTooLarge || log.isExceeded()
            ? { status: 400, body: { error: { message: 'Too many keys or requests.' } }, from: 0, to: 0 }
            : kind.answerRows(found, { rows, part, request, isEndless, notFoundAnswer });
        log.note({ call: name, keys, from, to, of: rows.length, isTooLarge });
        return answer;
      }
      return undefined;
    },
  };
}
