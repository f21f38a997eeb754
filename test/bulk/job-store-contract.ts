import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { JobStore, type LeasedPart } from '../../src/bulk/job-store.js';
import type { Database } from '../../src/webhooks/store-database.js';

const START = Date.parse('2026-03-02T09:00:00Z');
const MINUTE = 60_000;
const HOUR = 3_600_000;
const OWNER = 'the owner of the jobs';

/** Two connections to one database, as of two instances. */
export interface TwoConnections {
  databases: readonly [Database, Database];
  /** All data on disk, as text. */
  raw(): Promise<string>;
  close(): Promise<void>;
}

/** Tests the contract of jobs that applies to every database. */
export function jobStoreContract(open: () => Promise<TwoConnections>): void {
  let now = START;
  let opened: TwoConnections;
  let [store, other]: JobStore[] = [];

  beforeEach(async () => {
    now = START;
    opened = await open();
    const stores = opened.databases.map((database) => JobStore.open(database, 'a secret', () => now));
    [store, other] = await Promise.all(stores);
  });
  afterEach(() => opened.close());

  const first = () => store ?? raise();
  const second = () => other ?? raise();

  /** Creates a job with parts of one line. */
  async function queued(id: string, parts: number): Promise<void> {
    await first().create({ id, owner: OWNER, publicKey: 'public', retainMs: HOUR, maxPerOwner: 3 });
    for (let part = 1; part <= parts; part += 1) await first().addPart(id, part, 1, `${id} line ${part}`);
    await first().queue(id, { request: `request of ${id}`, lines: parts, parts });
  }

  const finish = (from: JobStore, leased: LeasedPart, sealed = `result ${leased.part}`) =>
    from.finish(leased, { sealed, failed: 0, errors: [] });
  const stateOf = async (id: string) => (await second().find(id, OWNER))?.state;
  const namesOf = (leased: readonly LeasedPart[]) => leased.map(({ job, part }) => `${job}/${part}`);

  test('states follow from what happens to the job', async () => {
    await first().create({ id: 'a', owner: OWNER, publicKey: 'public', retainMs: HOUR, maxPerOwner: 3 });
    expect(await stateOf('a')).toBeUndefined();
    await first().addPart('a', 1, 1, 'line');
    await first().addPart('a', 2, 1, 'line');
    expect(await second().lease(9, MINUTE)).toEqual([]);
    await first().queue('a', { request: 'r', lines: 2, parts: 2 });
    expect(await stateOf('a')).toBe('queued');
    await first().pause('a');
    expect(await stateOf('a')).toBe('paused');
    expect(await second().lease(9, MINUTE)).toEqual([]);
    await first().resume('a');
    expect(await stateOf('a')).toBe('queued');
    const [leased = raise()] = await second().lease(1, MINUTE);
    expect(await stateOf('a')).toBe('running');
    await first().pause('a');
    // A part in progress is finished.
    await finish(second(), leased);
    expect(await stateOf('a')).toBe('paused');
    await first().resume('a');
    expect(await stateOf('a')).toBe('running');
    for (const item of await first().lease(9, MINUTE)) await finish(first(), item);
    expect(await stateOf('a')).toBe('finished');
    await first().cancel('a');
    expect(await stateOf('a')).toBe('cancelled');
    expect(await second().result('a', 1)).toBeUndefined();
  });

  test('each part is leased by one instance, and the earliest parts of all jobs are first', async () => {
    await queued('a', 3);
    await queued('b', 1);
    const [mine, theirs] = await Promise.all([first().lease(2, MINUTE), second().lease(2, MINUTE)]);
    const all = namesOf([...mine, ...theirs]);
    expect(all.toSorted()).toEqual(['a/1', 'a/2', 'a/3', 'b/1']);
    expect(mine.find(({ job, part }) => job === 'a' && part === 1) ?? theirs[0]).toMatchObject({
      content: { lines: expect.stringContaining('line 1') as unknown },
      publicKey: 'public',
    });
    expect(await first().lease(9, MINUTE)).toEqual([]);
  });

  test('an instance that died loses its parts, and a late result of it is ignored', async () => {
    await queued('a', 2);
    const [dead = raise(), renewed = raise()] = await first().lease(2, MINUTE);
    now += MINUTE - 1;
    expect(await second().lease(9, MINUTE)).toEqual([]);
    expect(await first().renew(renewed, MINUTE)).toBe(true);
    now += 1;
    const [taken = raise(), ...others] = await second().lease(9, MINUTE);
    expect(others).toEqual([]);
    expect(taken).toMatchObject({ job: 'a', part: dead.part, attempts: 2, content: dead.content });
    expect(await first().renew(dead, MINUTE)).toBe(false);
    await finish(first(), dead, 'late');
    expect(await second().result('a', dead.part)).toBeUndefined();
    await finish(second(), taken, 'right');
    await finish(first(), dead, 'later');
    expect(await first().result('a', dead.part)).toBe('right');
    expect(await stateOf('a')).toBe('running');
    await finish(first(), renewed);
    expect(await stateOf('a')).toBe('finished');
  });

  test('a part that is returned can be leased at once, and the attempt does not count', async () => {
    await queued('a', 1);
    const [leased = raise()] = await first().lease(1, MINUTE);
    await first().release(leased);
    expect(await second().lease(1, MINUTE)).toMatchObject([{ attempts: 1 }]);
  });

  test('the job is finished if two instances finish its last parts at the same time', async () => {
    for (const id of ['a', 'b', 'c']) {
      await queued(id, 2);
      const [mine = raise()] = await first().lease(1, MINUTE);
      const [theirs = raise()] = await second().lease(1, MINUTE);
      await Promise.all([finish(first(), mine), finish(second(), theirs)]);
      expect(await stateOf(id)).toBe('finished');
    }
  });

  test('progress counts lines, parts, errors, and the parts that can be fetched', async () => {
    await queued('a', 3);
    const [part1 = raise(), , part3 = raise()] = await first().lease(9, MINUTE);
    const errors = [{ code: 'SOURCE_UNAVAILABLE', source: 'shop', lines: 1 }];
    await first().finish(part3, { sealed: 's', failed: 1, errors });
    const job = { id: 'a', parts: 3 };
    expect(await second().progress(job)).toMatchObject({ answered: 1, failed: 1, readyParts: 0, errors });
    now += MINUTE;
    await first().finish(part1, { sealed: 's', failed: 1, errors });
    expect(await second().progress(job)).toEqual({
      ...{ answered: 2, failed: 2, finishedParts: 2, readyParts: 1, recent: 1 },
      errors: [{ code: 'SOURCE_UNAVAILABLE', source: 'shop', lines: 2 }],
    });
  });

  test('a failed job has only its finished parts', async () => {
    await queued('a', 2);
    const [part1 = raise(), part2 = raise()] = await first().lease(9, MINUTE);
    await finish(first(), part1);
    await first().fail('a', 'a reason');
    await finish(first(), part2);
    expect(await second().find('a', OWNER)).toMatchObject({ state: 'failed', reason: 'a reason' });
    expect(await second().progress({ id: 'a', parts: 2 })).toMatchObject({ finishedParts: 1, readyParts: 1 });
  });

  test('only the owner finds a job, and has a limited number', async () => {
    for (const id of ['a', 'b', 'c']) await queued(id, 1);
    const job = { id: 'd', publicKey: 'public', retainMs: HOUR, maxPerOwner: 3 };
    expect(await first().find('a', 'other')).toBeUndefined();
    expect(await first().create({ ...job, owner: OWNER })).toBe(false);
    expect(await first().create({ ...job, owner: 'other' })).toBe(true);
    await first().cancel('a');
    expect(await second().create({ ...job, id: 'e', owner: OWNER })).toBe(true);
  });

  test('nothing of a job is readable on disk, and nothing remains after its time', async () => {
    await queued('a', 2);
    const [part1 = raise()] = await first().lease(1, MINUTE);
    await finish(first(), part1, 'sealed result');
    const before = await opened.raw();
    expect(before).toContain('sealed result');
    for (const text of ['line 1', 'line 2', 'request of', OWNER]) expect(before).not.toContain(text);
    now += HOUR;
    expect(await stateOf('a')).toBe('expired');
    expect(await second().lease(9, MINUTE)).toEqual([]);
    await second().sweep();
    expect(await first().result('a', 1)).toBeUndefined();
    expect(await first().find('a', OWNER)).toMatchObject({ state: 'expired', request: undefined });
    now += 24 * HOUR;
    await second().sweep();
    expect(await first().find('a', OWNER)).toBeUndefined();
  });

  test('an interrupted upload is deleted', async () => {
    await first().create({ id: 'a', owner: OWNER, publicKey: 'public', retainMs: HOUR, maxPerOwner: 1 });
    await first().addPart('a', 1, 1, 'line');
    now += 10 * MINUTE;
    await second().sweep();
    expect(
      await second().create({ id: 'b', owner: OWNER, publicKey: 'p', retainMs: HOUR, maxPerOwner: 1 }),
    ).toBe(true);
  });

  test('with another secret, the lines cannot be read', async () => {
    await queued('a', 1);
    const stranger = await JobStore.open(opened.databases[0], createHash('sha256').digest('hex'), () => now);
    expect(await stranger.lease(1, MINUTE)).toMatchObject([{ content: undefined }]);
  });
}

function raise(): never {
  throw new Error('It does not exist.');
}
