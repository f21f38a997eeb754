import { expect, it } from 'vitest';
import { groupCommit, type Statement } from '../../src/webhooks/store-database.js';

const statement = (sql: string): Statement[] => [{ sql }];

/** Writes batches. Those that arrive during the first transaction are written as one group. */
async function writeGroup(execute: (statements: readonly Statement[]) => void) {
  const calls: string[][] = [];
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const run = groupCommit(
    async (statements) => {
      calls.push(statements.map(({ sql }) => sql));
      if (calls.length === 1) await begun;
      execute(statements);
      return statements.map(() => []);
    },
    { connections: 1, isOfStatement: (error) => error instanceof SyntaxError },
  );
  const all = ['first', 'a', 'b', 'c'].map((sql) => run(statement(sql)));
  begin();
  const outcomes = await Promise.allSettled(all);
  return { calls, outcomes: outcomes.map(({ status }) => status) };
}

it('writes each batch of a group separately if one of them may have caused the failure', async () => {
  const { calls, outcomes } = await writeGroup((statements) => {
    if (statements.some(({ sql }) => sql === 'b')) throw new SyntaxError('b is wrong');
  });
  expect(calls).toEqual([['first'], ['a', 'b', 'c'], ['a'], ['b'], ['c']]);
  expect(outcomes).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
});

it('does not retry the batches of a group if the database is unavailable, because each would wait for it', async () => {
  const { calls, outcomes } = await writeGroup(() => {
    throw new Error('connect ECONNREFUSED');
  });
  expect(calls).toEqual([['first'], ['a', 'b', 'c']]);
  expect(outcomes).toEqual(['rejected', 'rejected', 'rejected', 'rejected']);
});

it('returns the rows of its own statements to each batch of a group', async () => {
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const run = groupCommit(
    async (statements) => {
      await begun;
      return statements.map(({ sql }) => [{ sql }]);
    },
    { connections: 1 },
  );
  const rowsOf = (...names: string[]) => run(names.map((sql) => ({ sql })));
  const all = [rowsOf('first'), rowsOf('a', 'b'), rowsOf(), rowsOf('c'), rowsOf('d', 'e', 'f')];
  begin();
  expect((await Promise.all(all)).map((rows) => rows.flat().map(({ sql }) => sql))).toEqual([
    ['first'],
    ['a', 'b'],
    [],
    ['c'],
    ['d', 'e', 'f'],
  ]);
});

it('runs as many transactions at a time as it has connections, each of at most 200 batches', async () => {
  const sizes: number[] = [];
  let inFlight = 0;
  let most = 0;
  const run = groupCommit(
    async (statements) => {
      sizes.push(statements.length);
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise((resolve) => setImmediate(resolve));
      inFlight -= 1;
      return statements.map(() => []);
    },
    { connections: 2 },
  );
  await Promise.all(Array.from({ length: 2 + 401 }, () => run(statement('x'))));
  expect([most, sizes]).toEqual([2, [1, 1, 200, 200, 1]]);
  await run(statement('later'));
  expect(sizes).toHaveLength(6);
});
