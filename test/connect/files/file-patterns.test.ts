import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { readFolder } from '../../../src/connect/files/file-patterns.js';

let folder: string | undefined;
afterEach(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true });
  folder = undefined;
});

async function patternsOf(paths: readonly string[]) {
  folder = await mkdtemp(join(tmpdir(), 'stekkerdoos-patterns-'));
  for (const path of paths) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), 'a\n1\n');
  }
  const { patterns, refused } = await readFolder(folder);
  return { tables: Object.fromEntries(patterns.map(({ name, files }) => [name, files])), refused, patterns };
}

describe('the files of a folder', () => {
  it.each([
    [['customers.csv'], { customers: 'customers.csv' }],
    [['orders-2026-01.csv', 'orders-2026-02.csv'], { orders: 'orders-*.csv' }],
    [['2025/orders.json', '2026/orders.json'], { orders: '*/orders.json' }],
    [
      ['visits/day=2026-01-01/part-0.parquet', 'visits/day=2026-01-02/part-0.parquet'],
      { visits: 'visits/day=*/part-*.parquet' },
    ],
    [['visits/day=2026-01-01/part-0.parquet'], { visits: 'visits/day=*/part-*.parquet' }],
    [
      ['order.csv', 'Group.csv', '2026.csv'],
      { order_rows: 'order.csv', group_rows: 'Group.csv', table: '2026.csv' },
    ],
    [['a/clients.csv', 'b/clients.csv.gz'], { clients: 'a/clients.csv', clients_2: 'b/clients.csv.gz' }],
    [['readme.txt', 'data.xlsx', '.hidden.csv', '.git/x.csv'], {}],
    [
      ['orders-1.csv', 'orders-2.csv', 'orders-lines.csv'],
      { orders: 'orders-1.csv', orders_2: 'orders-2.csv', orders_lines: 'orders-lines.csv' },
    ],
  ])('form tables: %s', async (paths, tables) => {
    expect((await patternsOf(paths)).tables).toEqual(tables);
  });

  it('are left out if a pattern would match others too', async () => {
    const { tables, refused } = await patternsOf(['[a].csv', 'b?.csv', 'c.CSV', "d'e.csv"]);
    expect(tables).toEqual({ d_e: "d'e.csv" });
    expect(refused.toSorted()).toEqual(['[a].csv', 'b?.csv', 'c.CSV']);
  });

  it('are not read through symbolic links to other folders', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'stekkerdoos-outside-'));
    await writeFile(join(outside, 'secret.csv'), 'a\n1\n');
    await patternsOf(['customers.csv']);
    await symlink(outside, join(folder ?? '', 'link'));
    await symlink(join(outside, 'secret.csv'), join(folder ?? '', 'secret.csv'));
    const { patterns } = await readFolder(folder ?? '');
    expect(patterns.map(({ files }) => files)).toEqual(['customers.csv']);
    await rm(outside, { recursive: true });
  });

  it('have a day if a part of their path is a date', async () => {
    const days = Array.from({ length: 3 }, (_, i) => `log/day=2026-01-0${i + 1}/kind=web/x.json`);
    const { patterns } = await patternsOf(days);
    expect(patterns[0]).toMatchObject({ files: 'log/day=*/kind=*/x.json', day: { column: 'day', count: 3 } });
  });
});
