import type { Dispatcher, Pool } from 'undici';
import type { CallSignal } from '../v8/call-signal.js';

export type AnswerHeaders = Dispatcher.ResponseData['headers'];

/** The answer of a system. */
export interface Exchanged {
  status: number;
  headers: AnswerHeaders;
  /** The complete body; `too long` if it exceeds the bound; an error if the connection broke. */
  body: Buffer | 'too long' | Error;
}

export interface ExchangeOptions {
  signal: CallSignal;
  /** Bound on the body by status. Reading a longer body stops, and the connection is closed. */
  maxBytes: (status: number) => number;
}

/**
 * Sends one request and reads the answer. It uses no stream for the body, because a stream takes more time than all
 * other work on a short answer. Rejects if there is no answer.
 */
export function exchange(
  pool: Pool,
  request: Dispatcher.DispatchOptions,
  { signal, maxBytes }: ExchangeOptions,
): Promise<Exchanged> {
  return new Promise((resolve, reject) => {
    let head: Pick<Exchanged, 'status' | 'headers'> | undefined;
    let maxSize = 0;
    let size = 0;
    const chunks: Buffer[] = [];
    let abort: ((reason: Error) => void) | undefined;
    const abortWithReason = () => {
      abort?.(signal.reason as Error);
    };
    const end = (body: Exchanged['body']) => {
      signal.removeEventListener('abort', abortWithReason);
      if (head === undefined) reject(body instanceof Error ? body : new Error('There was no answer.'));
      else resolve({ ...head, body });
    };
    signal.addEventListener('abort', abortWithReason);
    pool.dispatch(request, {
      onRequestStart: (controller) => {
        abort = (reason) => {
          controller.abort(reason);
        };
        if (signal.aborted) abortWithReason();
      },
      onResponseStart: (_, status, headers) => {
        // Interim responses, such as 103, precede the answer.
        if (status < 200) return;
        head = { status, headers };
        maxSize = maxBytes(status);
      },
      onResponseData: (controller, chunk) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size <= maxSize) return;
        end('too long');
        controller.abort(new Error('The answer is too long.'));
      },
      onResponseEnd: () => {
        const [only] = chunks;
        end(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks));
      },
      onResponseError: (_, error) => {
        end(error);
      },
    });
  });
}
