import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createCallBudget } from '../../src/connect/call-budget.js';
import type { ReaderKind, Target } from '../../src/connect/reader.js';
import { chooseKind, readTarget } from '../../src/connect/target.js';
import { sendJson, startServer } from '../../src/testing/small-server.js';

const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-target-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const path = (name: string) => join(folder, name);
const nothing = () => Promise.resolve('');

it('reads an address, a file, a folder and standard input', async () => {
  writeFileSync(path('api.json'), '{}');
  writeFileSync(path('rows.parquet'), Buffer.from([80, 65, 82, 49, 0, 1]));
  expect(await readTarget('postgres://u:p@db/x', nothing)).toMatchObject({
    url: new URL('postgres://u:p@db/x'),
  });
  expect(await readTarget(path('api.json'), nothing)).toMatchObject({ path: path('api.json'), text: '{}' });
  expect(await readTarget(folder, nothing)).toMatchObject({ path: folder, isFolder: true });
  expect(await readTarget(path('rows.parquet'), nothing)).not.toHaveProperty('text');
  expect(await readTarget('-', () => Promise.resolve('curl x\n'))).toEqual({ what: '-', text: 'curl x' });
  expect(await readTarget('-', () => Promise.resolve('postgres://u:p@db/x\n'))).toEqual({
    what: '-',
    url: new URL('postgres://u:p@db/x'),
  });
  await expect(readTarget('-', nothing)).rejects.toThrow('Standard input is empty.');
});

/** A kind that recognises a text. */
const kindOf = (kind: ReaderKind['kind'], text: string): ReaderKind => ({
  kind,
  label: `a ${kind} system`,
  recognises: (target: Target) => target.text?.includes(text) === true,
  open: () => Promise.reject(new Error('It is not opened.')),
});

it('chooses the kind by the answer of an address, with one call and the credentials', async () => {
  const server = await startServer((_, response) => {
    sendJson(response, { openapi: '3.0.0' });
  });
  try {
    const budget = createCallBudget({ intervalMs: 0 });
    const url = new URL(`${server.url}/spec`);
    const { kind, target } = await chooseKind({
      readers: [kindOf('soap', 'definitions'), kindOf('rest', 'openapi')],
      ...{ source: 'shop', kind: undefined, budget },
      target: { what: url.href, url },
      environment: { SHOP_TOKEN: 'a-token' },
    });
    expect(kind.kind).toBe('rest');
    expect(target.text).toBe('{"openapi":"3.0.0"}');
    expect(budget.used).toBe(1);
    expect(server.seen).toMatchObject([
      { method: 'GET', url: '/spec', headers: { authorization: 'Bearer a-token' } },
    ]);
  } finally {
    await server.close();
  }
});

it('sends no call if the form or --kind shows the kind', async () => {
  const readers = [kindOf('soap', 'definitions'), kindOf('rest', 'openapi')];
  const options = { readers, source: 'shop', environment: {}, budget: createCallBudget() };
  const byForm = await chooseKind({
    ...options,
    kind: undefined,
    target: { what: '-', text: '<definitions>' },
  });
  expect(byForm.kind.kind).toBe('soap');
  const url = new URL('http://127.0.0.1:1/');
  const byName = await chooseKind({ ...options, kind: 'rest', target: { what: url.href, url } });
  expect(byName.kind.kind).toBe('rest');
  expect(options.budget.used).toBe(0);
});
