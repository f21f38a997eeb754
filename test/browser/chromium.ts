import { chromium, type Page } from 'playwright-core';

/** With these arguments, Chromium can run as root and makes no requests in the background. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface OpenedPage {
  page: Page;
  /** Requests to other origins than that of the page. They are blocked. */
  elsewhere: readonly string[];
  /** The errors that the page wrote to its console. */
  complaints: readonly string[];
  close(): Promise<void>;
}

/** Opens a page in a new Chromium. */
export async function openPage(url: string): Promise<OpenedPage> {
  const elsewhere: string[] = [];
  const complaints: string[] = [];
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ARGUMENTS,
  });
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.route('**/*', async (route) => {
    const { origin, protocol } = new URL(route.request().url());
    if (origin === new URL(url).origin || protocol === 'data:' || protocol === 'blob:') {
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
  await page.goto(url);
  return { page, elsewhere, complaints, close: () => browser.close() };
}
