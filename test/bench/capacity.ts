import type { Body } from './load.js';
import { openConnections } from './open-loop.js';
import type { Running } from './processes.js';

const CONNECTIONS = 64;
const WARM_UP = 1_000;

/** Requests per second that a gateway answers when each connection sends its next request after an answer. */
export async function capacity(
  { ready }: Running,
  bodies: readonly Body[],
  seconds: number,
): Promise<number> {
  const connections = await openConnections(ready.url, CONNECTIONS);
  const send = (i: number) => connections.send({ body: bodies[i % bodies.length] ?? '' });
  // Warm up with one request after another. Until hot code is compiled, the gateway would refuse many requests.
  for (let i = 0; i < WARM_UP; i += 1) await send(i);
  const answeredIn = async (ms: number): Promise<number> => {
    const until = performance.now() + ms;
    let answered = 0;
    const sendUntilEnd = async (from: number): Promise<void> => {
      for (let i = from; performance.now() < until; i += CONNECTIONS) {
        const { status } = await send(i);
        if (status === 200) answered += 1;
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => sendUntilEnd(i)));
    return answered;
  };
  await answeredIn(seconds * 1_000);
  const answered = await answeredIn(seconds * 1_000);
  await connections.close();
  return answered / seconds;
}
