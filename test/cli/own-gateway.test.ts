import { afterEach, expect, it, vi } from 'vitest';
import { openOwnGateway } from '../../src/cli/own-gateway.js';
import { withQuery } from '../../src/testing/test-gateway.js';
import { sendJson, startServer } from '../connectors/server.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

it('the command line has higher limits than a request over HTTP', async () => {
  const crm = await startServer((_, response) => {
    sendJson(response, { total: 0, results: [] });
  });
  for (const [variable, value] of Object.entries({
    ID_SECRET: 'a secret of the tests',
    AUTH: 'off',
    CRM_HUBSPOT_URL: crm.url,
    CRM_HUBSPOT_TOKEN: 'a-token',
    CRM_HUBSPOT_LIMITS: '{"timeout": "20 s"}',
  }))
    vi.stubEnv(variable, value);
  const gateway = await openOwnGateway();
  try {
    const unknown = Array.from({ length: 1_000 }, (_, i) => ({ email: `nobody-${i}@example.nl` }));
    const timeline = 'timeline(first: 100) { nodes { title amount { currency } } }';
    const timelines = Array.from({ length: 90 }, (_, i) => `list${i}: ${timeline}`).join(' ');
    const query = `query ($by: [CustomerKey!]!) { customers(by: $by) { ${timelines} } }`;
    const variables = { by: unknown };
    const { errors } = await withQuery(gateway).query(query, variables);
    expect(errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED' } }]);
    expect(await gateway.query(query, variables)).toEqual({
      data: { customers: unknown.map(() => null) },
      extensions: expect.anything() as unknown,
    });
  } finally {
    await gateway.close();
    await crm.close();
  }
});
