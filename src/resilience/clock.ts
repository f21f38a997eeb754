/** Milliseconds that only go forward; tests turn it. Ages and rates are told by it, waiting is done by `setTimeout`. */
export interface Clock {
  now(): number;
}
