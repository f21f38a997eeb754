import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exampleOperations } from '../../src/http/graphiql/page.js';
import { listen, type HttpServer } from '../../src/http/http.js';
import { createTestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';
import { payInWebshop } from '../support/pay-in-webshop.js';
import { openPage, type OpenedPage } from './chromium.js';

/** A screenshot to check by eye after a change of the page. */
const SCREENSHOT = join(tmpdir(), 'graphiql.png');

const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-graphiql-'));
const gateway = createTestGateway({
  ...directSettings(),
  WEBHOOK_FILE: join(folder, 'webhooks.db'),
  WEBHOOK_SECRET: 'a secret of the tests in a browser',
});
let server: HttpServer;
let opened: OpenedPage;
let page: OpenedPage['page'];

beforeAll(async () => {
  server = await listen(gateway.handler, { host: '127.0.0.1', port: 0 });
  opened = await openPage(`${server.url}/graphql`);
  page = opened.page;
  await page.locator('.graphiql-query-editor .view-lines').waitFor();
});

afterAll(async () => {
  await opened.close();
  await server.stop();
  await gateway.close();
  rmSync(folder, { recursive: true });
});

describe('GraphiQL in a browser', () => {
  test('shows each example operation as a tab, by its name', async () => {
    const names = exampleOperations().map(({ query }) => /^(?:query|subscription) (\w+)/m.exec(query)?.[1]);
    const tabs = page.locator('.graphiql-tab .graphiql-tab-button');
    expect(await tabs.allTextContents()).toEqual(names);
  });

  test('runs a typed query, and shows its answer', async () => {
    await page.getByRole('button', { name: 'New tab' }).click();
    await page.locator('.graphiql-tab-active', { hasText: '<untitled>' }).waitFor();
    const editor = page.locator('.graphiql-query-editor .view-lines');
    // The editor of the previous tab may still exist for a moment.
    await expect
      .poll(
        async () => {
          await editor.click();
          await page.keyboard.press('ControlOrMeta+A');
          await page.keyboard.insertText(
            '{ customer(by: { email: "crm-only@example.nl" }) { name company { name } } }',
          );
          await page.waitForTimeout(200);
          return editor.textContent();
        },
        { timeout: 10_000 },
      )
      .toMatch(/^\{.*crm-only.*\}$/);
    await page.getByRole('button', { name: 'Execute query' }).click();
    const { data } = await gateway.query(
      '{ customer(by: { email: "crm-only@example.nl" }) { name company { name } } }',
    );
    const answer = page.locator('.graphiql-response .view-lines');
    const { name } = data?.customer as { name: string };
    await answer.getByText(name).waitFor();
    await page.screenshot({ path: SCREENSHOT });
  });

  test('runs an example query', async () => {
    // A mouse click is unreliable: the tabs can be dragged, and move for a while after one was added.
    await page.locator('.graphiql-tab-button', { hasText: 'CustomerView' }).dispatchEvent('click');
    await page.locator('.graphiql-tab-active', { hasText: 'CustomerView' }).waitFor();
    await page.getByRole('button', { name: 'Execute query' }).click();
    await page.locator('.graphiql-response .view-lines').getByText('ORDER_SYSTEM').first().waitFor();
    await page.screenshot({ path: SCREENSHOT.replace('.png', '-example.png') });
  });

  test('shows the deferred part of an answer when it arrives', async () => {
    await page.locator('.graphiql-tab-button', { hasText: 'TheSlowPartLater' }).dispatchEvent('click');
    await page.locator('.graphiql-tab-active', { hasText: 'TheSlowPartLater' }).waitFor();
    await page.locator('.graphiql-query-editor .view-lines').getByText('tickets').first().waitFor();
    await page.waitForTimeout(500);
    const answered = page.waitForResponse((response) => response.request().method() === 'POST');
    await page.getByRole('button', { name: 'Execute query' }).click();
    expect((await answered).headers()['content-type']).toMatch(/^multipart\/mixed/);
    await page.locator('.graphiql-response .view-lines').getByText('subject').first().waitFor();
    await page.screenshot({ path: SCREENSHOT.replace('.png', '-later.png') });
  });

  test('shows the events of a subscription when they arrive', async () => {
    await page.locator('.graphiql-tab-button', { hasText: 'OrdersAsTheyArePaid' }).dispatchEvent('click');
    await page.locator('.graphiql-tab-active', { hasText: 'OrdersAsTheyArePaid' }).waitFor();
    // GraphiQL uses POST: a subscription may contain a customer's identifier, and proxies log URLs.
    const subscribed = page.waitForResponse((response) => response.request().method() === 'POST');
    // A click executes nothing before the editor has loaded the text of the tab.
    await page.locator('.graphiql-query-editor .view-lines').getByText('orderPaid').first().waitFor();
    await page.waitForTimeout(500);
    await page.getByRole('button', { name: 'Execute query' }).click();
    await subscribed;
    expect(await payInWebshop(gateway, 'everywhere@example.nl')).toBe(204);
    await page.locator('.graphiql-response .view-lines').getByText('Eva van der Meer').waitFor();
    await page.screenshot({ path: SCREENSHOT.replace('.png', '-subscription.png') });
    await page.getByRole('button', { name: 'Stop query' }).click();
  });

  test('shows the description of a field in its documentation', async () => {
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    const documentation = page.locator('.graphiql-doc-explorer');
    await documentation.getByRole('link', { name: 'Query', exact: true }).click();
    await documentation.getByText('One customer, by any identifier you have.').waitFor();
    await documentation.getByRole('link', { name: 'Customer', exact: true }).first().click();
    await documentation.getByText('Orders, newest first.').waitFor();
    await page.screenshot({ path: SCREENSHOT.replace('.png', '-documentation.png') });
  });

  test('sends requests only to the gateway, and logs no errors', () => {
    expect(opened.elsewhere).toEqual([]);
    expect(opened.complaints).toEqual([]);
  });
});
