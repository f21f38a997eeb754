import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createFaultControl, type FaultControl } from '../../sources/stand-ins/fault-control.js';
import { startStandIns } from '../../sources/stand-ins/index.js';
import { GATEWAY_SETTINGS, SettingsReader, setting } from '../config.js';
import { ConfigError } from '../errors.js';
import { z } from 'zod';

/**
 * Everything on loopback, from nothing: the stand-ins of all systems with their seed data, the fault control in front
 * of them, and a gateway as `npm start` runs it, in a process of its own.
 */

/** Only for made-up customers: a real gateway has a secret of its own. */
const DEMO_SECRET = 'the demo keeps no secrets';
const GATEWAY = fileURLToPath(
  new URL(`../main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
);
const FAULT_CONTROL_PORT = setting(
  'FAULT_CONTROL_PORT',
  z.coerce.number().int().min(0).max(65_535).default(4001),
  'a port number (default 4001)',
);

/** Things to close again, the last opened first. */
const opened: (() => Promise<void>)[] = [];
let stopping: Promise<void> | undefined;

class StoppedError extends Error {}

/** Notes how to close what was just opened; when the demo is being stopped, closes it and goes no further. */
async function keep(close: () => Promise<void>): Promise<void> {
  if (stopping === undefined) opened.push(close);
  else {
    await close();
    throw new StoppedError();
  }
}

function stop(): Promise<void> {
  stopping ??= (async () => {
    for (let close = opened.pop(); close !== undefined; close = opened.pop()) await close();
  })();
  return stopping;
}

function say(line = ''): void {
  process.stdout.write(`${line}\n`);
}

async function demo(): Promise<void> {
  const { customers, port, faultControlPort } = readOptions();
  for (const [variable, wanted] of [
    ['PORT', port],
    ['FAULT_CONTROL_PORT', faultControlPort],
  ] as const) {
    await refuseTakenPort(variable, wanted);
  }

  say(`Stekkerdoos demo: ${customers} made-up customers, everything on this machine only.`);
  const startedAt = performance.now();
  const seconds = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
  say('  seeding and starting the systems ...');
  const standIns = await startStandIns({
    customers,
    onProgress: ({ name }) => {
      say(`  ${name} is up (${seconds()})`);
    },
  });
  await keep(() => standIns.close());
  const faults = await createFaultControl(standIns.standIns, { port: faultControlPort });
  await keep(() => faults.close());
  say(`  fault control is up (${seconds()})`);
  const url = await startGateway({ ...faults.settings, PORT: String(port) });
  say(`  gateway is up (${seconds()})`);
  tell(url, faults, customers);
  say(`ready ${url}/graphql`);
}

function readOptions() {
  const settings = new SettingsReader(process.env);
  const port = settings.read(GATEWAY_SETTINGS.port) ?? 0;
  const faultControlPort = settings.read(FAULT_CONTROL_PORT) ?? 0;
  const { values } = parseArgs({ options: { customers: { type: 'string', default: '1000' } }, strict: true });
  const customers = Number(values.customers);
  if (!Number.isInteger(customers) || customers < 1 || customers > 100_000) {
    settings.problems.push(`--customers must be a whole number from 1 to 100000.`);
  }
  settings.throwIfWrong();
  return { customers, port, faultControlPort };
}

/** Seeding takes seconds; that a port is taken is told before. */
async function refuseTakenPort(variable: string, port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    throw new ConfigError([
      `${variable} ${port} is taken by another program: stop that one, or set ${variable} to a free port.`,
    ]);
  }
  server.close();
  await once(server, 'close');
}

/** Starts the gateway and gives its address once it listens. */
async function startGateway(settings: Record<string, string>): Promise<string> {
  const child = fork(GATEWAY, {
    // A group of its own: Ctrl-C reaches this process alone, which stops things in order.
    detached: true,
    env: { ID_SECRET: DEMO_SECRET, LOG_LEVEL: 'warn', ...process.env, HOST: '127.0.0.1', ...settings },
  });
  await keep(() => stopChild(child));
  const message = await Promise.race([
    once(child, 'message').then(([first]: unknown[]) => first),
    once(child, 'exit').then(() => undefined),
  ]);
  if (typeof message !== 'string')
    throw new ConfigError(['The gateway did not start; what it said stands above.']);
  child.once('exit', (code) => {
    if (stopping !== undefined) return;
    say(`The gateway stopped by itself (code ${String(code)}).`);
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

function tell(url: string, faults: FaultControl, customers: number): void {
  say(`
GraphiQL       ${url}/graphql  (in a browser; ready-made examples are in its tabs)
endpoint       POST ${url}/graphql
health         ${url}/health/ready
fault control  ${faults.url}  (GET: counters; PUT /<source>: a bad day; DELETE: heal all)

Three queries to try:
  curl -s ${url}/graphql -H 'content-type: application/json' -d '{"query":"{ customer(by: {email: \\"everywhere@example.nl\\"}) { id name knownTo { source status } } }"}'
  curl -s ${url}/graphql -H 'content-type: application/json' -d '{"query":"{ customer(by: {email: \\"customer-7@example.nl\\"}) { orders(first: 2) { nodes { number lines { product { title } } } } tickets { subject } } }"}'
  curl -s ${url}/graphql -H 'content-type: application/json' -d '{"query":"{ customer(by: {email: \\"shared@example.nl\\"}) { name } }"}'

A bad day:
  curl -s -X PUT ${faults.url}/contact-centre -d '{"fault":"hang"}'

Customers: customer-1@example.nl to customer-${customers}@example.nl, and
  everywhere@example.nl   known to every system
  shop-only@example.nl    webshop and order system only
  orders-only@example.nl  order system only
  crm-only@example.nl     CRM only
  many-orders@example.nl  500 orders
  shared@example.nl       two people in the order system: nobody is shown
  nobody@example.nl       known nowhere

Ctrl-C stops everything and leaves nothing behind.
`);
}

let stoppedBySignal = false as boolean;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    stoppedBySignal = true;
    void stop();
  });
}

try {
  await demo();
} catch (error) {
  await stop();
  if (!(error instanceof StoppedError) && !stoppedBySignal) {
    process.stderr.write(`${error instanceof ConfigError ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
