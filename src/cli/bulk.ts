import { randomUUID } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { extname } from 'node:path';
import { defineCommand } from 'citty';
import type { Bulk, BulkRequest, BulkRunnable } from '../bulk/bulk.js';
import { checkPlan, type BulkPlan } from '../bulk/plan.js';
import { csvRows } from '../bulk/write-rows.js';
import { parseObject, type InputLine } from '../bulk/read-lines.js';
import type { Row } from '../bulk/run-bulk.js';
import { didYouMean } from '../did-you-mean.js';
import { InvalidInputError } from '../errors.js';
import { finish, hasFailed, openRows, readInput, replaceRows, rowsIn } from './bulk-files.js';
import { durationText, printBulkProgress } from './bulk-progress.js';
import { callerAs, openOwnGateway } from './own-gateway.js';
import { enterProject } from './start.js';

const OUT_KINDS = ['.ndjson', '.jsonl', '.csv', '.parquet'];

export const bulk = defineCommand({
  meta: {
    name: 'bulk',
    description:
      'Answers a persisted operation for each line of a file. An interrupted run continues where it was. Exit code 1: some lines failed. Example: stekkerdoos bulk profiles --in people.csv --out profiles.ndjson',
  },
  args: {
    operation: {
      type: 'positional',
      required: true,
      description: 'The name of a persisted operation of one customer, in any case',
    },
    in: {
      type: 'string',
      valueHint: 'file',
      description:
        'A .csv file with a header, or a .ndjson file; one column is a kind of identifier, such as email',
    },
    audience: {
      type: 'string',
      valueHint: 'name',
      description:
        'A named audience whose members are the lines, instead of --in. Such a run starts from the beginning',
    },
    out: {
      type: 'string',
      required: true,
      valueHint: 'file',
      description: `The file to write: ${OUT_KINDS.join(', ')}. Until the run is finished, its rows are in <file>.part`,
    },
    variables: { type: 'string', valueHint: 'json', description: 'The other variables of the operation' },
    plan: {
      type: 'boolean',
      default: false,
      description: 'Prints the calls and the time, and calls no system',
    },
    retryFailed: {
      type: 'boolean',
      default: false,
      description: 'Runs only the failed lines of a finished .ndjson file again, and replaces their rows',
    },
    role: { type: 'string', default: 'operator', description: 'The role whose permissions and masks apply' },
    purpose: {
      type: 'string',
      description: 'What the data is used for. Default: the default purpose of the role',
    },
    project: {
      type: 'string',
      valueHint: 'folder',
      description: 'A project folder. Default: the current folder, if it has a gateway.yaml',
    },
  },
  run: async ({ args }) => {
    const { out, retryFailed } = args;
    checkOut(out, retryFailed);
    if (args.project !== undefined) enterProject(args.project);
    const gateway = await openOwnGateway();
    try {
      const caller = callerAs(gateway, args.role, args.purpose);
      const request: BulkRequest = {
        runnable: findOperation(gateway.bulk, args.operation),
        principal: gateway.principalOf(caller, caller.defaultPurpose),
        requestId: randomUUID(),
        variables: readVariables(args.variables),
      };
      if (args.audience !== undefined) {
        if (args.in !== undefined || args.plan || retryFailed)
          throw new InvalidInputError('--audience cannot be combined with --in, --plan or --retry-failed.');
        await runAudience(gateway.bulk, request, { audience: args.audience, out });
        return;
      }
      if (args.in === undefined)
        throw new InvalidInputError(
          'Give a file of lines with --in, or the name of an audience with --audience.',
        );
      const input = readInput(args.in, gateway.bulk.kinds);
      const failed = retryFailed ? await failedLines(out) : undefined;
      const lines = failed === undefined ? input : input.filter(({ line }) => failed.has(line));
      const plan = gateway.bulk.plan(request, lines.length);
      process.stderr.write(`${planText(plan)}\n`);
      if (args.plan) return;
      checkPlan(plan);
      await runLines(gateway.bulk, request, lines, { out, isRetry: retryFailed });
    } finally {
      await gateway.close();
    }
  },
});

/** Runs the operation for the members of an audience. The members of an interrupted run may be others, so it is not continued. */
async function runAudience(
  bulk: Bulk,
  request: BulkRequest,
  { audience, out }: { audience: string; out: string },
): Promise<void> {
  const part = `${out}.members`;
  const discard = () => {
    rmSync(part, { force: true });
  };
  discard();
  try {
    const file = await openRows(part, []);
    const failures = await writeRows(bulk.runAudience(audience, request), file, {
      interrupt: () => {
        discard();
        process.stderr.write('\nInterrupted. Run the same command again to start from the beginning.\n');
        process.exit(130);
      },
    });
    await finish(part, out, () => csvRows(request.runnable.operation.single, ['id'], bulk.schema));
    reportEnd(out, failures, false);
  } finally {
    discard();
  }
}

async function runLines(
  bulk: Bulk,
  request: BulkRequest,
  lines: readonly InputLine[],
  { out, isRetry }: { out: string; isRetry: boolean },
): Promise<void> {
  const part = isRetry ? `${out}.retry` : `${out}.part`;
  const file = await openRows(part, lines);
  const rest = lines.filter(({ line }) => line > file.lastLine);
  if (rest.length < lines.length)
    process.stderr.write(`Continuing after line ${file.lastLine}: ${rest.length} lines are left.\n`);
  const failures = await writeRows(bulk.run(rest, request), file, {
    lines: rest.length,
    // Each row is in the file when its write returns, so the process can end at any moment.
    interrupt: () => {
      process.stderr.write('\nInterrupted. Run the same command again to continue.\n');
      process.exit(130);
    },
  });
  if (isRetry) await replaceRows(out, part);
  else
    await finish(part, out, () =>
      csvRows(request.runnable.operation.single, Object.keys(lines[0]?.input ?? {}), bulk.schema),
    );
  reportEnd(out, failures, /json/.test(extname(out)));
}

/** Writes rows to a file, with progress. Returns the number of failed rows. `lines` is their number, if it is known. */
async function writeRows(
  rows: AsyncIterable<Row>,
  file: Awaited<ReturnType<typeof openRows>>,
  { lines, interrupt }: { lines?: number; interrupt: () => never },
): Promise<number> {
  const progress = printBulkProgress({
    ...(lines === undefined ? {} : { lines }),
    isTerminal: process.stderr.isTTY,
    print: (text) => process.stderr.write(text),
    now: () => performance.now(),
  });
  process.once('SIGINT', interrupt);
  let failures = 0;
  try {
    for await (const row of rows) {
      file.write(row);
      progress.row(row);
      if (hasFailed(row)) failures += 1;
    }
  } finally {
    process.removeListener('SIGINT', interrupt);
    file.close();
  }
  progress.end();
  return failures;
}

function reportEnd(out: string, failures: number, canRetry: boolean): void {
  process.stdout.write(`${out}\n`);
  if (failures === 0) return;
  process.exitCode = 1;
  process.stderr.write(
    canRetry
      ? `${failures} lines failed. Run them again alone with --retry-failed.\n`
      : `${failures} lines failed.\n`,
  );
}

function checkOut(out: string, isRetry: boolean): void {
  const kind = extname(out).toLowerCase();
  if (!OUT_KINDS.includes(kind)) throw new InvalidInputError(`--out must end with ${OUT_KINDS.join(', ')}.`);
  if (!isRetry && existsSync(out) && !existsSync(`${out}.part`))
    throw new InvalidInputError(
      `${out} exists. Remove it, name another file, or run its failed lines again with --retry-failed.`,
    );
  if (isRetry && (!/json/.test(kind) || !existsSync(out)))
    throw new InvalidInputError('--retry-failed needs --out with the .ndjson file of a finished run.');
}

function findOperation(bulk: Bulk, name: string): BulkRunnable {
  if (!bulk.names.some((known) => known.toLowerCase() === name.toLowerCase()))
    throw new InvalidInputError(
      `There is no persisted operation "${name}".${didYouMean(name, bulk.names)} The operations are ${bulk.names.join(', ')}.`,
    );
  return bulk.find(name);
}

function readVariables(text = '{}'): Readonly<Record<string, unknown>> {
  const variables = parseObject(text);
  if (variables === undefined)
    throw new InvalidInputError('--variables must be a JSON object, such as {"first": 5}.');
  return variables;
}

async function failedLines(out: string): Promise<ReadonlySet<number>> {
  const failed = new Set<number>();
  for await (const { row } of rowsIn(out)) if (hasFailed(row)) failed.add(row.line);
  return failed;
}

function planText({ lines, systems, seconds, basis, points }: BulkPlan): string {
  const calls = systems
    .filter((system) => system.calls > 0)
    .map((system) => `${system.source} ${system.calls}`);
  const time = seconds === 0 ? '' : `, about ${durationText(seconds)}`;
  const known = basis === 'MEASURED' ? 'from earlier lines' : 'as declared, without cached records';
  return `${lines} lines, ${points} points at most${time}. Calls (${known}): ${calls.join(', ')}`;
}
