import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCampaignTool, type CampaignTool } from '../../sources/stand-ins/campaign-tool.js';
import { readEndpoints } from '../../src/webhooks/endpoints.js';
import { createSender } from '../../src/webhooks/send.js';
import { openPage, type OpenedPage } from './chromium.js';

/** A screenshot to check by eye after a change of the page. */
const SCREENSHOT = join(tmpdir(), 'campaign-tool.png');

const sender = createSender();
let tool: CampaignTool;
let opened: OpenedPage;

beforeAll(async () => {
  tool = await startCampaignTool();
  opened = await openPage(tool.url);
});

afterAll(async () => {
  await opened.close();
  await sender.close();
  await tool.close();
});

async function deliver(id: string, name: string): Promise<string> {
  const [endpoint] = readEndpoints(tool.settings['WEBHOOK_ENDPOINTS'] ?? '', []);
  if (endpoint === undefined) throw new Error('The campaign tool has no endpoint.');
  const timestamp = new Date().toISOString();
  const data = { orderPaid: { recordId: id, customer: { name } } };
  const body = JSON.stringify({ type: 'order.paid', timestamp, data });
  return (await sender.send(endpoint, { id, body, now: Date.now() })).reason;
}

describe('the page of the campaign tool', () => {
  test('shows a delivery when it arrives, as text and never as markup', async () => {
    const { page } = opened;
    await page.getByText('Nothing has come yet.').waitFor();
    expect(await deliver('msg_1', '<img src=x onerror=alert(1)>')).toBe('status 204');
    const first = page.locator('details').first();
    await first.getByText('order.paid').waitFor();
    await first.getByText('\u2713 verified').waitFor();
    await first.getByText('<img src=x').waitFor();
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.getByText('Nothing has come yet.').isVisible()).toBe(false);
  });

  test('rejects deliveries on request, and shows the rejected ones and their next attempts', async () => {
    const { page } = opened;
    await page.getByRole('button', { name: 'Reject deliveries' }).click();
    await page.getByText('Every delivery is answered with').waitFor();
    expect(await deliver('msg_2', 'Björn Smit')).toBe('status 503');
    const first = page.locator('details').first();
    await first.getByText('refused with 503').waitFor();
    await page.screenshot({ path: SCREENSHOT });
    await page.getByRole('button', { name: 'Accept deliveries' }).click();
    await page.getByText('Every delivery is answered with').waitFor({ state: 'hidden' });
    expect(await deliver('msg_2', 'Björn Smit')).toBe('status 204');
    await first.getByText('taken, 2 attempts').waitFor();
  });

  test('sends no requests to other servers, and logs no errors', () => {
    expect(opened.elsewhere).toEqual([]);
    expect(opened.complaints).toEqual([]);
  });
});
