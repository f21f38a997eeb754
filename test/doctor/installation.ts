import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { z } from 'zod';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { stekkerdoosHere } from '../cli/cli-process.js';
import { privateCa } from '../connectors/private-ca.js';
import { patientSettings } from '../support/stand-ins.js';

type Environment = Readonly<Record<string, string | undefined>>;

const report = z.object({
  findings: z.array(
    z.object({
      check: z.string(),
      severity: z.enum(['error', 'warning']),
      where: z.string(),
      seen: z.string(),
      remedy: z.string(),
    }),
  ),
  notChecked: z.array(z.string()),
});

/** Values that no output may contain. */
const PERSONAL = ['everywhere@example.nl', 'shared@example.nl', 'Eva', 'Meer', 'Dijkstra', 'Hoekstra'];
const IS_SECRET = /SECRET|TOKEN|_KEY$|PASSWORD/;

/** The settings of a healthy installation, with its files in a separate folder. */
export class Installation {
  readonly folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-doctor-'));

  constructor(readonly control: FaultControl) {
    writeFileSync(this.path('suppressed'), '');
    for (const name of ['operations', 'triggers']) mkdirSync(this.path(name));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** The settings with the sources whose variables begin with a prefix. Default: with all sources. */
  settings(...prefixes: string[]): Environment {
    const ofSources = Object.entries(this.control.settings).filter(
      ([variable]) => prefixes.length === 0 || prefixes.some((prefix) => variable.startsWith(prefix)),
    );
    return {
      ...(prefixes.length === 0 ? { ...patientSettings(), CLICKSTREAM_TIMEOUT_MS: '20000' } : {}),
      ...Object.fromEntries(ofSources),
      AUDIT_FILE: this.path('audit.jsonl'),
      SUPPRESSION_FILE: this.path('suppressed'),
      WEBHOOK_FILE: this.path('webhooks.db'),
      WEBHOOK_SECRET: 'a secret of the webhook store',
      OPERATIONS_FOLDER: this.path('operations'),
      TRIGGERS_FOLDER: this.path('triggers'),
    };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** Runs `stekkerdoos doctor --json`, and checks that its output has no secret and no personal value. */
export async function examine(environment: Environment, words: readonly string[] = []) {
  const { code, out, err } = await stekkerdoosHere(['doctor', '--json', ...words], environment);
  const secrets = Object.entries(environment).flatMap(([variable, value = '']) => {
    const password = URL.canParse(value) ? new URL(value).password : '';
    return [...(IS_SECRET.test(variable) ? [value] : []), ...(password === '' ? [] : [password])];
  });
  for (const text of [...secrets, ...PERSONAL]) if (text.length > 2) expect(out + err).not.toContain(text);
  return { code, err, ...report.parse(JSON.parse(out)) };
}

/** A server with a certificate that is valid until 2120. */
export async function startTlsServer(): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer({ key: privateCa.key, cert: privateCa.certificate }, (request, response) => {
    request.resume();
    const date = new Date().toUTCString();
    response.writeHead(200, { 'content-type': 'application/json', date }).end('{"resultaten":[],"totaal":0}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
