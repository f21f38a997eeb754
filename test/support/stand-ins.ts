import { inject } from 'vitest';
import { createFaultControl, type FaultControl } from '../../sources/stand-ins/fault-control.js';
import type { StandIn } from '../../sources/stand-ins/world.js';

/** Where the stand-ins of this test run listen, told by test/support/start-stand-ins.ts. */
export interface RunningStandIn {
  name: StandIn['name'];
  url: string;
  settings: Record<string, string>;
}

declare module 'vitest' {
  export interface ProvidedContext {
    standIns: RunningStandIn[];
    customers: number;
  }
}

/** A fault control of the test file's own, in front of the stand-ins that all files share or of the given ones. */
export function faultControl(own: readonly StandIn[] = []): Promise<FaultControl> {
  const shared = inject('standIns').filter(({ name }) => own.every((one) => one.name !== name));
  const running = shared.map(({ name, url, settings }): StandIn => ({
    name,
    url,
    settings: (front) =>
      Object.fromEntries(
        Object.entries(settings).map(([variable, value]) => [variable, withHost(value, url, front)]),
      ),
    close: () => Promise.resolve(),
  }));
  return createFaultControl([...running, ...own]);
}

/** The setting's value with another host and port in it; a value that is no address of the stand-in stays as it is. */
function withHost(value: string, url: string, front: string): string {
  return value.replace(new URL(url).host, new URL(front).host);
}

/** The settings that reach the stand-ins without a fault control between. */
export function directSettings(): Record<string, string> {
  return Object.assign({}, ...inject('standIns').map(({ settings }) => settings)) as Record<string, string>;
}
