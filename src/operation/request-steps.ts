import type { GraphQLParams, Plugin } from 'graphql-yoga';
import { stateOf, type RequestHead } from './request-state.js';

/** What Yoga's own path may hand on: an answer, or one that comes bit by bit. */
export type Result = Parameters<NonNullable<Plugin['onResultProcess']>>[0]['result'];

/** Something that is done with every request beside executing it, whichever way it is answered. */
export interface RequestStep {
  /** Its headers are there. Throws, or fails, when it is refused. */
  begin?: (request: RequestHead) => void | Promise<void>;
  /** It is read what is asked. */
  asked?: (request: RequestHead, params: GraphQLParams) => void;
  /** The answer is there; what this gives back takes its place. */
  answered?: (request: RequestHead, result: Result) => Result | undefined;
  /** Nothing more of the answer comes. */
  ended?: (request: RequestHead) => void;
}

export interface RequestSteps extends Required<RequestStep> {
  answered: (request: RequestHead, result: Result) => Result;
}

/** Does all steps, each event in their order. */
export function inOrder(steps: readonly RequestStep[]): RequestSteps {
  const beginFrom = (first: number, request: RequestHead): void | Promise<void> => {
    for (let at = first; at < steps.length; at += 1) {
      const begun = steps[at]?.begin?.(request);
      if (begun !== undefined) return begun.then(() => beginFrom(at + 1, request));
    }
  };

  const ended = (request: RequestHead): void => {
    for (const step of steps) step.ended?.(request);
  };

  return {
    begin: (request) => beginFrom(0, request),
    asked: (request, params) => {
      for (const step of steps) step.asked?.(request, params);
    },
    answered: (request, result) => {
      let last = result;
      for (const step of steps) last = step.answered?.(request, last) ?? last;
      if (stateOf(request).later === undefined) ended(request);
      return last;
    },
    ended,
  };
}

/** The same on Yoga's own path. */
export function useRequestSteps(steps: RequestSteps): Plugin {
  return {
    onRequestParse: ({ request }) => steps.begin(request)?.then(() => undefined),
    onParams: ({ request, params }) => {
      steps.asked(request, params);
    },
    onResultProcess: (event) => {
      // The first of several parts has passed the steps: see deferred.ts.
      if (stateOf(event.request).later === undefined)
        event.setResult(steps.answered(event.request, event.result));
    },
  };
}
