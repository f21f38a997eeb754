import type { Redis } from 'ioredis';
import { describe, expect, it, vi } from 'vitest';
import { isFull, isRefusal, numberIn, prepareLink } from '../../../src/cache/shared-cache/link.js';
import { GREET, READ, SCRIPTS, WRITE } from '../../../src/cache/shared-cache/scripts.js';
import { refusal } from './fake-link.js';

const STATE = 'stekkerdoos:1:state';
const LAST_SINCE = 41;

/** A Redis that answers scripts with `callBuffer`, and pipelines of scripts with `exec`. */
function fakeRedis() {
  const callBuffer = vi.fn<(...parameters: unknown[]) => Promise<unknown>>(() =>
    Promise.resolve(Buffer.from('42')),
  );
  const script = vi.fn(() => Promise.resolve('sha'));
  const ping = vi.fn(() => Promise.resolve('PONG'));
  const queued: unknown[][] = [];
  const exec = vi.fn<() => Promise<[Error | null, unknown][] | null>>(() => Promise.resolve(null));
  const pipeline = () => ({ callBuffer: (...parameters: unknown[]) => queued.push(parameters), exec });
  const commands = { callBuffer, script, ping, pipeline } as unknown as Redis;
  const drop = vi.fn();
  return { callBuffer, script, ping, queued, exec, prepare: prepareLinkTo };

  function prepareLinkTo() {
    return prepareLink({ commands, runId: 'run id', drop }, () => LAST_SINCE);
  }
}

const unknownScript = refusal('NOSCRIPT No matching script.');

describe('a link', () => {
  it('has loaded all scripts, and its number comes from GREET', async () => {
    const { prepare, script, callBuffer } = fakeRedis();
    const { since, greetingMs } = await prepare();
    expect(since).toBe(42);
    expect(greetingMs).toBeGreaterThanOrEqual(0);
    expect(script.mock.calls).toEqual(SCRIPTS.map(({ source }) => ['LOAD', source]));
    expect(callBuffer.mock.calls).toEqual([['EVALSHA', GREET.sha, 1, STATE, 'run id', LAST_SINCE]]);
    expect(new Set(SCRIPTS.map(({ sha }) => sha)).size).toBe(7);
  });

  it('is not opened if GREET returns no number', async () => {
    const { prepare, callBuffer } = fakeRedis();
    callBuffer.mockResolvedValue('OK');
    await expect(prepare()).rejects.toThrow('no number');
  });

  it('is not opened if a script cannot be loaded', async () => {
    const { prepare, script } = fakeRedis();
    script.mockRejectedValue(refusal('NOPERM'));
    await expect(prepare()).rejects.toThrow('NOPERM');
  });

  it('sends a script as text only if Redis has lost it', async () => {
    const { prepare, callBuffer } = fakeRedis();
    const link = await prepare();
    callBuffer.mockClear();
    callBuffer.mockRejectedValueOnce(unknownScript).mockResolvedValueOnce('result');
    expect(await link.run(READ, 'a', 'b')).toBe('result');
    expect(callBuffer.mock.calls).toEqual([
      ['EVALSHA', READ.sha, 1, STATE, 'a', 'b'],
      ['EVAL', READ.source, 1, STATE, 'a', 'b'],
    ]);
    callBuffer.mockClear();
    callBuffer.mockRejectedValueOnce(refusal('OOM'));
    await expect(link.run(READ, 'a')).rejects.toThrow('OOM');
    callBuffer.mockRejectedValueOnce(new Error('NOSCRIPT is not from Redis'));
    await expect(link.run(READ, 'a')).rejects.toThrow('not from Redis');
    expect(callBuffer).toHaveBeenCalledTimes(2);
  });

  it('runs several calls in one round trip, and returns the error of each, in their order', async () => {
    const { prepare, callBuffer, queued, exec } = fakeRedis();
    const link = await prepare();
    callBuffer.mockClear();
    const [full, again] = [refusal('OOM'), refusal('READONLY')];
    exec.mockResolvedValue([
      [null, 1],
      [unknownScript, undefined],
      [full, undefined],
      [unknownScript, undefined],
      [unknownScript, undefined],
    ]);
    callBuffer.mockImplementation((_command, _script, _count, _state, key) =>
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the driver may reject with anything
      key === 'd' ? Promise.reject(again) : key === 'e' ? Promise.reject('text') : Promise.resolve(1),
    );
    const errors = await link.runAll(WRITE, [['a', 1], ['b', 2], ['c'], ['d'], ['e']]);
    expect(errors).toEqual([undefined, undefined, full, again, new Error('text')]);
    expect(queued).toEqual(
      [['a', 1], ['b', 2], ['c'], ['d'], ['e']].map((call) => ['EVALSHA', WRITE.sha, 1, STATE, ...call]),
    );
    expect(callBuffer.mock.calls.map(([, , , , ...call]) => call)).toEqual([['b', 2], ['d'], ['e']]);
    exec.mockResolvedValue(null);
    expect(await link.runAll(WRITE, [])).toEqual([]);
  });

  it('pings Redis', async () => {
    const { prepare, ping } = fakeRedis();
    const link = await prepare();
    expect(ping).not.toHaveBeenCalled();
    ping.mockRejectedValueOnce(new Error('lost'));
    await expect(link.ping()).rejects.toThrow('lost');
    await link.ping();
    expect(ping).toHaveBeenCalledTimes(2);
  });
});

it.each<[unknown, isRefused: boolean, isFull: boolean]>([
  [refusal('OOM command not allowed when used memory is over maxmemory'), true, true],
  [refusal('MISCONF Redis is configured to save RDB snapshots'), true, true],
  [refusal('READONLY You cannot write against a read only replica.'), true, false],
  [refusal('ERR not an OOM'), true, false],
  [new Error('OOM'), false, false],
  ['OOM', false, false],
])('an error is a refusal, or a full Redis, only if Redis says so: %s', (error, isRefused, isOfFull) => {
  expect([isRefusal(error), isFull(error)]).toEqual([isRefused, isOfFull]);
});

it.each<[unknown, number | undefined]>([
  [Buffer.from('42'), 42],
  [42, 42],
  [0, 0],
  [Buffer.from('9007199254740993'), undefined],
  [Buffer.from('1.5'), undefined],
  [Buffer.from('x'), undefined],
  ['42', undefined],
  [null, undefined],
])('a number of Redis is exact: %s', (reply, number) => {
  expect(numberIn(reply)).toBe(number);
});
