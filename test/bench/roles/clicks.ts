import { clickstream } from '../../../sources/clickstream/index.js';
import { eventPages, visitPages } from '../../../sources/clickstream/loaders.js';
import { SettingsReader } from '../../../src/settings.js';
import type { FileClient } from '../../../src/connectors/file/connector.js';
import { listen } from '../../../src/http/http.js';
import { createLogger } from '../../../src/telemetry/logger.js';
import type { Started } from '../bench-process.js';

/** Time and result of one read of the click log. */
export interface ClickTimes {
  ms: number;
  calls: number;
  /** Visits, or events, that were found. */
  found: number;
}

/** Serves the source's loaders and connector over HTTP: `/visits?from=0&customers=100`, or `/events`. */
export async function startClicks(): Promise<Started> {
  const settings = new SettingsReader(process.env);
  const connection = clickstream.connector.connect(settings, {
    source: 'clickstream',
    timeoutMs: 30_000,
    maxAnswerBytes: 8 * 2 ** 20,
    logger: createLogger('silent'),
  });
  settings.throwIfWrong();
  let calls = 0;
  const client: FileClient = connection.client({
    run: (call) => {
      calls += 1;
      return call(new AbortController().signal);
    },
    slowDown: () => undefined,
    limitMaxAge: () => undefined,
    headers: {},
  });
  const measure = async (url: URL): Promise<ClickTimes> => {
    const from = Number(url.searchParams.get('from'));
    const pages = Array.from({ length: Number(url.searchParams.get('customers')) }, (_, i) => ({
      person: { customerNumbers: [`K${String(from + i).padStart(6, '0')}`], visitorId: null },
      size: 10,
      after: null,
      since: null,
      names: null,
    }));
    calls = 0;
    const startedAt = performance.now();
    const answers: readonly (readonly unknown[] | Error)[] =
      url.pathname === '/visits'
        ? await visitPages.load(pages, client)
        : await eventPages.load(pages, client);
    const ms = performance.now() - startedAt;
    let found = 0;
    for (const answer of answers) {
      if (answer instanceof Error) throw answer;
      found += answer.length;
    }
    return { ms, calls, found };
  };
  const server = await listen(
    (request, response) => {
      measure(new URL(request.url ?? '/', 'http://bench')).then(
        (times) => response.end(JSON.stringify(times)),
        (error: unknown) => {
          response.writeHead(500).end(String(error));
        },
      );
    },
    { host: '127.0.0.1', port: 0 },
  );
  return { ready: { url: server.url }, close: () => connection.close() };
}
