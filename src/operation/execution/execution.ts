import { locatedError, responsePathAsArray, type ExecutionResult, type GraphQLError } from 'graphql';
import { PendingField } from '../../loaders/key-group.js';
import { executeFields, setValue, type Complete } from './complete.js';
import { Container, emptyObject, isNonNullAt, pathOf, type Key } from './container.js';
import type { Arguments, FieldPlan, Plan, Variables } from './plan.js';

export interface ExecutionInput {
  readonly plan: Plan;
  readonly rootValue: unknown;
  readonly context: unknown;
  readonly variables: Variables;
}

/** The execution of a plan for one request. */
export class Execution {
  readonly plan: Plan;
  readonly rootValue: unknown;
  /** Undefined after the end, because a later reference to the execution must not retain the objects of the request. */
  context: unknown;
  readonly variables: Variables;
  readonly #errors: GraphQLError[] = [];
  /** Arguments that use variables. They are equal for all objects on which a field is selected. */
  readonly arguments = new Map<FieldPlan, Arguments>();
  /** The errors of containers that fail when all that is pending in them is settled. */
  readonly #failures = new Map<Container, unknown>();
  readonly #root: Container;
  #isEnded = false;
  #end: () => void = () => undefined;

  constructor({ plan, rootValue, context, variables }: ExecutionInput) {
    this.plan = plan;
    this.rootValue = rootValue;
    this.context = context;
    this.variables = variables;
    this.#root = new Container(emptyObject(plan.root));
  }

  /** Call this once. */
  run(): ExecutionResult | Promise<ExecutionResult> {
    try {
      executeFields(this, this.plan.root, this.rootValue, this.#root);
    } catch (error) {
      this.#failContainer(this.#root, error);
    }
    if (this.#root.pending === 0) return this.#result();
    return new Promise((resolve) => {
      this.#end = () => {
        this.#isEnded = true;
        this.context = undefined;
        resolve(this.#result());
      };
    });
  }

  #result(): ExecutionResult {
    const data = this.#root.isDiscarded ? null : this.#root.values;
    return this.#errors.length === 0 ? { data } : { errors: this.#errors, data };
  }

  /** Waits for the promise of a value, then completes and sets the value. */
  awaitValue(
    container: Container,
    field: FieldPlan,
    key: Key,
    promise: PromiseLike<unknown>,
    complete: Complete,
  ): void {
    container.count(1);
    // Reserves the position, so that the fields have the order of the selection.
    container.values[key] = undefined;
    const set = (value: unknown): void => {
      if (this.#isEnded) return;
      try {
        setValue(this, field, value, container, key, complete);
      } catch (error) {
        this.#fail(container, field, key, error);
      }
      this.#settle(container);
    };
    if (promise instanceof PendingField && promise.whenLoaded(set)) return;
    // A thenable may call back synchronously; a promise never does.
    Promise.resolve(promise).then(set, (error: unknown) => {
      if (this.#isEnded) return;
      this.#fail(container, field, key, error);
      this.#settle(container);
    });
  }

  /**
   * Records the error of a value and sets it to null. Throws if the value must not be null: then its container fails.
   */
  recordError(container: Container, field: FieldPlan, key: Key, error: unknown): void {
    // Delegation may fail for several reasons at once. Yoga's executor reports them as one error for an item of a list.
    const reasons: readonly unknown[] =
      error instanceof AggregateError && typeof key === 'string' ? error.errors : [error];
    const isNonNull = isNonNullAt(container, field, key);
    for (const reason of reasons) {
      const located = locatedError(reason, field.nodes, responsePathAsArray(pathOf(container, field, key)));
      if (isNonNull) throw located;
      this.#errors.push(located);
    }
    container.values[key] = null;
  }

  /** Fails a container with this error, but only after all that is pending in it is settled. */
  failWhenSettled(container: Container, error: unknown): void {
    this.#failures.set(container, error);
  }

  #fail(container: Container, field: FieldPlan, key: Key, error: unknown): void {
    try {
      this.recordError(container, field, key, error);
    } catch (located) {
      this.#failContainer(container, located);
    }
  }

  #failContainer(container: Container, error: unknown): void {
    if (container.isDiscarded) return;
    const located = this.#failures.get(container) ?? error;
    container.discard();
    const { parent, key, field } = container;
    if (parent !== undefined && field !== undefined) this.#fail(parent, field, key, located);
    else {
      this.#errors.push(located as GraphQLError);
      this.#end();
    }
  }

  #settle(container: Container): void {
    container.count(-1);
    if (this.#failures.size > 0)
      for (let at: Container | undefined = container; at !== undefined; at = at.parent)
        if (at.pending === 0 && this.#failures.has(at)) this.#failContainer(at, undefined);
    if (this.#root.pending === 0 && !this.#isEnded) this.#end();
  }
}
