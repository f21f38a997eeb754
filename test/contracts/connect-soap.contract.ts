import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { startVies } from '../../sources/vies/stand-in/index.js';
import { createCallBudget } from '../../src/connect/call-budget.js';
import { soapReaderKind } from '../../src/connect/soap/soap-kind.js';
import { contractFile } from './openapi.js';

/** The published WSDL of VIES. */

let vies: StandIn;
let folder: string;
beforeAll(async () => {
  vies = await startVies(createWorld({ customers: 10 }));
  folder = await mkdtemp(join(tmpdir(), 'vies-'));
});
afterAll(async () => {
  await vies.close();
  await rm(folder, { recursive: true });
});

describe('connecting VIES', () => {
  it('checks a VAT number, which is sent in two parts', async () => {
    const sources = join(folder, 'sources');
    await mkdir(sources);
    const path = join(sources, 'vies.wsdl');
    await copyFile(contractFile('soap', 'vies', 'checkVatService.wsdl'), path);
    const budget = createCallBudget({ intervalMs: 0 });
    const reader = await soapReaderKind.open({
      ...{ source: 'vies', target: { what: path, path, text: await readFile(path, 'utf8') }, budget },
      environment: { VIES_URL: `${vies.settings(vies.url)['VIES_URL'] ?? ''}/checkVatService` },
      questions: { keys: () => Promise.resolve(['NL801234566B01']) },
    });
    const { candidates } = await reader.look();
    expect(candidates.map(({ name }) => name)).toContain('checkVat');
    const { draft } = await reader.measure({ name: 'checkVat', evidence: '' });
    expect(budget.used).toBeLessThanOrEqual(19);
    expect(draft.connect).toEqual({
      ...{ soap: '${VIES_URL}', wsdl: 'vies.wsdl' },
      ping: { operation: 'checkVat', parts: { countryCode: 'NL', vatNumber: '000000000' } },
    });
    expect(draft.calls['byVatNumber']?.call).toEqual({
      ...{ operation: 'checkVat', parts: { countryCode: '{key|first 2}', vatNumber: '{key|after 2}' } },
      ...{ notFound: { at: 'valid', is: false }, key: ['countryCode', 'vatNumber'], matching: 'lower' },
    });
    expect(draft.customer.fields.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'countryCode String',
      'vatNumber String',
      // The day has a zone, such as 2026-11-01+01:00.
      'requestDate String',
      'valid Boolean',
      'name String',
      'address String',
    ]);
  });
});
