import type { ExecutionResult } from '@graphql-tools/utils';
import {
  GraphQLError,
  Kind,
  visit,
  type ASTVisitor,
  type DirectiveNode,
  type DocumentNode,
  type FragmentSpreadNode,
  type InlineFragmentNode,
  type ValidationContext,
} from 'graphql';
import { isDefer } from '../stitching/defer.js';
import type { AbortListening } from './answer.js';
import { cancellable } from './cancellable.js';

/** The results of incremental delivery, as the executor returns them. */
export interface IncrementalResults {
  initial: ExecutionResult;
  subsequent: AsyncIterator<ExecutionResult>;
}

export async function startIncremental(
  executed: AsyncIterable<ExecutionResult>,
): Promise<IncrementalResults> {
  const subsequent = executed[Symbol.asyncIterator]();
  const initial = await subsequent.next();
  if (initial.done === true) throw new Error('The executor returned no initial result.');
  return { initial: initial.value, subsequent };
}

/** The steps for each result before it is delivered, and for the end of the answer. */
export interface IncrementalSteps {
  signal: AbortListening | undefined;
  /** Audits all delivered data and this result. Rejects if the result must be withheld. */
  audit(incremental: readonly ExecutionResult[]): Promise<void>;
  /** Returns errors in their client form. */
  toClientErrors(errors: readonly unknown[]): GraphQLError[];
  /** Returns the extensions of the last result, which report on the complete answer. */
  extensions(): Record<string, unknown>;
  /** Cancels the calls that the answer still waits for. */
  cancel(): void;
  /** Called when the answer ends. It may be called more than once. */
  end(): void;
}

/** Delivers the initial result, and each subsequent result when it is ready. */
export function deliverIncremental(
  initial: ExecutionResult,
  subsequent: AsyncIterator<ExecutionResult>,
  steps: IncrementalSteps,
): AsyncIterableIterator<ExecutionResult> {
  const { signal } = steps;
  let cancel: () => void = () => undefined;
  const disconnected = new Promise<undefined>((resolve) => {
    cancel = () => {
      steps.cancel();
      // If the client has read no result yet, the generator has not started and runs no `finally`.
      steps.end();
      resolve(undefined);
    };
  });
  signal?.addEventListener('abort', cancel, { once: true });
  if (signal?.aborted === true) cancel();

  async function* deliver(): AsyncGenerator<ExecutionResult, void> {
    try {
      yield initial;
      for (let hasNext = initial.hasNext === true; hasNext;) {
        // A cancelled execution may never end.
        const next = await Promise.race([subsequent.next(), disconnected]);
        if (next === undefined || next.done === true) return;
        const result = await toClientResult(next.value, steps);
        hasNext = result.hasNext === true;
        yield result;
      }
    } finally {
      steps.end();
    }
  }
  return cancellable(deliver(), cancel);
}

/** Audits a subsequent result, and returns it with its errors in their client form. */
async function toClientResult(result: ExecutionResult, steps: IncrementalSteps): Promise<ExecutionResult> {
  const { incremental } = result;
  let audited = result;
  if (incremental !== undefined) {
    try {
      await steps.audit(incremental);
      audited = { ...result, incremental: incremental.map((part) => withErrors(part, part.errors, steps)) };
    } catch (error) {
      audited = withholdRest(incremental, error, steps);
    }
  }
  if (audited.hasNext === true) return audited;
  const extensions = steps.extensions();
  return Object.keys(extensions).length === 0 ? audited : { ...audited, extensions };
}

/** Withholds this result and all later results. */
function withholdRest(
  incremental: readonly ExecutionResult[],
  error: unknown,
  steps: IncrementalSteps,
): ExecutionResult {
  steps.cancel();
  const refused = incremental.map(({ path = [], label }) => {
    const empty = { data: null, path, ...(label === undefined ? {} : { label }) };
    return withErrors(empty, [atPath(error, path)], steps);
  });
  return { incremental: refused, hasNext: false };
}

function withErrors(
  result: ExecutionResult,
  errors: readonly unknown[] | undefined,
  steps: IncrementalSteps,
): ExecutionResult {
  return errors === undefined ? result : { ...result, errors: steps.toClientErrors(errors) };
}

function atPath(error: unknown, path: readonly (string | number)[]): GraphQLError {
  if (!(error instanceof GraphQLError))
    return new GraphQLError('', {
      path,
      originalError: error instanceof Error ? error : new Error(String(error)),
    });
  const extensions = { ...error.extensions };
  // The HTTP status has been sent already.
  delete extensions['http'];
  return new GraphQLError(error.message, { path, extensions });
}

/** Merges deferred data into the initial data. Fields that are in both have equal values. */
export function addToData(data: unknown, parts: readonly ExecutionResult[]): void {
  for (const { path = [], data: part } of parts as readonly ExecutionResult<unknown>[]) {
    let at = data;
    for (const step of path) at = isObject(at) ? at[step] : undefined;
    merge(at, part);
  }
}

function merge(to: unknown, from: unknown): void {
  if (!isObject(to) || !isObject(from)) return;
  for (const [name, value] of Object.entries(from))
    // A client may name a field `__proto__` or `constructor`, so inherited properties do not count.
    if (Object.hasOwn(to, name)) merge(to[name], value);
    else Object.defineProperty(to, name, { value, enumerable: true, writable: true, configurable: true });
}

function isObject(value: unknown): value is Record<string | number, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Returns the document without the fragments that are always deferred. */
export function withoutDeferred(document: DocumentNode): DocumentNode {
  const remove = (node: FragmentSpreadNode | InlineFragmentNode) =>
    node.directives?.some(isAlwaysDeferred) === true ? null : undefined;
  return visit(document, { FragmentSpread: remove, InlineFragment: remove });
}

function isAlwaysDeferred(node: DirectiveNode): boolean {
  const condition = argumentOf(node, 'if');
  return isDefer(node) && (condition === undefined || (condition.kind === Kind.BOOLEAN && condition.value));
}

function argumentOf({ arguments: args = [] }: DirectiveNode, name: string) {
  return args.find((argument) => argument.name.value === name)?.value;
}

/** Requires a unique, literal `label`, by which a client recognises a deferred fragment. */
export function DeferLabelRule(context: ValidationContext): ASTVisitor {
  const labels = new Set<string>();
  return {
    Directive(node) {
      const label = isDefer(node) ? argumentOf(node, 'label') : undefined;
      if (label === undefined) return;
      if (label.kind !== Kind.STRING || labels.has(label.value))
        context.reportError(
          new GraphQLError(
            'The label of a "@defer" must be a string literal that is unique in the document.',
            {
              nodes: label,
            },
          ),
        );
      else labels.add(label.value);
    },
  };
}
