import { serverAudits } from 'graphql-http';
import { afterAll, describe, expect, test } from 'vitest';
import { createTestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';

const gateway = createTestGateway(directSettings());
afterAll(() => gateway.close());

const audits = serverAudits({
  url: 'http://gateway/graphql',
  fetchFn: (url: string, init?: RequestInit) => gateway.fetch(url, init),
});

describe('GraphQL over HTTP', () => {
  test('is audited in full', () => {
    expect(audits.length).toBeGreaterThanOrEqual(60);
  });

  for (const { id, name, fn } of audits) {
    test(`${name} (${id})`, async () => {
      const { status, ...reason } = await fn();
      expect({ status, reason: 'reason' in reason ? reason.reason : undefined }).toEqual({ status: 'ok' });
    });
  }
});
