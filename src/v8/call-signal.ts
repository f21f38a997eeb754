/** Cancels a call: the part of an AbortSignal that we use, so that any AbortSignal will do. */
export interface CallSignal {
  readonly aborted: boolean;
  /** Why; undefined as long as it has not aborted. */
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** An AbortController with a cheap signal, for what is made for each call. README.md has why. */
export class CallController {
  readonly #signal = new OwnSignal();

  get signal(): CallSignal {
    return this.#signal;
  }

  /** Does nothing when it was aborted before. */
  abort(reason: Error): void {
    this.#signal.abort(reason);
  }
}

class OwnSignal implements CallSignal {
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
    const place = this.#listeners.indexOf(listener);
    if (place >= 0) this.#listeners.splice(place, 1);
  }
}

/** The signal as a real AbortSignal, for what takes no other, such as `fetch`. */
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
