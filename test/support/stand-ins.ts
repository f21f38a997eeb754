import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { createFaultControl, type FaultControl } from '../../sources/stand-ins/fault-control.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { variableOf } from '../../src/source-settings.js';

/** The addresses of the stand-ins of this test run, from test/support/start-stand-ins.ts. */
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

/** The systems of engine tests: four of them cover the engine. */
export const FOUR_SYSTEMS: readonly StandIn['name'][] = [
  'order-system',
  'webshop',
  'contact-centre',
  'crm-hubspot',
];

/** Starts a fault control for one test file, in front of the shared stand-ins or the given ones. */
export function faultControl(
  standIns: readonly StandIn[] = [],
  names?: readonly StandIn['name'][],
): Promise<FaultControl> {
  const shared = inject('standIns').filter(
    ({ name }) => standIns.every((standIn) => standIn.name !== name) && names?.includes(name) !== false,
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
  return createFaultControl([...running, ...standIns]);
}

/** Replaces host and port in an address of the stand-in. Other values stay unchanged. */
function withHost(value: string, url: string, front: string): string {
  if (url.startsWith('file:')) return value.replace(fileURLToPath(url), fileURLToPath(front));
  return value.replace(new URL(url).host, new URL(front).host);
}

/** Settings of a gateway in another process: long timeouts, for a busy machine. */
export function patientSettings(): Record<string, string> {
  const limits = JSON.stringify({ timeout: '20 s' });
  return {
    DEADLINE_MS: '20000',
    ...Object.fromEntries(inject('standIns').map(({ name }) => [variableOf(name, 'LIMITS'), limits])),
  };
}

/** The settings for direct connections to the stand-ins, without the fault control. */
export function directSettings(names?: readonly StandIn['name'][]): Record<string, string> {
  const running = inject('standIns').filter(({ name }) => names?.includes(name) !== false);
  return Object.assign({}, ...running.map(({ settings }) => settings)) as Record<string, string>;
}
