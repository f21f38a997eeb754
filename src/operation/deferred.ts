import type { ExecutionResult } from '@graphql-tools/utils';
import {
  GraphQLError,
  Kind,
  visit,
  type ASTVisitor,
  type DirectiveNode,
  type DocumentNode,
  type ExecutionArgs,
  type FragmentSpreadNode,
  type InlineFragmentNode,
  type ValidationContext,
} from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import { isDefer, withoutDefer } from '../stitching/defer.js';
import { toldErrors, type ErrorLog } from './format-errors.js';
import { leavable } from './cancellable.js';
import { requestIdOf } from './request-id.js';
import { stateOf, type Later, type RequestHead } from './request-state.js';
import type { RequestSteps } from './request-steps.js';
import { hasFieldThen } from './response-names.js';

export interface DeferredOptions {
  steps: Pick<RequestSteps, 'answered' | 'ended'>;
  /** What the last part tells of the whole. */
  extensionsOf: (request: RequestHead) => Record<string, unknown>;
  errorLog: ErrorLog;
}

/**
 * Gives what stands under `@defer` later than the rest, as it comes, to clients that say they take an answer in parts. All
 * others get it whole: what is executed for them has no `@defer`. An operation that calls a field `then` is answered whole. Events are told whole to everybody, by an executor that
 * passes it over: see event-runner.ts.
 *
 * The first part is an answer as any other is, and goes the way of all: by all plugins and steps. What those do that is
 * not over by then they leave in the request's state, under `later`.
 */
export function useDeferred({ steps, extensionsOf, errorLog }: DeferredOptions): Plugin {
  return {
    onValidate({ addValidationRule }) {
      addValidationRule(DeferLabelRule);
    },
    onExecute: (event: {
      args: ExecutionArgs;
      context: { request: RequestHead };
      executeFn: (asked: ExecutionArgs) => unknown;
      setExecuteFn: (execute: (asked: ExecutionArgs) => unknown) => void;
    }) => {
      const { args, context, executeFn, setExecuteFn } = event;
      const { request } = context;
      const document = undeferred(args.document);
      if (document === args.document) return;
      setExecuteFn((asked) => {
        if (!takesParts(request) || hasFieldThen(document)) return executeFn({ ...asked, document });
        return beginAnswer(request, executeFn(asked));
      });
    },
    onExecutionResult: (event) => {
      const { request, result } = event;
      const state = stateOf(request);
      const { later } = state;
      if (later === undefined || result === undefined || isAsyncIterable(result)) return;
      if (result.hasNext === true) {
        // Before its headers are written, which tell of it.
        event.setResult(partsOf(steps.answered(request, result) as ExecutionResult, request, later));
        return;
      }
      // It was refused after all, so nothing of it is given.
      later.settle?.(later.data);
      state.context?.leave();
      delete state.later;
    },
  };

  function partsOf(
    first: ExecutionResult,
    request: Request,
    later: Later,
  ): AsyncIterableIterator<ExecutionResult> {
    const end = (): void => {
      later.settle?.(later.data);
      steps.ended(request);
    };
    let leave: () => void = () => undefined;
    const hungUp = new Promise<undefined>((resolve) => {
      leave = () => {
        stateOf(request).context?.leave();
        // Nobody may have asked for any part yet.
        end();
        resolve(undefined);
      };
    });
    request.signal.addEventListener('abort', leave, { once: true });
    if (request.signal.aborted) leave();

    async function* tell(): AsyncGenerator<ExecutionResult, void> {
      try {
        yield first;
        for (let hasNext = true; hasNext;) {
          // What is given up may never come to an end.
          const next = await Promise.race([later.parts.next(), hungUp]);
          if (next === undefined || next.done === true) return;
          const part = await partOf(next.value, request, later);
          hasNext = part.hasNext === true;
          yield part;
        }
      } finally {
        end();
      }
    }
    return leavable(tell(), leave);
  }

  /** A later part as it goes out: accounted for, its errors with code and without insides. */
  async function partOf(part: ExecutionResult, request: RequestHead, later: Later): Promise<ExecutionResult> {
    const state = stateOf(request);
    const told = async (): Promise<ExecutionResult> => {
      const { incremental } = part;
      if (incremental === undefined) return part;
      for (const one of incremental) addTo(later.data, one);
      await later.account?.();
      return { ...part, incremental: incremental.map((one) => withErrors(one, one.errors, request)) };
    };
    const shown = await told().catch((error: unknown) => refused(part, error, request));
    if (shown.incremental?.some(({ errors }) => errors !== undefined) === true) {
      state.failed = true;
      if (state.operation !== undefined) state.operation.outcome = 'errors';
    }
    if (shown.hasNext === true) return shown;
    const cost = later.settle?.(later.data);
    const extensions = { ...extensionsOf(request), ...(cost === undefined ? {} : { cost }) };
    return Object.keys(extensions).length === 0 ? shown : { ...shown, extensions };
  }

  /** Nothing of the part is given, and of the parts after it. */
  function refused(part: ExecutionResult, error: unknown, request: RequestHead): ExecutionResult {
    stateOf(request).context?.leave();
    const incremental = part.incremental?.map(({ path = [], label }) => {
      const nothing = { data: null, path, ...(label === undefined ? {} : { label }) };
      return withErrors(nothing, [atPath(error, path)], request);
    });
    return { ...(incremental === undefined ? {} : { incremental }), hasNext: false };
  }

  function withErrors(
    one: ExecutionResult,
    errors: readonly unknown[] | undefined,
    request: RequestHead,
  ): ExecutionResult {
    if (errors === undefined) return one;
    return { ...one, errors: toldErrors(errors, requestIdOf(request), errorLog) };
  }
}

/** Gives the first part, and leaves the others in the request's state. */
async function beginAnswer(request: RequestHead, executed: unknown): Promise<unknown> {
  const answer = await executed;
  if (!isAsyncIterable<ExecutionResult>(answer)) return answer;
  const parts = answer[Symbol.asyncIterator]();
  const first = await parts.next();
  if (first.done === true) throw new Error('The executor has made an answer without a part.');
  stateOf(request).later = { parts, data: first.value.data as unknown };
  return first.value;
}

function atPath(error: unknown, path: readonly (string | number)[]): GraphQLError {
  if (!(error instanceof GraphQLError))
    return new GraphQLError('', {
      path,
      originalError: error instanceof Error ? error : new Error(String(error)),
    });
  const extensions = { ...error.extensions };
  // The status has been told.
  delete extensions['http'];
  return new GraphQLError(error.message, { path, extensions });
}

/** Puts a part where it belongs. What is there already is the same. */
function addTo(data: unknown, { path = [], data: part }: ExecutionResult<unknown>): void {
  let at = data;
  for (const step of path) at = isObject(at) ? at[step] : undefined;
  add(at, part);
}

function add(to: unknown, from: unknown): void {
  if (!isObject(to) || !isObject(from)) return;
  for (const [name, value] of Object.entries(from))
    // A client may call a field `__proto__` or `constructor`: only what the answer itself holds counts.
    if (Object.hasOwn(to, name)) add(to[name], value);
    else Object.defineProperty(to, name, { value, enumerable: true, writable: true, configurable: true });
}

function isObject(value: unknown): value is Record<string | number, unknown> {
  return typeof value === 'object' && value !== null;
}

const PARTS = new Set(['multipart/mixed', 'text/event-stream']);

/**
 * Whether the client says by name that it takes an answer in parts. Who takes anything has not thought of that, though
 * Yoga would give it parts. What is no UTF-8 Yoga passes over.
 */
function takesParts({ headers }: RequestHead): boolean {
  const accepted = (headers.get('accept') ?? '').replace(/\s/g, '').toLowerCase().split(',');
  return accepted.some((one) => {
    const [type = '', ...parameters] = one.split(';');
    const charset = parameters.find((parameter) => parameter.includes('charset=')) ?? 'charset=utf-8';
    return PARTS.has(type) && charset === 'charset=utf-8';
  });
}

const wholes = new WeakMap<DocumentNode, DocumentNode>();

/** The document without its `@defer`; itself when it has none. */
function undeferred(document: DocumentNode): DocumentNode {
  let whole = wholes.get(document);
  if (whole === undefined) {
    whole = withoutDefer(document);
    wholes.set(document, whole);
  }
  return whole;
}

const firsts = new WeakMap<DocumentNode, DocumentNode>();

/** The document without what surely comes later. */
export function firstPartOf(document: DocumentNode): DocumentNode {
  let first = firsts.get(document);
  if (first === undefined) {
    const leaveOut = (node: FragmentSpreadNode | InlineFragmentNode) =>
      node.directives?.some(isSurelyDeferred) === true ? null : undefined;
    first = visit(document, { FragmentSpread: leaveOut, InlineFragment: leaveOut });
    firsts.set(document, first);
  }
  return first;
}

function isSurelyDeferred(node: DirectiveNode): boolean {
  const condition = argumentOf(node, 'if');
  return isDefer(node) && (condition === undefined || (condition.kind === Kind.BOOLEAN && condition.value));
}

function argumentOf({ arguments: given = [] }: DirectiveNode, name: string) {
  return given.find((one) => one.name.value === name)?.value;
}

/** A label is what a client knows a part by. */
function DeferLabelRule(context: ValidationContext): ASTVisitor {
  const labels = new Set<string>();
  return {
    Directive(node) {
      const label = isDefer(node) ? argumentOf(node, 'label') : undefined;
      if (label === undefined) return;
      if (label.kind !== Kind.STRING || labels.has(label.value))
        context.reportError(
          new GraphQLError('The label of a "@defer" is a text in the document, and no other has the same.', {
            nodes: label,
          }),
        );
      else labels.add(label.value);
    },
  };
}
