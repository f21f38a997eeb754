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

/** An answer in parts, as the executor gives it. */
export interface IncrementalResults {
  first: ExecutionResult;
  subsequent: AsyncIterator<ExecutionResult>;
}

export async function startIncremental(
  executed: AsyncIterable<ExecutionResult>,
): Promise<IncrementalResults> {
  const subsequent = executed[Symbol.asyncIterator]();
  const first = await subsequent.next();
  if (first.done === true) throw new Error('The executor has made an answer without a part.');
  return { first: first.value, subsequent };
}

/** What is done with each part before it is delivered, and with the answer at its end. */
export interface IncrementalSteps {
  signal: AbortListening | undefined;
  /** Accounts for all data so far, with this part. Rejects when it may not be given. */
  audit(part: readonly ExecutionResult[]): Promise<void>;
  /** The outside form of errors. */
  outside(errors: readonly unknown[]): GraphQLError[];
  /** What the last part reports of the whole. */
  extensions(): Record<string, unknown>;
  /** Gives up what the answer still waits for. */
  leave(): void;
  /** Called once or more when nothing more of the answer comes. */
  end(): void;
}

/** Delivers the first part, and the later ones as they come. */
export function deliverIncremental(
  first: ExecutionResult,
  subsequent: AsyncIterator<ExecutionResult>,
  steps: IncrementalSteps,
): AsyncIterableIterator<ExecutionResult> {
  const { signal } = steps;
  let leave: () => void = () => undefined;
  const hungUp = new Promise<undefined>((resolve) => {
    leave = () => {
      steps.leave();
      // The client may have read no part yet.
      steps.end();
      resolve(undefined);
    };
  });
  signal?.addEventListener('abort', leave, { once: true });
  if (signal?.aborted === true) leave();

  async function* deliver(): AsyncGenerator<ExecutionResult, void> {
    try {
      yield first;
      for (let hasNext = first.hasNext === true; hasNext;) {
        // What is given up may never come to an end.
        const next = await Promise.race([subsequent.next(), hungUp]);
        if (next === undefined || next.done === true) return;
        const part = await outsidePart(next.value, steps);
        hasNext = part.hasNext === true;
        yield part;
      }
    } finally {
      steps.end();
    }
  }
  return cancellable(deliver(), leave);
}

/** A later part as it goes out: audited, its errors with code and without insides. */
async function outsidePart(part: ExecutionResult, steps: IncrementalSteps): Promise<ExecutionResult> {
  const { incremental } = part;
  let audited = part;
  if (incremental !== undefined) {
    try {
      await steps.audit(incremental);
      audited = { ...part, incremental: incremental.map((one) => withErrors(one, one.errors, steps)) };
    } catch (error) {
      audited = refusedPart(incremental, error, steps);
    }
  }
  if (audited.hasNext === true) return audited;
  const extensions = steps.extensions();
  return Object.keys(extensions).length === 0 ? audited : { ...audited, extensions };
}

/** Nothing of the part is given, and of the parts after it. */
function refusedPart(
  incremental: readonly ExecutionResult[],
  error: unknown,
  steps: IncrementalSteps,
): ExecutionResult {
  steps.leave();
  const refused = incremental.map(({ path = [], label }) => {
    const nothing = { data: null, path, ...(label === undefined ? {} : { label }) };
    return withErrors(nothing, [atPath(error, path)], steps);
  });
  return { incremental: refused, hasNext: false };
}

function withErrors(
  one: ExecutionResult,
  errors: readonly unknown[] | undefined,
  steps: IncrementalSteps,
): ExecutionResult {
  return errors === undefined ? one : { ...one, errors: steps.outside(errors) };
}

function atPath(error: unknown, path: readonly (string | number)[]): GraphQLError {
  if (!(error instanceof GraphQLError))
    return new GraphQLError('', {
      path,
      originalError: error instanceof Error ? error : new Error(String(error)),
    });
  const extensions = { ...error.extensions };
  // The status has been sent.
  delete extensions['http'];
  return new GraphQLError(error.message, { path, extensions });
}

/** Puts parts where they belong. What is there already is the same. */
export function addToData(data: unknown, parts: readonly ExecutionResult[]): void {
  for (const { path = [], data: part } of parts as readonly ExecutionResult<unknown>[]) {
    let at = data;
    for (const step of path) at = isObject(at) ? at[step] : undefined;
    add(at, part);
  }
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

/** The document without what surely comes later. */
export function withoutDeferred(document: DocumentNode): DocumentNode {
  const leaveOut = (node: FragmentSpreadNode | InlineFragmentNode) =>
    node.directives?.some(isSurelyDeferred) === true ? null : undefined;
  return visit(document, { FragmentSpread: leaveOut, InlineFragment: leaveOut });
}

function isSurelyDeferred(node: DirectiveNode): boolean {
  const condition = argumentOf(node, 'if');
  return isDefer(node) && (condition === undefined || (condition.kind === Kind.BOOLEAN && condition.value));
}

function argumentOf({ arguments: given = [] }: DirectiveNode, name: string) {
  return given.find((one) => one.name.value === name)?.value;
}

/** A label is what a client knows a part by. */
export function DeferLabelRule(context: ValidationContext): ASTVisitor {
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
