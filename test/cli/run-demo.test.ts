import { EventEmitter } from 'node:events';
import { afterEach, expect, it, vi } from 'vitest';
import { runDemo } from '../../src/cli/run-demo.js';

const closed: string[] = vi.hoisted(() => []);

/** A part of the demo that records only its name when it is closed. */
const part = vi.hoisted(() => (name: string) => ({
  url: 'http://127.0.0.1',
  settings: {},
  standIns: [],
  close: () => Promise.resolve(void closed.push(name)),
}));

vi.mock('../../sources/stand-ins/index.js', () => ({
  startStandIns: () => Promise.resolve(part('systems')),
}));
vi.mock('../../sources/stand-ins/fault-control.js', () => ({
  createFaultControl: () => Promise.resolve(part('fault control')),
}));
vi.mock('../../sources/stand-ins/campaign-tool.js', () => ({
  startCampaignTool: () => Promise.resolve(part('campaign tool')),
}));
vi.mock('node:child_process', () => ({
  fork: () => {
    const gateway = new EventEmitter();
    setImmediate(() => gateway.emit('message', 'http://127.0.0.1'));
    const kill = () => {
      closed.push('gateway');
      return gateway.emit('exit', 0);
    };
    return Object.assign(gateway, { exitCode: null, signalCode: null, kill });
  },
}));

afterEach(() => {
  vi.restoreAllMocks();
});

it('the demo stops the gateway before the systems that the gateway uses', async () => {
  const onSignal = vi.spyOn(process, 'on').mockReturnValue(process);
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  await runDemo('1');
  const [, stop] = onSignal.mock.calls.find(([signal]) => String(signal) === 'SIGTERM') ?? [];
  stop?.();
  await vi.waitFor(() => {
    expect(closed).toEqual(['gateway', 'campaign tool', 'fault control', 'systems']);
  });
});
