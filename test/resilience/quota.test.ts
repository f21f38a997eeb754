import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createQuota, type QuotaStore } from '../../src/resilience/quota.js';

describe("a contract's quota", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.UTC(2026, 10, 24, 23, 59, 50) });
  });
  afterEach(() => vi.useRealTimers());

  it('is used up after its number of calls, until the next day begins in UTC', async () => {
    const quota = createQuota('kvk', { calls: 2, per: 'day' });
    expect(await quota.count()).toBe(true);
    expect(await quota.count()).toBe(true);
    expect(quota.spentForMs).toBe(0);
    expect(await quota.count()).toBe(false);
    expect(quota.spentForMs).toBe(10_000);
    vi.setSystemTime(Date.UTC(2026, 10, 25));
    expect(quota.spentForMs).toBe(0);
    expect(await quota.count()).toBe(true);
  });

  it('counts calendar months', async () => {
    vi.setSystemTime(Date.UTC(2026, 11, 31, 23, 59, 59));
    const quota = createQuota('kvk', { calls: 1, per: 'month' });
    await quota.count();
    await quota.count();
    expect(quota.spentForMs).toBe(1_000);
  });

  it('is counted together with the other instances, in one window', async () => {
    const count = vi.fn<QuotaStore['count']>().mockResolvedValueOnce(300).mockResolvedValueOnce(301);
    const quota = createQuota('kvk', { calls: 300, per: 'month' }, { count });
    expect(await quota.count()).toBe(true);
    expect(await quota.count()).toBe(false);
    expect(count).toHaveBeenCalledWith('kvk', '2026-11', 6 * 86_400_000 + 10_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('counts locally from the last total if the store fails', async () => {
    const count = vi
      .fn<QuotaStore['count']>()
      .mockResolvedValueOnce(298)
      .mockRejectedValue(new Error('connection refused'));
    const quota = createQuota('kvk', { calls: 300, per: 'day' }, { count });
    const outcomes = [];
    for (let i = 0; i < 4; i += 1) outcomes.push(await quota.count());
    expect(outcomes).toEqual([true, true, true, false]);
  });

  it('counts locally if the store throws synchronously', async () => {
    const count = () => {
      throw new Error('closed');
    };
    expect(await createQuota('kvk', { calls: 1, per: 'day' }, { count }).count()).toBe(true);
  });

  it('waits 20 ms for a slow store, and uses its late result for later calls', async () => {
    let resolveCount: (total: number) => void = () => undefined;
    const count = () => new Promise<number>((resolve) => (resolveCount = resolve));
    const quota = createQuota('kvk', { calls: 300, per: 'day' }, { count });
    const first = quota.count();
    await vi.advanceTimersByTimeAsync(20);
    expect(await first).toBe(true);
    resolveCount(300);
    await vi.advanceTimersByTimeAsync(0);
    const second = quota.count();
    await vi.advanceTimersByTimeAsync(20);
    expect(await second).toBe(false);
  });

  it('ignores a count of yesterday that the store returns late', async () => {
    let answer: (total: number) => void = () => undefined;
    const count = vi
      .fn<QuotaStore['count']>()
      .mockImplementationOnce(() => new Promise((resolve) => (answer = resolve)))
      .mockRejectedValue(new Error('connection refused'));
    const quota = createQuota('kvk', { calls: 300, per: 'day' }, { count });
    const yesterday = quota.count();
    await vi.advanceTimersByTimeAsync(20);
    expect(await yesterday).toBe(true);
    vi.setSystemTime(Date.UTC(2026, 10, 25));
    expect(quota.spentForMs).toBe(0);
    answer(300);
    await vi.advanceTimersByTimeAsync(0);
    expect(await quota.count()).toBe(true);
    expect(quota.spentForMs).toBe(0);
  });

  it('is not used up today because of an excess call of yesterday', async () => {
    let answer: (total: number) => void = () => undefined;
    const count = () => new Promise<number>((resolve) => (answer = resolve));
    const quota = createQuota('kvk', { calls: 300, per: 'day' }, { count });
    const yesterday = quota.count();
    vi.setSystemTime(Date.UTC(2026, 10, 25));
    expect(quota.spentForMs).toBe(0);
    answer(301);
    expect(await yesterday).toBe(false);
    expect(quota.spentForMs).toBe(0);
  });
});
