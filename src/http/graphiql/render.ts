import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';

export interface RenderedPage {
  /** The HTML, compressed by gzip. */
  compressed: Uint8Array<ArrayBuffer>;
  etag: string;
}

/**
 * Renders the page in a worker thread. GraphiQL takes 70 MB to load and render, and would block all requests
 * meanwhile. Only the compressed page remains in memory. The script is text because a thread cannot be started from
 * TypeScript.
 */
const SCRIPT = `
  const { createHash } = require('node:crypto');
  const { parentPort, workerData } = require('node:worker_threads');
  const { gzipSync } = require('node:zlib');
  const { renderGraphiQL } = require(workerData.library);
  const page = renderGraphiQL(workerData.options).replace('<head>', () => '<head><script>' + workerData.script + '</script>');
  const compressed = new Uint8Array(gzipSync(page));
  const etag = '"' + createHash('sha256').update(compressed).digest('base64url') + '"';
  parentPort.postMessage({ compressed, etag }, [compressed.buffer]);
`;

/** Renders the page with all of GraphiQL: scripts, styles, fonts and workers. `script` runs before GraphiQL. */
export function renderPage(options: object, script: string): Promise<RenderedPage> {
  const library = createRequire(import.meta.url).resolve('@graphql-yoga/render-graphiql');
  const worker = new Worker(SCRIPT, { eval: true, execArgv: [], workerData: { library, options, script } });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
