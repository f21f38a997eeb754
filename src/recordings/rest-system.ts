import { restCall, type RestCall } from '../declared/rest-grammar.js';
import type { ImitatedSystem } from './http-stand-in.js';
import { readRequest } from './measured-request.js';
import { measuredSystem } from './measured-system.js';
import type { MeasuredCall } from './read-recording.js';
import type { Recording } from './recording.js';
import { answerNotFound, answerRows, notFoundAnswers } from './rest-answers.js';
import { keysWithRows } from './recorded-rows.js';
import type { CallFacts } from './stand-in.js';

/** Imitates a REST system by its measured calls. */
export function restSystem(recording: Recording): ImitatedSystem {
  return measuredSystem(recording, {
    ...{ grammar: restCall, factsOf, readRequest },
    answerRows: ({ call, recorded }, { notFoundAnswer, ...found }) =>
      found.rows.length === 0
        ? { ...answerNotFound(call, recorded, notFoundAnswer), from: 0, to: 0 }
        : answerRows(call, recorded, found),
  });
}

function factsOf({ call, recorded }: MeasuredCall<RestCall>): CallFacts {
  const { page, maxBatch } = call;
  return {
    keys: keysWithRows(recorded),
    takesBatch: JSON.stringify(call).includes('{keys'),
    maxBatch,
    notFoundAnswers: notFoundAnswers(call).length,
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
