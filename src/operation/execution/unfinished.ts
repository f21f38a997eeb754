import { locatedError, responsePathAsArray, type GraphQLError, type ResponsePath } from 'graphql';
import type { Complete } from './complete.js';
import type { Arguments, FieldPlan, Plan, Variables } from './plan.js';

/** One request's run of a plan. */
export interface Execution {
  readonly plan: Plan;
  readonly rootValue: unknown;
  readonly context: unknown;
  readonly variables: Variables;
  readonly errors: GraphQLError[];
  /** Arguments that use variables: of one field they are the same wherever it stands in the answer. */
  readonly arguments: Map<FieldPlan, Arguments>;
}

/** Where a value stands in an answer. */
export interface Place {
  readonly field: FieldPlan;
  readonly key: string | number;
  readonly path: ResponsePath;
  readonly isNonNull: boolean;
}

export type Values = Record<string | number, unknown>;

/**
 * An object or list some of whose values are still to come. They are put into it as they come, so that an answer takes
 * one promise for each value that is waited for, and none for the objects and lists around it.
 */
export class Unfinished {
  readonly values: Values;
  readonly #execution: Execution;
  #left = 0;
  #isSettled = false;
  #failure: { error: unknown } | undefined;
  #onWhole: () => void = () => undefined;
  #onFailed: (error: unknown) => void = () => undefined;

  constructor(values: Values, execution: Execution) {
    this.values = values;
    this.#execution = execution;
  }

  /** Says whom to tell when all is there, or when nothing is left because a value is missing that may not be null. */
  settled(onWhole: () => void, onFailed: (error: unknown) => void): void {
    this.#onWhole = onWhole;
    this.#onFailed = onFailed;
  }

  /** Keeps a place for what a promise will bring, or for what is unfinished itself. */
  add(place: Place, value: PromiseLike<unknown> | Unfinished, complete: Complete): void {
    this.#left += 1;
    // It stands in its place whatever comes first.
    this.values[place.key] = undefined;
    if (value instanceof Unfinished) this.#put(place, value);
    else this.#follow(place, value, complete);
  }

  /** Nothing is left of it, but what is under way is waited for. */
  failAtLast(error: unknown): void {
    this.#failure = { error };
  }

  #follow(place: Place, promise: PromiseLike<unknown>, complete: Complete): void {
    // Not everything that can be waited for calls back later only.
    Promise.resolve(promise).then(
      (value) => {
        let completed: unknown;
        try {
          completed = complete(this.#execution, place.field, value, place.path);
        } catch (error) {
          this.#miss(place, error);
          return;
        }
        this.#put(place, completed);
      },
      (error: unknown) => {
        this.#miss(place, error);
      },
    );
  }

  #put(place: Place, value: unknown): void {
    if (value instanceof Unfinished) {
      this.values[place.key] = value.values;
      value.settled(
        () => {
          this.#arrived();
        },
        (error) => {
          this.#miss(place, error);
        },
      );
    } else if (isPromise(value)) this.#follow(place, value, completeUnchanged);
    else {
      this.values[place.key] = value;
      this.#arrived();
    }
  }

  #miss(place: Place, error: unknown): void {
    try {
      this.values[place.key] = nullFor(this.#execution, place, error);
    } catch (located) {
      this.#fail(located);
      return;
    }
    this.#arrived();
  }

  #arrived(): void {
    this.#left -= 1;
    if (this.#left > 0 || this.#isSettled) return;
    if (this.#failure !== undefined) {
      this.#fail(this.#failure.error);
      return;
    }
    this.#isSettled = true;
    this.#onWhole();
  }

  #fail(error: unknown): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#onFailed(this.#failure === undefined ? error : this.#failure.error);
  }
}

/** Notes why a value is missing. Throws when it may not be null: then what it is part of is missing as well. */
export function nullFor(execution: Execution, place: Omit<Place, 'key'>, error: unknown): null {
  // Delegation may fail for several reasons at a time; of an item Yoga's executor would not tell them apart.
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

/** Of what is completed already. */
export const completeUnchanged: Complete = (_execution, _field, value) => value;
