import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, test } from 'vitest';
import type { Role } from '../../src/context/caller.js';
import type { Gateway } from '../../src/gateway.js';
import { sendRequest } from '../http/raw-client.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { createTestGateway } from '../support/gateway.js';
import { faultControl } from '../support/stand-ins.js';

/** Another entry point. It executes one operation for each line of variables (NDJSON). */
function answerLines(gateway: Gateway, document: string) {
  const answer = gateway.prepare(document);
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const caller = await gateway.authentication.caller({
      get: (name) => request.headers[name]?.toString() ?? null,
    });
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    let line = 0;
    for await (const text of createInterface({ input: request })) {
      const { result } = await answer(caller, {
        requestId: `lines-${(line += 1)}`,
        variables: JSON.parse(text) as Record<string, unknown>,
        deadlineMs: Number(request.headers['x-deadline-ms'] ?? 10_000),
        shouldReportCost: true,
      });
      response.write(`${JSON.stringify(result)}\n`);
    }
    response.end();
  };
}

const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-new-entry-point-'));
const auditFile = join(folder, 'audit.jsonl');
const control = await faultControl([], ['order-system', 'webshop']);
const gateway = createTestGateway({
  ...control.settings,
  ...CALLER_SETTINGS,
  AUDIT_FILE: auditFile,
});
const document = 'query Lines($email: String!) { customer(by: { email: $email }) { primaryEmail } }';
const handle = answerLines(gateway, document);
const server = createServer((request, response) => void handle(request, response));
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = server.address();
afterAll(async () => {
  server.close();
  await control.heal();
  await gateway.close();
  await control.close();
  rmSync(folder, { recursive: true });
});

interface Line {
  data?: { customer: { primaryEmail: string | null } | null } | null;
  errors?: { extensions: { code: string } }[];
  extensions?: { cost: { requested: number; remaining: number } };
}

async function lines(role: Role, emails: string[], headers: Record<string, string> = {}): Promise<Line[]> {
  if (address === null || typeof address === 'string') throw new Error('no port');
  const { body } = await sendRequest(address.port, {
    method: 'POST',
    path: '/lines',
    headers: { ...(await headersOf(role)), ...headers },
    body: emails.map((email) => JSON.stringify({ email })).join('\n'),
  });
  return body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

test('a new entry point only calls answer(), which includes cost, consent, masks and audit', async () => {
  const operator = await lines('operator', ['customer-5@example.nl', 'nobody@example.nl']);
  expect(operator.map(({ data }) => data?.customer?.primaryEmail)).toEqual([
    'customer-5@example.nl',
    undefined,
  ]);
  const [first, second] = operator.map(({ extensions }) => extensions?.cost);
  expect(first?.requested).toBeGreaterThan(0);
  expect(second?.remaining).toBeLessThan(first?.remaining ?? 0);

  const [masked] = await lines('analyst', ['customer-5@example.nl']);
  expect(masked?.data?.customer?.primaryEmail).toMatch(/\*/);

  const [refused] = await lines('campaign', ['no-consent@example.nl']);
  expect(refused?.data?.customer?.primaryEmail).toBeNull();
  expect(refused?.errors?.map(({ extensions }) => extensions.code)).toContain('CONSENT_REQUIRED');

  const audited = readFileSync(auditFile, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { caller: string; requestId: string; operation: { name: string } });
  expect(audited).toMatchObject([
    { caller: 'operator', requestId: 'lines-1', operation: { name: 'Lines' } },
    { caller: 'operator', requestId: 'lines-2' },
    { caller: 'analyst', requestId: 'lines-1' },
    { caller: 'campaign', requestId: 'lines-1' },
  ]);
});

test('its deadline applies to each of its answers', async () => {
  await control.set('order-system', { fault: 'hang' });
  const [late] = await lines('operator', ['everywhere@example.nl'], { 'x-deadline-ms': '200' });
  expect(late?.data?.customer?.primaryEmail ?? null).toBeNull();
  expect(late?.errors?.map(({ extensions }) => extensions.code)).toContain('SOURCE_TIMEOUT');
});
