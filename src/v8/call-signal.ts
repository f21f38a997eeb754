/** Cancels a call. It is a part of AbortSignal, so any AbortSignal is one. */
export interface CallSignal {
  readonly aborted: boolean;
  /** Why the call was cancelled. Undefined before that. */
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** An AbortController with a lightweight signal, for objects that are created for each call. README.md explains why. */
export class CallController {
  readonly #signal = new LightSignal();

  get signal(): CallSignal {
    return this.#signal;
  }

  /** Cancels the call. Further calls do nothing. */
  abort(reason: Error): void {
    this.#signal.abort(reason);
  }
}

class LightSignal implements CallSignal {
  reason: Error | undefined;
  #listeners: (() => void)[] = [];

  get aborted(): boolean {
    return this.reason !== undefined;
  }

  abort(reason: Error): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    for (const listener of this.#listeners.splice(0)) listener();
  }

  throwIfAborted(): void {
    if (this.reason !== undefined) throw this.reason;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    if (!this.aborted && !this.#listeners.includes(listener)) this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const index = this.#listeners.indexOf(listener);
    if (index >= 0) this.#listeners.splice(index, 1);
  }
}

/** Converts the signal to an AbortSignal, for functions that require one, such as `fetch`. */
export function toAbortSignal(signal: CallSignal): AbortSignal {
  if (signal instanceof AbortSignal) return signal;
  const controller = new AbortController();
  const abort = () => {
    controller.abort(signal.reason);
  };
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return controller.signal;
}
