import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  startCampaignTool,
  type CampaignTool,
  type Delivery,
} from '../../sources/stand-ins/campaign-tool.js';
import { readEndpoints, type Endpoint } from '../../src/webhooks/endpoints.js';
import { createSender, type Sender } from '../../src/webhooks/send.js';

/** Tests the stand-in of the demo's campaign tool, with deliveries of the gateway's deliverer. */

const AT = Date.parse('2026-11-27T12:00:00.000Z');
const PAID = {
  type: 'order.paid',
  timestamp: '2026-11-27T11:59:59.700Z',
  data: { orderPaid: { recordId: 'ORD-1', customer: { name: 'Eva van der Meer' } } },
};

let now: number;
let tool: CampaignTool;
let endpoint: Endpoint;
let sender: Sender;

beforeEach(async () => {
  // The library that verifies signatures uses the clock of the machine.
  now = Date.now();
  tool = await startCampaignTool({ now: () => AT });
  const problems: string[] = [];
  const [read] = readEndpoints(tool.settings['WEBHOOK_ENDPOINTS'] ?? '', problems);
  if (read === undefined) throw new Error(problems.join('\n'));
  endpoint = read;
  sender = createSender();
});

afterEach(async () => {
  await sender.close();
  await tool.close();
});

async function deliver(id: string, body: unknown = PAID, to: Partial<Endpoint> = {}): Promise<string> {
  const sent = await sender.send({ ...endpoint, ...to }, { id, body: JSON.stringify(body), now });
  return sent.reason;
}

async function shown(): Promise<Delivery[]> {
  const answer = (await (await fetch(`${tool.url}/deliveries`)).json()) as { deliveries: Delivery[] };
  return answer.deliveries;
}

const answerWith = (body: unknown) => fetch(tool.url, { method: 'PUT', body: JSON.stringify(body) });

describe('the campaign tool', () => {
  test('shows each delivery, its verified signature and its delay after the event', async () => {
    expect(await deliver('msg_1')).toBe('status 204');
    expect(await shown()).toEqual([
      {
        id: 'msg_1',
        receivedAt: '2026-11-27T12:00:00.000Z',
        verified: true,
        type: 'order.paid',
        happenedAt: PAID.timestamp,
        delayMs: 300,
        data: PAID.data,
        attempts: 1,
        status: 204,
      },
    ]);
  });

  test('shows a repeated delivery once', async () => {
    await deliver('msg_1');
    expect(await deliver('msg_1')).toBe('status 204');
    await deliver('msg_2');
    expect(await shown()).toMatchObject([
      { id: 'msg_2', attempts: 1 },
      { id: 'msg_1', attempts: 2 },
    ]);
  });

  test('refuses and hides messages with a foreign or old signature, and messages that are not events', async () => {
    const another = { secrets: [Buffer.alloc(24, 7)] };
    expect(await deliver('msg_1', PAID, another)).toBe('status 401');
    now -= 6 * 60_000;
    expect(await deliver('msg_2')).toBe('status 401');
    now += 6 * 60_000;
    expect(await deliver('msg_3', { hello: 'Eva' })).toBe('status 401');
    const all = await shown();
    expect(all.map(({ verified, status, data }) => ({ verified, status, data }))).toEqual(
      Array(3).fill({ verified: false, status: 401 }),
    );
    expect(all.every(({ problem = '' }) => problem.length > 0)).toBe(true);
    // An identifier without a verified record is not used.
    expect(await deliver('msg_1')).toBe('status 204');
    expect((await shown())[0]).toMatchObject({ id: 'msg_1', verified: true, attempts: 1 });
  });

  test('refuses deliveries while it has a fault, and shows the accepted attempt', async () => {
    await answerWith({ status: 503 });
    expect(await deliver('msg_1')).toBe('status 503');
    expect(await shown()).toMatchObject([{ id: 'msg_1', verified: true, attempts: 1, status: 503 }]);
    await answerWith({ status: null });
    expect(await deliver('msg_1')).toBe('status 204');
    expect(await shown()).toMatchObject([{ id: 'msg_1', attempts: 2, status: 204 }]);
    expect((await answerWith({ status: 204 })).status).toBe(400);
    expect((await answerWith('much')).status).toBe(400);
  });

  test('stores the last hundred deliveries', async () => {
    for (let count = 1; count <= 101; count += 1) await deliver(`msg_${count}`);
    const ids = (await shown()).map(({ id }) => id);
    expect(ids).toHaveLength(100);
    expect([ids[0], ids[99]]).toEqual(['msg_101', 'msg_2']);
  });

  test('has a page that loads nothing from other origins', async () => {
    const page = await fetch(tool.url);
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await page.text()).not.toMatch(/https?:\/\//);
    expect((await fetch(`${tool.url}/elsewhere`)).status).toBe(404);
    expect((await fetch(`${tool.url}/deliveries`, { method: 'DELETE' })).status).toBe(405);
  });
});
