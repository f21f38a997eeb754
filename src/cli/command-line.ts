import { defineCommand, runCommand, runMain } from 'citty';
import { GatewayError, InvalidInputError } from '../errors.js';
import { findMistake } from './mistakes.js';
import { usageOf } from './usage.js';

/** `stekkerdoos <verb>`: one file for each verb, imported when it runs. */
export const stekkerdoos = defineCommand({
  meta: { name: 'stekkerdoos', description: 'One live customer view over all systems of an organisation.' },
  subCommands: {
    ask: () => import('./ask.js').then(({ showCustomer }) => showCustomer),
    audit: () => import('./audit.js').then(({ audit }) => audit),
    bulk: () => import('./bulk.js').then(({ bulk }) => bulk),
    check: () => import('./check.js').then(({ check }) => check),
    connect: () => import('./connect.js').then(({ connect }) => connect),
    demo: () => import('./demo.js').then(({ demo }) => demo),
    dev: () => import('./dev.js').then(({ dev }) => dev),
    doctor: () => import('./doctor.js').then(({ doctor }) => doctor),
    export: () => import('./export.js').then(({ exportAll }) => exportAll),
    forget: () => import('./forget.js').then(({ forget }) => forget),
    init: () => import('./init.js').then(({ init }) => init),
    keys: () => import('./keys.js').then(({ keys }) => keys),
    start: () => import('./start.js').then(({ start }) => start),
    test: () => import('./test.js').then(({ test }) => test),
    webhooks: () => import('./webhooks.js').then(({ webhooks }) => webhooks),
  },
});

/**
 * Runs a command, and sets the exit code of this process. Exit code 0: success. 1: a check failed, or `start` failed. 2: the
 * command could not run.
 */
export async function runCommandLine(rawArgs: string[]): Promise<void> {
  if (rawArgs.some((word) => word === '--help' || word === '-h')) {
    await runMain(stekkerdoos, {
      rawArgs,
      showUsage: async (command, parent) => {
        process.stdout.write(`${await usageOf(command, parent)}\n`);
      },
    });
    return;
  }
  try {
    const mistake = await findMistake(stekkerdoos, rawArgs);
    if (mistake !== undefined) throw new InvalidInputError(`${mistake} See: stekkerdoos --help`);
    await runCommand(stekkerdoos, { rawArgs });
  } catch (error) {
    process.exitCode = 2;
    process.stderr.write(`${explain(error)}\n`);
  }
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // A mistake in the command line.
  if (error.name === 'CLIError') return `${error.message} See: stekkerdoos --help`;
  const isDefect = !(error instanceof GatewayError) && !('code' in error);
  return isDefect ? (error.stack ?? error.message) : error.message;
}
