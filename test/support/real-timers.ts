import { setInterval, setTimeout } from 'node:timers';
import { afterAll } from 'vitest';

// The files of a worker share its timers. In a later file, a timer that is still imitated never fires, and its tests time out.
afterAll(() => {
  if (globalThis.setTimeout !== setTimeout || globalThis.setInterval !== setInterval)
    throw new Error('This file leaves imitated timers behind. Restore its spies before vi.useRealTimers().');
});
