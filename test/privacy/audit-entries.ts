import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import type { AuditEntry } from '../../src/privacy/audit-line.js';
import { createAuditLog, type AuditLogOptions } from '../../src/privacy/audit-log.js';

export const SECRET = 'a secret of the audit tests';

/** Creates a folder that is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-audit-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

export function entry(about: Partial<AuditEntry> = {}): AuditEntry {
  return {
    requestId: 'r-1',
    caller: 'shop',
    purpose: 'SERVICE',
    operation: { name: 'Orders', id: 'orders' },
    customers: ['sealed-1'],
    categories: { granted: ['ORDERS'], masked: [], withheld: [] },
    sources: { 'order-system': 'live' },
    cached: false,
    ...about,
  };
}

/**
 * Entries with difficult texts: quotation marks, line breaks, lone surrogates, and text that looks like the end of a
 * line.
 */
export const entries: fc.Arbitrary<AuditEntry> = fc
  .record({
    requestId: fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.constant('","prev":"0","hash":"0"}\n{"seq":1'),
    ),
    caller: fc.string({ maxLength: 8 }),
    name: fc.option(fc.constantFrom('Orders', 'Campaign')),
    customers: fc.array(fc.string({ unit: 'grapheme', maxLength: 8 }), { maxLength: 3 }),
    cached: fc.boolean(),
  })
  .map(({ requestId, caller, name, customers, cached }) =>
    entry({ requestId, caller, operation: { name, id: 'an-id' }, customers, cached }),
  );

/** Writes entries in the same way as one run of the gateway. */
export async function writeEntries(
  file: string,
  auditEntries: readonly AuditEntry[],
  options: Partial<AuditLogOptions> = {},
): Promise<void> {
  const log = createAuditLog({ to: { file }, secret: SECRET, ...options });
  await Promise.all(auditEntries.map((entry) => log.append(entry)));
  await log.close();
}

const writtenLine = z.looseObject({
  seq: z.number(),
  time: z.iso.datetime(),
  requestId: z.string().optional(),
  caller: z.string().optional(),
  customers: z.array(z.string()).optional(),
  customersOmitted: z.number().optional(),
  repaired: z.boolean().optional(),
});

/** The lines of a file, without partial lines of an interrupted write. */
export function linesIn(file: string): z.output<typeof writtenLine>[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [writtenLine.parse(JSON.parse(line))];
      } catch {
        return [];
      }
    });
}
