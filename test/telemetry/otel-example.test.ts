import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compiledFolder } from '../support/compiled.js';

// Runs the `otel.mjs` of src/telemetry/README.md in a separate process, with stand-ins for the SDK's packages.
const README = readFileSync('src/telemetry/README.md', 'utf8');
const PACKAGES: Record<string, string> = {
  resources: `
    export const envDetector = 'the environment';
    export const defaultResource = () => ({ merge: (other) => other });
    export const detectResources = ({ detectors: [from] }) => ({ service: process.env.OTEL_SERVICE_NAME, from });`,
  'exporter-trace-otlp-http': `
    export class OTLPTraceExporter {
      send(body) {
        return fetch(process.env.OTEL_EXPORTER_OTLP_ENDPOINT + '/v1/traces', { method: 'POST', body: JSON.stringify(body) });
      }
    }`,
  'sdk-trace-node': `
    import { ProxyTracerProvider, trace } from '@opentelemetry/api';
    export class BatchSpanProcessor {
      constructor(exporter) { this.exporter = exporter; }
    }
    export class NodeTracerProvider {
      ended = [];
      constructor({ resource, spanProcessors: [{ exporter }] }) { Object.assign(this, { resource, exporter }); }
      register() { trace.setGlobalTracerProvider(this); }
      getTracer() { return this; }
      startSpan(name) {
        const span = {
          spanContext: () => ({ traceId: '1'.repeat(32), spanId: '1'.repeat(16), traceFlags: 1 }),
          setAttribute: () => span, setAttributes: () => span, setStatus: () => span, isRecording: () => true,
          updateName: (other) => { name = other; return span; },
          end: () => { this.ended.push(name); },
        };
        return span;
      }
      shutdown() { return this.exporter.send({ resource: this.resource, spans: this.ended }); }
    }`,
};

let folder: string;
const posted: { url: string | undefined; body: unknown }[] = [];
const collector = createServer((request, response) => {
  void text(request).then((body) => {
    posted.push({ url: request.url, body: JSON.parse(body) as unknown });
    response.end('{}');
  });
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-otel-'));
  const scope = join(folder, 'node_modules', '@opentelemetry');
  mkdirSync(scope, { recursive: true });
  symlinkSync(resolve('node_modules/@opentelemetry/api'), join(scope, 'api'));
  for (const [name, code] of Object.entries(PACKAGES)) {
    mkdirSync(join(scope, name));
    writeFileSync(join(scope, name, 'index.mjs'), code);
    writeFileSync(join(scope, name, 'package.json'), JSON.stringify({ name, exports: './index.mjs' }));
  }
  writeFileSync(join(folder, 'otel.mjs'), /```js\n(.*?)```/s.exec(README)?.[1] ?? '');
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
});
afterAll(async () => {
  collector.close();
  await once(collector, 'close');
  rmSync(folder, { recursive: true });
});

/** Starts a gateway, sends it an operation, and stops it. */
async function runGateway(...imports: string[]) {
  const child = spawn(
    process.execPath,
    [...imports.flatMap((path) => ['--import', path]), join(await compiledFolder(), 'src/process/main.js')],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env.PATH,
        ID_SECRET: 'a secret of the tests',
        AUTH: 'off',
        PORT: '0',
        VIES_URL: 'http://127.0.0.1:9',
        OTEL_SERVICE_NAME: 'customer-gateway',
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
      },
    },
  );
  let output = '';
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    output += chunk.toString();
    const url = /ready (http\S+\/graphql)/.exec(output)?.[1];
    if (url === undefined || child.killed) continue;
    await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ __typename }"}',
    });
    child.kill('SIGTERM');
  }
  return output;
}

test('the example sends the spans of the gateway to the collector, the last ones at the stop', async () => {
  const output = await runGateway(join(folder, 'otel.mjs'));
  expect(posted.splice(0)).toEqual([
    {
      url: '/v1/traces',
      body: { resource: { service: 'customer-gateway', from: 'the environment' }, spans: ['graphql query'] },
    },
  ]);
  expect(output).not.toContain('OTEL_*');
});

test('without the example, OTEL_* variables send nothing, and a warning is logged', async () => {
  const output = await runGateway();
  expect(posted).toEqual([]);
  expect(output).toContain('OTEL_* variables are set, but no OpenTelemetry SDK is registered');
});
