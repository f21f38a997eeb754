import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startCampaignTool, type CampaignTool } from '../../sources/stand-ins/campaign-tool.js';
import { createFaultControl, type FaultControl } from '../../sources/stand-ins/fault-control.js';
import { startStandIns } from '../../sources/stand-ins/index.js';
import { GATEWAY_SETTINGS } from '../config.js';
import { SettingsReader, setting } from '../settings.js';
import { ConfigError } from '../errors.js';
import { z } from 'zod';
import { V8_FLAGS } from '../v8/flags.js';
import { createDemoCallers, type DemoCaller } from './demo-callers.js';

/**
 * Starts everything on loopback: the stand-ins of all systems with their seed data, the fault control in front of them, a
 * campaign tool that receives events, and the gateway as `npm start` runs it, in a child process.
 */

/** The demo's customers are made up. A real gateway needs its own secret. */
const DEMO_SECRET = 'the demo has no secrets';
const GATEWAY = fileURLToPath(
  new URL(`../process/main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
);
/** The persisted operations of the demo's callers, its named audiences, and the triggers of its campaign tool. */
const DEMO_FOLDERS = {
  OPERATIONS_FOLDER: fileURLToPath(new URL('../../schema/demo/operations/', import.meta.url)),
  AUDIENCES_FOLDER: fileURLToPath(new URL('../../schema/demo/audiences/', import.meta.url)),
  TRIGGERS_FOLDER: fileURLToPath(new URL('../../schema/demo/triggers/', import.meta.url)),
};
const FAULT_CONTROL_PORT = setting(
  'FAULT_CONTROL_PORT',
  z.coerce.number().int().min(0).max(65_535).default(4001),
  'a port number (default 4001)',
);
const CAMPAIGN_TOOL_PORT = setting(
  'CAMPAIGN_TOOL_PORT',
  z.coerce.number().int().min(0).max(65_535).default(4002),
  'a port number (default 4002)',
);

/** Closes what was opened, in reverse order. */
const closers: (() => Promise<void>)[] = [];
let stopping: Promise<void> | undefined;

class StoppedError extends Error {}

/** Registers how to close what was just opened. If the demo is stopping, closes it and throws a StoppedError. */
async function closeAtStop(close: () => Promise<void>): Promise<void> {
  if (stopping === undefined) closers.push(close);
  else {
    await close();
    throw new StoppedError();
  }
}

function stop(): Promise<void> {
  stopping ??= (async () => {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
  })();
  return stopping;
}

function printLine(line = ''): void {
  process.stdout.write(`${line}\n`);
}

async function startAll(customersText: string): Promise<void> {
  const { customers, port, faultControlPort, campaignToolPort } = readOptions(customersText);
  for (const [variable, wanted] of [
    ['PORT', port],
    ['FAULT_CONTROL_PORT', faultControlPort],
    ['CAMPAIGN_TOOL_PORT', campaignToolPort],
  ] as const) {
    await refuseTakenPort(variable, wanted);
  }

  printLine(`Stekkerdoos demo: ${customers} made-up customers, everything on this machine only.`);
  const startedAt = performance.now();
  const seconds = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
  printLine('  seeding and starting the systems ...');
  const standIns = await startStandIns({
    customers,
    onProgress: ({ name }) => {
      printLine(`  ${name} is ready (${seconds()})`);
    },
  });
  await closeAtStop(() => standIns.close());
  const faults = await createFaultControl(standIns.standIns, {
    port: faultControlPort,
    gateway: `http://127.0.0.1:${port}`,
  });
  await closeAtStop(() => faults.close());
  printLine(`  fault control is ready (${seconds()})`);
  const campaignTool = await startCampaignTool({ port: campaignToolPort });
  await closeAtStop(() => campaignTool.close());
  printLine(`  campaign tool is ready (${seconds()})`);
  const folder = await mkdtemp(join(tmpdir(), 'stekkerdoos-demo-'));
  await closeAtStop(() => rm(folder, { recursive: true, force: true }));
  const auditFile = join(folder, 'audit.jsonl');
  const isOpen = process.env['AUTH'] === 'off';
  const { callers, settings } = await createDemoCallers();
  const url = await startGateway({
    ...(isOpen ? {} : settings),
    AUDIT_FILE: auditFile,
    WEBHOOK_FILE: join(folder, 'webhooks.db'),
    WEBHOOK_SECRET: DEMO_SECRET,
    ...DEMO_FOLDERS,
    ...campaignTool.settings,
    ...faults.settings,
    PORT: String(port),
  });
  printLine(`  gateway is ready (${seconds()})`);
  printGuide({ url, faults, campaignTool, customers, auditFile, callers: isOpen ? [] : callers });
  printLine(`ready ${url}/graphql`);
}

function readOptions(customersText: string) {
  const settings = new SettingsReader(process.env);
  const port = settings.read(GATEWAY_SETTINGS.port) ?? 0;
  const faultControlPort = settings.read(FAULT_CONTROL_PORT) ?? 0;
  const campaignToolPort = settings.read(CAMPAIGN_TOOL_PORT) ?? 0;
  const customers = Number(customersText);
  if (!Number.isInteger(customers) || customers < 1 || customers > 100_000) {
    settings.problems.push(`--customers must be a whole number from 1 to 100000.`);
  }
  settings.throwIfWrong();
  return { customers, port, faultControlPort, campaignToolPort };
}

/** Reports a port that is in use before seeding, which takes seconds. */
async function refuseTakenPort(variable: string, port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    throw new ConfigError([
      `${variable} ${port} is in use. Stop the other program, or set ${variable} to a free port.`,
    ]);
  }
  server.close();
  await once(server, 'close');
}

/** Starts the gateway. Resolves to its address when it listens. */
async function startGateway(settings: Record<string, string>): Promise<string> {
  const child = fork(GATEWAY, {
    execArgv: [...process.execArgv, ...V8_FLAGS],
    // In its own process group, so that Ctrl-C reaches this process only, which stops everything in order.
    detached: true,
    env: {
      ID_SECRET: DEMO_SECRET,
      LOG_LEVEL: 'warn',
      ...process.env,
      HOST: '127.0.0.1',
      ...settings,
    },
  });
  await closeAtStop(() => stopChild(child));
  const message = await Promise.race([
    once(child, 'message').then(([first]: unknown[]) => first),
    once(child, 'exit').then(() => undefined),
  ]);
  if (typeof message !== 'string')
    throw new ConfigError(['The gateway did not start. See its message above.']);
  child.once('exit', (code) => {
    if (stopping !== undefined) return;
    printLine(`The gateway stopped unexpectedly (exit code ${String(code)}).`);
    process.exitCode = 1;
    void stop();
  });
  return message;
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

interface Running {
  url: string;
  faults: FaultControl;
  campaignTool: CampaignTool;
  customers: number;
  auditFile: string;
  /** Empty if the gateway needs no authentication. */
  callers: readonly DemoCaller[];
}

function printGuide({ url, faults, campaignTool, customers, auditFile, callers }: Running): void {
  const keyOf = (wanted: string) => callers.find(({ role }) => role === wanted)?.token;
  const graphiql = (role: string) => {
    const key = keyOf(role);
    return `${url}/graphql${key === undefined ? '' : `#key=${key}`}`;
  };
  const operator = keyOf('operator');
  const query = `curl -s ${url}/graphql -H 'content-type: application/json'${operator === undefined ? '' : ` -H 'authorization: Bearer ${operator}'`}`;
  printLine(`
GraphiQL       ${graphiql('operator')}  (in a browser; ready-made examples are in its tabs)
               ${graphiql('analyst')}  (as an analyst, who sees masked values)
endpoint       POST ${url}/graphql
health         ${url}/health/ready
fault control  ${faults.url}  (GET: counters; PUT /<source>: set a fault; DELETE: remove all faults)
campaign tool  ${campaignTool.url}  (in a browser; shows its deliveries)
audit log      ${auditFile}  (deleted when the demo stops)
`);
  if (callers.length > 0) {
    printLine('Callers: key <role> <token>. Send the token as "Authorization: Bearer <token>".');
    for (const { role, token, may } of callers) printLine(`key ${role} ${token}\n    ${may}`);
    printLine();
  }
  printLine(`Three queries to try:
  ${query} -d '{"query":"{ customer(by: {email: \\"everywhere@example.nl\\"}) { id name systems { source status } } }"}'
  ${query} -d '{"query":"{ customer(by: {email: \\"customer-7@example.nl\\"}) { orders(first: 2) { nodes { number lines { product { title } } } } tickets { nodes { subject } } } }"}'
  ${query} -d '{"query":"{ customer(by: {email: \\"shared@example.nl\\"}) { name } }"}'

Events: subscribe, let a customer pay, and list what the campaign tool received:
  ${query} -N -H 'accept: text/event-stream' -d '{"query":"subscription { orderPaid { recordId customer { name } } }"}' &
  curl -s ${faults.url}/order-system/emit -d '{"type":"order.paid","email":"customer-5@example.nl"}'
  sleep 1 && curl -s ${campaignTool.url}/deliveries

Faults (the gateway returns records of the last hour, marked as stale, unless the request has -H 'cache-control: no-cache'):
  curl -s -X PUT ${faults.url}/contact-centre -d '{"fault":"hang"}'
  curl -s -X PUT ${campaignTool.url} -d '{"status":503}'

Customers: customer-1@example.nl to customer-${customers}@example.nl, and
  everywhere@example.nl   known to every system
  shop-only@example.nl    webshop and order system only
  orders-only@example.nl  order system only
  crm-only@example.nl     CRM only
  many-orders@example.nl  500 orders
  shared@example.nl       two people in the order system: neither is returned
  no-marketing@example.nl no consent to marketing
  nobody@example.nl       known to no system

Ctrl-C stops everything and removes all files.
`);
}

/** Runs the demo until it is stopped by a signal. */
export async function runDemo(customers: string): Promise<void> {
  let isStoppedBySignal = false as boolean;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      isStoppedBySignal = true;
      void stop();
    });
  }
  try {
    await startAll(customers);
  } catch (error) {
    await stop();
    if (error instanceof StoppedError || isStoppedBySignal) return;
    process.stderr.write(`${error instanceof ConfigError ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
