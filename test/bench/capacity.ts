import type { Body } from './load.js';
import { openConnections } from './open-loop.js';
import type { Running } from './processes.js';

const CONNECTIONS = 64;
const WARM_UP = 1_000;

/** Requests per second that a gateway answers when no more come than are answered. */
export async function capacity(
  { ready }: Running,
  bodies: readonly Body[],
  seconds: number,
): Promise<number> {
  const connections = await openConnections(ready.url, CONNECTIONS);
  const ask = (i: number) => connections.send({ body: bodies[i % bodies.length] ?? '' });
  // First one after the other, until the engine has compiled what is hot: meanwhile it would refuse many.
  for (let i = 0; i < WARM_UP; i += 1) await ask(i);
  const answeredIn = async (ms: number): Promise<number> => {
    const until = performance.now() + ms;
    let answered = 0;
    const askOn = async (from: number): Promise<void> => {
      for (let i = from; performance.now() < until; i += CONNECTIONS) {
        const { status } = await ask(i);
        if (status === 200) answered += 1;
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => askOn(i)));
    return answered;
  };
  await answeredIn(seconds * 1_000);
  const answered = await answeredIn(seconds * 1_000);
  await connections.close();
  return answered / seconds;
}
