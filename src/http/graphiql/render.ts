import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';

export interface RenderedPage {
  /** The HTML, by gzip. */
  compressed: Uint8Array<ArrayBuffer>;
  etag: string;
}

/**
 * Runs in a thread of its own, as text because a thread is not started from TypeScript. Beside it, only the compressed
 * page is left: GraphiQL takes 70 MB to load and render, and would keep everybody else waiting meanwhile.
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

/** Makes the page. All of GraphiQL is in it: scripts, styles, fonts and workers. The script given runs before it. */
export function renderPage(options: object, script: string): Promise<RenderedPage> {
  const library = createRequire(import.meta.url).resolve('@graphql-yoga/render-graphiql');
  const worker = new Worker(SCRIPT, { eval: true, execArgv: [], workerData: { library, options, script } });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
