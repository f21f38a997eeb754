import { restCall, type RestCall } from '../declared/rest-grammar.js';
import type { HttpAnswer, ImitatedSystem, ReceivedRequest, RequestLog } from './http-stand-in.js';
import { readRequest, type RequestedPart } from './measured-request.js';
import type { Recording } from './recording.js';
import { measuredCalls, type MeasuredCall } from './read-recording.js';
import { answerNobody, answerRows, nobodyAnswers } from './rest-answers.js';
import { keysWithRows, recordedRows } from './recorded-rows.js';
import type { CallFacts } from './stand-in.js';

/** The measured calls of a REST system. */
export function restSystem(recording: Recording): ImitatedSystem {
  const measured = measuredCalls(recording, restCall);
  return {
    calls: new Map([...measured].map(([name, call]) => [name, factsOf(call)])),
    rowsOf: (name, key) => {
      const found = measured.get(name);
      return found === undefined ? [] : recordedRows(found.call, found.recorded, [key]);
    },
    answer: (request, log) => {
      for (const [name, found] of measured) {
        const part = readRequest(found.call, request);
        if (part !== undefined) return serve(name, found, { part, request, log });
      }
      return undefined;
    },
  };
}

function factsOf({ call, recorded }: MeasuredCall<RestCall>): CallFacts {
  const { page, matching = 'exact', maxBatch, rows } = call;
  return {
    keys: keysWithRows(recorded),
    takesBatch: JSON.stringify(call).includes('{keys'),
    maxBatch,
    matching,
    nobodyAnswers: nobodyAnswers(call).length,
    isList: rows !== undefined,
    page:
      page === undefined
        ? undefined
        : {
            size: 'size' in page ? page.size : undefined,
            maxItems: page.maxItems,
            acceptsPart: page.acceptPart === true,
          },
  };
}

function serve(
  name: string,
  { call, recorded }: MeasuredCall<RestCall>,
  { part, request, log }: { part: RequestedPart; request: ReceivedRequest; log: RequestLog },
): HttpAnswer {
  const { changeRows, nobodyAnswer = 0, isEndless = false } = log.behaviour;
  const { keys } = part;
  const isTooLarge = call.maxBatch !== undefined && keys.length > call.maxBatch;
  const found = recordedRows(call, recorded, keys);
  const rows = changeRows?.({ call: name, keys, rows: found }) ?? found;
  const note = (from: number, to: number): void => {
    log.note({ call: name, keys, from, to, of: rows.length, isTooLarge });
  };
  if (isTooLarge || log.isExceeded()) {
    note(0, 0);
    return { status: 400, body: { error: 'Too many keys or requests.' } };
  }
  if (rows.length === 0) {
    note(0, 0);
    return answerNobody(call, recorded, nobodyAnswer);
  }
  const { from, to, ...answer } = answerRows(call, recorded, { rows, part, request, isEndless });
  note(from, to);
  return answer;
}
