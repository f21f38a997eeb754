import { locatedError, responsePathAsArray, type GraphQLError, type ResponsePath } from 'graphql';
import type { Complete } from './complete.js';
import type { Arguments, FieldPlan, Plan, Variables } from './plan.js';

/** The execution of a plan for one request. */
export interface Execution {
  readonly plan: Plan;
  readonly rootValue: unknown;
  readonly context: unknown;
  readonly variables: Variables;
  readonly errors: GraphQLError[];
  /** Arguments that use variables. They are equal for all objects on which a field is selected. */
  readonly arguments: Map<FieldPlan, Arguments>;
}

/** The place of a value in an answer. */
export interface Place {
  readonly field: FieldPlan;
  readonly key: string | number;
  readonly path: ResponsePath;
  readonly isNonNull: boolean;
}

export type Values = Record<string | number, unknown>;

/**
 * An object or list with pending values. Each value is set when its promise resolves. So an answer needs one promise
 * for each pending value, and none for the objects and lists that contain it.
 */
export class PendingValues {
  readonly values: Values;
  readonly #execution: Execution;
  #pendingCount = 0;
  #isSettled = false;
  #failure: { error: unknown } | undefined;
  #onComplete: () => void = () => undefined;
  #onFailed: (error: unknown) => void = () => undefined;

  constructor(values: Values, execution: Execution) {
    this.values = values;
    this.#execution = execution;
  }

  /** Registers who is called when all values are set, or when a value that must not be null has failed. */
  settled(onComplete: () => void, onFailed: (error: unknown) => void): void {
    this.#onComplete = onComplete;
    this.#onFailed = onFailed;
  }

  /** Adds a place whose value is a promise, or is itself pending. */
  add(place: Place, value: PromiseLike<unknown> | PendingValues, complete: Complete): void {
    this.#pendingCount += 1;
    // Reserves the position, so that the fields have the order of the selection.
    this.values[place.key] = undefined;
    if (value instanceof PendingValues) this.#setValue(place, value);
    else this.#awaitValue(place, value, complete);
  }

  /** Fails with this error, but only after all pending values are settled. */
  failWhenSettled(error: unknown): void {
    this.#failure = { error };
  }

  #awaitValue(place: Place, promise: PromiseLike<unknown>, complete: Complete): void {
    // A thenable may call back synchronously; a promise never does.
    Promise.resolve(promise).then(
      (value) => {
        let completed: unknown;
        try {
          completed = complete(this.#execution, place.field, value, place.path);
        } catch (error) {
          this.#setFailed(place, error);
          return;
        }
        this.#setValue(place, completed);
      },
      (error: unknown) => {
        this.#setFailed(place, error);
      },
    );
  }

  #setValue(place: Place, value: unknown): void {
    if (value instanceof PendingValues) {
      this.values[place.key] = value.values;
      value.settled(
        () => {
          this.#settleOne();
        },
        (error) => {
          this.#setFailed(place, error);
        },
      );
    } else if (isPromise(value)) this.#awaitValue(place, value, completeUnchanged);
    else {
      this.values[place.key] = value;
      this.#settleOne();
    }
  }

  #setFailed(place: Place, error: unknown): void {
    try {
      this.values[place.key] = recordError(this.#execution, place, error);
    } catch (located) {
      this.#fail(located);
      return;
    }
    this.#settleOne();
  }

  #settleOne(): void {
    this.#pendingCount -= 1;
    if (this.#pendingCount > 0 || this.#isSettled) return;
    if (this.#failure !== undefined) {
      this.#fail(this.#failure.error);
      return;
    }
    this.#isSettled = true;
    this.#onComplete();
  }

  #fail(error: unknown): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#onFailed(this.#failure === undefined ? error : this.#failure.error);
  }
}

/**
 * Records the error of a value and returns null for it. Throws if the value must not be null: then its parent fails.
 */
export function recordError(execution: Execution, place: Omit<Place, 'key'>, error: unknown): null {
  // Delegation may fail for several reasons at once. Yoga's executor reports them as one error for an item of a list.
  const reasons: readonly unknown[] =
    error instanceof AggregateError && typeof place.path.key === 'string' ? error.errors : [error];
  for (const reason of reasons) {
    const located = locatedError(reason, place.field.nodes, responsePathAsArray(place.path));
    if (place.isNonNull) throw located;
    execution.errors.push(located);
  }
  return null;
}

export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** Returns a value that is completed already. */
export const completeUnchanged: Complete = (_execution, _field, value) => value;
