import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exampleOperations } from '../../src/server/graphiql/page.js';
import { listen, type HttpServer } from '../../src/server/http.js';
import { createTestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';

/** So that Chromium runs as root, and asks nobody anything of its own accord. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** To be looked at by who changes the page. */
const SCREENSHOT = join(tmpdir(), 'graphiql.png');

const gateway = createTestGateway(directSettings());
let server: HttpServer;
let browser: Browser;
let page: Page;
/** Requests to anywhere but the gateway; none is let through. */
const elsewhere: string[] = [];
const complaints: string[] = [];

beforeAll(async () => {
  server = await listen(gateway.handler, { host: '127.0.0.1', port: 0 });
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ARGUMENTS,
  });
  page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.route('**/*', async (route) => {
    const { origin, protocol } = new URL(route.request().url());
    if (origin === new URL(server.url).origin || protocol === 'data:' || protocol === 'blob:') {
      await route.continue();
    } else {
      elsewhere.push(route.request().url());
      await route.abort();
    }
  });
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`${server.url}/graphql`);
  await page.locator('.graphiql-query-editor .view-lines').waitFor();
});

afterAll(async () => {
  await browser.close();
  await server.stop();
  await gateway.close();
});

describe('GraphiQL in a browser', () => {
  test('shows each example operation as a tab, by its name', async () => {
    const names = exampleOperations().map(({ query }) => /^query (\w+)/m.exec(query)?.[1]);
    const tabs = page.locator('.graphiql-tab .graphiql-tab-button');
    expect(await tabs.allTextContents()).toEqual(names);
  });

  test('runs a query that is typed, and shows its answer', async () => {
    await page.getByRole('button', { name: 'New tab' }).click();
    await page.locator('.graphiql-tab-active', { hasText: '<untitled>' }).waitFor();
    const editor = page.locator('.graphiql-query-editor .view-lines');
    // The editor of the tab before may still be there for a moment.
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

  test('runs an example', async () => {
    // Not with the mouse: the tabs can be dragged, and move for a while after one was added.
    await page.locator('.graphiql-tab-button', { hasText: 'CustomerView' }).dispatchEvent('click');
    await page.locator('.graphiql-tab-active', { hasText: 'CustomerView' }).waitFor();
    await page.getByRole('button', { name: 'Execute query' }).click();
    await page.locator('.graphiql-response .view-lines').getByText('order-system').first().waitFor();
    await page.screenshot({ path: SCREENSHOT.replace('.png', '-example.png') });
  });

  test('shows the description of a field in its documentation', async () => {
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    const documentation = page.locator('.graphiql-doc-explorer');
    await documentation.getByRole('link', { name: 'Query', exact: true }).click();
    await documentation.getByText('One customer, by any identifier you have.').waitFor();
    await documentation.getByRole('link', { name: 'Customer', exact: true }).first().click();
    await documentation.getByText('Orders, newest first;').waitFor();
    await page.screenshot({ path: SCREENSHOT.replace('.png', '-documentation.png') });
  });

  test('asked nothing of anybody but the gateway, and did not complain', () => {
    expect(elsewhere).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
