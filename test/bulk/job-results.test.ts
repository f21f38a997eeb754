import { expect, test } from 'vitest';
import type { Bulk } from '../../src/bulk/bulk.js';
import { createJobKeys, sealToKey } from '../../src/bulk/job-key.js';
import { placeOf, type JobStore } from '../../src/bulk/job-store.js';
import { createJobs } from '../../src/bulk/jobs.js';
import type { Row } from '../../src/bulk/run-bulk.js';
import { writeRequest } from '../../src/bulk/stored-request.js';
import { ROLES } from '../../src/context/roles.js';
import type { AbortListening } from '../../src/operation/answer.js';
import type { Principal } from '../../src/operation/principal.js';

const PARTS = 30;
const { publicKey, privateKey } = createJobKeys();
const caller = { ...ROLES.operator, name: 'tool', roles: ['operator'], origins: [] };
const principal = { caller, audience: {} } as unknown as Principal;
const audited = { name: 'Card', id: 'x' };
const job = {
  ...{ id: 'job_1', state: 'finished', publicKey, lines: PARTS * 1_000, parts: PARTS },
  request: writeRequest({
    ...{ operation: 'Card', audited, variables: {}, inputs: undefined, purpose: undefined, caller },
  }),
};
const store = {
  find: () => Promise.resolve(job),
  progress: () => Promise.resolve({ readyParts: PARTS }),
  result: (_: string, part: number) =>
    Promise.resolve(
      sealToKey(publicKey, JSON.stringify([{ row: { line: part, data: null } }]), placeOf('job_1', part)),
    ),
} as unknown as JobStore;

function openJobs(handOver: Bulk['handOver']) {
  return createJobs({
    opening: Promise.resolve({ store, worker: { wake: () => undefined } }),
    bulk: {
      find: () => ({ prepared: { audited, disclosure: { forbidden: () => [] } } }),
      handOver,
    } as unknown as Bulk,
    limits: { retainMs: 1, maxLines: 1, maxJobs: 1 },
    principalOf: () => principal,
    auditor: undefined,
    outlet: { allows: () => false },
  });
}

test('results of many parts listen once to the client, and end when it disconnects', async () => {
  const listeners: (() => void)[] = [];
  const signal: AbortListening = { addEventListener: (_, listener) => void listeners.push(listener) };
  const cancelled: number[] = [];
  const jobs = openJobs(async function* (rows, _, { signal: ofPart }) {
    for (const { row } of rows) {
      ofPart?.addEventListener('abort', () => cancelled.push(row.line), { once: true });
      yield await Promise.resolve(row);
    }
  });
  const { rows } = await jobs.results('job_1', {
    ...{ principal, requestId: 'r', key: privateKey, after: 0, maxParts: PARTS, signal },
  });
  const received: Row[] = [];
  for await (const row of rows) {
    received.push(row);
    if (row.line === PARTS - 2) for (const listener of listeners) listener();
  }
  expect(listeners).toHaveLength(1);
  expect(received.map(({ line }) => line)).toEqual(Array.from({ length: PARTS - 2 }, (_, i) => i + 1));
  expect(cancelled).toEqual([PARTS - 2]);
});
