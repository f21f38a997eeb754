import type { Dispatcher, Pool } from 'undici';
import type { CallSignal } from '../v8/call-signal.js';

export type AnswerHeaders = Dispatcher.ResponseData['headers'];

/** What a system sent. */
export interface Exchanged {
  status: number;
  headers: AnswerHeaders;
  /** The whole body, or why there is none: it was longer than it may be, or it broke off. */
  body: Buffer | 'too long' | Error;
}

export interface ExchangeOptions {
  signal: CallSignal;
  /** Of a longer body nothing is read any more, and the connection ends. */
  maxBytes: (status: number) => number;
}

/**
 * Sends one request and reads the answer. Without a stream for each body, which would take more time than all else that
 * is done with a short answer. Rejects when there is no answer at all.
 */
export function exchange(
  pool: Pool,
  request: Dispatcher.DispatchOptions,
  { signal, maxBytes }: ExchangeOptions,
): Promise<Exchanged> {
  return new Promise((resolve, reject) => {
    let head: Pick<Exchanged, 'status' | 'headers'> | undefined;
    let most = 0;
    let size = 0;
    const chunks: Buffer[] = [];
    let abort: ((reason: Error) => void) | undefined;
    const give = () => {
      abort?.(signal.reason as Error);
    };
    const end = (body: Exchanged['body']) => {
      signal.removeEventListener('abort', give);
      if (head === undefined) reject(body instanceof Error ? body : new Error('There was no answer.'));
      else resolve({ ...head, body });
    };
    signal.addEventListener('abort', give);
    pool.dispatch(request, {
      onRequestStart: (controller) => {
        abort = (reason) => {
          controller.abort(reason);
        };
        if (signal.aborted) give();
      },
      onResponseStart: (_, status, headers) => {
        // What comes before the answer itself, such as 103.
        if (status < 200) return;
        head = { status, headers };
        most = maxBytes(status);
      },
      onResponseData: (controller, chunk) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size <= most) return;
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
