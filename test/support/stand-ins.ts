import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { createFaultControl, type FaultControl } from '../../sources/stand-ins/fault-control.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { variableOf } from '../../src/source-settings.js';

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

/** The systems that tests of the engine are about; more of them would say nothing more of it. */
export const FOUR_SYSTEMS: readonly StandIn['name'][] = [
  'order-system',
  'webshop',
  'contact-centre',
  'crm-hubspot',
];

/** A fault control of the test file's own, in front of the stand-ins that all files share or of the given ones. */
export function faultControl(
  own: readonly StandIn[] = [],
  names?: readonly StandIn['name'][],
): Promise<FaultControl> {
  const shared = inject('standIns').filter(
    ({ name }) => own.every((one) => one.name !== name) && names?.includes(name) !== false,
  );
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
  if (url.startsWith('file:')) return value.replace(fileURLToPath(url), fileURLToPath(front));
  return value.replace(new URL(url).host, new URL(front).host);
}

/** Settings by which a gateway in another process waits long for each system, however busy the machine is. */
export function patientSettings(): Record<string, string> {
  const limits = JSON.stringify({ timeout: '20 s' });
  return {
    DEADLINE_MS: '20000',
    ...Object.fromEntries(inject('standIns').map(({ name }) => [variableOf(name, 'LIMITS'), limits])),
  };
}

/** The settings that reach the stand-ins without a fault control between. */
export function directSettings(names?: readonly StandIn['name'][]): Record<string, string> {
  const running = inject('standIns').filter(({ name }) => names?.includes(name) !== false);
  return Object.assign({}, ...running.map(({ settings }) => settings)) as Record<string, string>;
}
