import { Session } from 'node:inspector/promises';

// V8 counts only in functions that it compiles later. Import this module before the modules to count.
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

/**
 * Counts the blocks of code in a folder of `src` that V8 executes during the work. The number does not depend on the machine.
 * A call of a built-in function such as `includes` is one step.
 */
export async function countSteps(folder: string, work: () => Promise<unknown>): Promise<number> {
  await session.post('Profiler.takePreciseCoverage');
  await work();
  const { result } = await session.post('Profiler.takePreciseCoverage');
  return result
    .filter(({ url }) => url.includes(`/src/${folder}/`))
    .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges))
    .reduce((sum, { count }) => sum + count, 0);
}
