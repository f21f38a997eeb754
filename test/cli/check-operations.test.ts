import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compiledFolder } from '../support/compiled.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-check-operations-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Runs the operation check of `npm run check` on folders of the test. */
async function check(files: Record<string, string>) {
  const sync = mkdtempSync(join(folder, 'of-one-test-'));
  for (const name of ['operations', 'triggers', 'audiences']) mkdirSync(join(sync, name));
  for (const [path, content] of Object.entries(files)) writeFileSync(join(sync, path), content);
  const child = spawn(
    process.execPath,
    [
      join(await compiledFolder(), 'src/cli/check-operations.js'),
      ...['--operations', join(sync, 'operations'), '--triggers', join(sync, 'triggers')],
      ...['--audiences', join(sync, 'audiences')],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const [error, [code]] = await Promise.all([
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { problems: error.replaceAll(`${sync}/`, '').split('\n').filter(Boolean), code };
}

test('accepts operations and triggers that fit the schema of all sources', async () => {
  const { problems, code } = await check({
    'operations/card.graphql': 'query Card($by: CustomerKey!) { customer(by: $by) { name } }',
    'triggers/paid.graphql': 'subscription @deliver(to: "any", purpose: SERVICE) { orderPaid { recordId } }',
    'audiences/buyers.graphql':
      'query Buyers { audience(where: { orderCount: { atLeast: 1 } }) { nodes { id } } }',
  });
  expect({ problems, code }).toEqual({ problems: [], code: 0 });
});

test('fails for each operation and trigger with a misspelling, and names its file', async () => {
  const { problems, code } = await check({
    'operations/card.graphql': 'query Card($by: CustomerKey!) { customer(by: $by) { nmae } }',
    'operations/right.graphql': 'query Right { __typename }',
    'triggers/paid.graphql':
      '\nsubscription @deliver(to: "any", purpose: SERVICE) { orderPayed { recordId } }',
    'audiences/buyers.graphql':
      'query Buyers {\n audience(where: { ordrCount: { atLeast: 1 } }) { nodes { id } } }',
  });
  expect(problems).toEqual([
    expect.stringMatching(
      /^operations\/card\.graphql: Cannot query field "nmae" on type "Customer"\. Did you mean "name"/,
    ),
    expect.stringMatching(
      /^triggers\/paid\.graphql line 2: Cannot query field "orderPayed" on type "Subscription"/,
    ),
    expect.stringMatching(/^audiences\/buyers\.graphql line 2: Field "ordrCount" is not defined/),
  ]);
  expect(code).toBe(1);
});

test('fails for a file that cannot be read as an operation', async () => {
  const { problems, code } = await check({ 'operations/broken.graphql': '\nquery {' });
  expect(problems).toEqual([expect.stringMatching(/operations\/broken\.graphql line 2: Syntax Error/)]);
  expect(code).toBe(1);
});
