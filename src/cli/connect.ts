import { randomBytes, randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { defineCommand } from 'citty';
import { sources as builtIn } from '../../sources/index.js';
import { createCallBudget, type CallBudget } from '../connect/call-budget.js';
import { connectSystem, filesOfSource, type Connected } from '../connect/connect.js';
import type { Draft } from '../connect/draft.js';
import { variableOf } from '../connect/http-system.js';
import { READERS } from '../connect/readers.js';
import { readTarget } from '../connect/target.js';
import { writeTogether } from '../connect/write-files.js';
import { milliseconds, type Duration } from '../duration.js';
import type { DeclaredSource } from '../declared/declared-source.js';
import { ConfigError, InvalidInputError } from '../errors.js';
import { loadProject, type ProjectOptions } from '../project/load-project.js';
import type { Environment } from '../settings.js';
import { answersOf, readKeys, readUniqueness, valuesOf, type AnsweredFlags } from './connect-answers.js';
import { confirmReplacing, personAt } from './connect-person.js';
import { printProgress, type CommandProgress } from './connect-progress.js';
import { callsToShow, showNewCustomer } from './connect-show.js';
import { knownCustomers } from './known-customers.js';
import { openOwnGateway, readStandardInput } from './own-gateway.js';
import { enterProject } from './start.js';

export const connect = defineCommand({
  meta: {
    name: 'connect',
    description:
      'Plugs a system in: measures it with calls that only read, and writes its source into a project. Example: stekkerdoos connect warranty https://api.example.com/openapi.json --yes',
  },
  args: {
    name: { type: 'positional', required: true, description: 'The name of the source, such as warranty' },
    what: {
      type: 'positional',
      required: false,
      description: `The system: ${READERS.map(({ label }) => label).join('; ')}. - reads standard input, such as a curl command`,
    },
    project: {
      type: 'string',
      valueHint: 'folder',
      default: '.',
      description: 'A project folder. Default: the current folder',
    },
    yes: { type: 'boolean', description: 'Takes every suggestion without a question' },
    dryRun: { type: 'boolean', description: 'Prints the files instead of writing them' },
    force: { type: 'boolean', description: 'Replaces existing files of the source' },
    kind: {
      type: 'string',
      valueHint: READERS.map(({ kind }) => kind).join('|'),
      description: 'The kind of the system. Default: the kind that its form shows',
    },
    by: {
      type: 'string',
      valueHint: 'call',
      description: 'The call that finds one person, as printed by step 1. Default: the best one',
    },
    key: {
      type: 'string',
      valueHint: 'kind=value',
      description:
        'A key of a person that the system knows, such as email=...; kind=- reads the value from standard input. May be repeated',
    },
    uniqueness: {
      type: 'string',
      valueHint: 'identifier=value',
      description:
        'How unique an identifier is: enforced, usual, verified or none, such as email=verified. May be repeated',
    },
    leaveOut: {
      type: 'string',
      valueHint: 'fields',
      description: 'Fields to leave out, as Type.field with commas between them',
    },
    calls: {
      type: 'string',
      valueHint: 'number',
      default: '20',
      description: 'The maximum number of calls to the system',
    },
    interval: {
      type: 'string',
      valueHint: 'duration',
      default: '1 s',
      description: 'The time between the starts of two calls, such as 200 ms',
    },
  },
  run: async ({ args, rawArgs }) => {
    const { name, what, yes = false, dryRun = false, force = false } = args;
    const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
    if (!isTerminal && !yes)
      throw new InvalidInputError(
        'Questions need a terminal. Add --yes to take the suggestions. A flag answers one question.',
      );
    const keys = valuesOf(rawArgs, '--key');
    if (what === '-' && keys.some((key) => key.endsWith('=-')))
      throw new InvalidInputError('Standard input can be the system or a key, not both.');
    const flags: AnsweredFlags = {
      by: args.by,
      keys: await readKeys(keys),
      uniqueness: readUniqueness(valuesOf(rawArgs, '--uniqueness')),
      leaveOut: args.leaveOut?.split(',').map((field) => field.trim()),
    };
    const most = readCalls(args.calls);
    const intervalMs = readInterval(args.interval);
    const target = await readTarget(what ?? '-', readStandardInput);
    // A relative path on the command line starts at its folder. Paths in settings start at the project.
    enterProject(args.project);
    const folder = process.cwd();
    const options = await loadProject(folder, builtIn, process.env);
    checkName(name, folder);
    const hasPerson = isTerminal && !yes;
    if (!dryRun && !force) await refuseReplacing(name, folder, hasPerson);

    const progress = printProgress(process.stdout.isTTY);
    const budget = createCallBudget({
      maxCalls: most - callsToShow(target),
      intervalMs,
      onCall: (used) => {
        progress.called(used, most);
      },
    });
    const known = await knownCustomers(withoutSource(options, name));
    if (known.problem !== undefined)
      progress.lines([
        `check: No other source is queried, because their gateway does not start: ${known.problem}`,
      ]);
    try {
      const connected = await connectSystem({
        ...{ source: name, target, readers: READERS, kind: args.kind, budget, known, progress },
        environment: options.environment,
        answers: answersOf(flags, hasPerson ? personAt({}, progress.pause) : undefined),
        findProblems: (compiled, values) => findProblems(compiled, { ...options.environment, ...values }),
        now: new Date(),
        seed: randomInt(MAX_SEED),
      });
      if (dryRun) printFiles(connected, progress);
      else await writeAndShow(connected, folder, { progress, budget });
    } finally {
      progress.pause();
      await known.close();
    }
  },
});

/**
 * Creates a gateway with this source alone. Its settings are not checked, because a variable may have no
 * value yet.
 */
async function findProblems(
  { source, sdl }: DeclaredSource,
  environment: Environment,
): Promise<readonly string[]> {
  try {
    const prefix = variableOf(source.name, '');
    const ofSource = Object.entries(environment).filter(([variable]) => variable.startsWith(prefix));
    const options = { sources: [source], sdl: { [source.name]: sdl }, leftOut: builtIn };
    const gateway = await openOwnGateway(
      withSecret({ ...options, environment: { ...Object.fromEntries(ofSource), AUTH: 'off' } }),
    );
    await gateway.close();
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.filter((problem) => problem.startsWith(`schema/sources/${source.name}.graphql`));
  }
}

async function writeAndShow(
  connected: Connected,
  folder: string,
  { progress, budget }: { progress: CommandProgress; budget: CallBudget },
): Promise<void> {
  const { draft, files, shown, values } = connected;
  writeTogether(folder, files);
  for (const path of Object.keys(files)) progress.found({ step: 'write', text: path });
  progress.begin('show', 'queries a sampled customer through a gateway with the new source');
  const { lines, isShown } = await showNewCustomer(connected, async () => {
    const options = await loadProject(folder, builtIn, { ...process.env, ...values });
    const sources = options.sources.map((source) => (source.name === draft.source ? shown : source));
    return openOwnGateway(withSecret({ ...options, sources }));
  });
  progress.lines([...lines, '', ...nextSteps(draft, budget)]);
  if (!isShown) process.exitCode = 1;
}

/** The options of a gateway without the source that is connected. */
function withoutSource(options: ProjectOptions, newName: string): ProjectOptions {
  const { sources, leftOut } = options;
  const isNew = ({ name }: { name: string }) => name === newName;
  return withSecret({
    ...options,
    sources: sources.filter((source) => !isNew(source)),
    leftOut: [...leftOut, ...sources.filter(isNew)],
  });
}

/** A project may have no secret yet. Ids of customers are not stored here, so any secret is sufficient. */
function withSecret<Options extends { environment: Environment }>(options: Options): Options {
  const { ID_SECRET, ID_SECRET_FILE } = options.environment;
  if ((ID_SECRET ?? '') !== '' || (ID_SECRET_FILE ?? '') !== '') return options;
  const secret = randomBytes(24).toString('base64url');
  return { ...options, environment: { ...options.environment, ID_SECRET: secret } };
}

function printFiles({ files, draft }: Connected, progress: CommandProgress): void {
  for (const [path, text] of Object.entries(files)) progress.lines(['', `${path}:`, '', text.trimEnd()]);
  progress.lines(['', ...variablesOf(draft), 'Nothing was written, because of --dry-run.']);
}

function nextSteps(draft: Draft, { used }: CallBudget): string[] {
  return [
    ...variablesOf(draft),
    `${used} calls were sent to measure the system. Test the source: stekkerdoos test ${draft.source}`,
  ];
}

function variablesOf({ variables }: Draft): string[] {
  const width = Math.max(...Object.keys(variables).map((variable) => variable.length));
  return [
    'The gateway needs these variables, for example in .env, which git ignores:',
    ...Object.entries(variables).map(([variable, meaning]) => `  ${variable.padEnd(width)}  ${meaning}`),
  ];
}

const MAX_SEED = 2 ** 48 - 1;
/** The minimum number of calls that measuring needs. */
const MIN_CALLS = 6;
const MAX_CALLS = 1_000;

function readCalls(text: string): number {
  const calls = Number(text);
  if (Number.isInteger(calls) && calls >= MIN_CALLS && calls <= MAX_CALLS) return calls;
  throw new InvalidInputError(`--calls must be a whole number from ${MIN_CALLS} to ${MAX_CALLS}.`);
}

function readInterval(text: string): number {
  try {
    return milliseconds(text as Duration);
  } catch {
    throw new InvalidInputError('--interval must be a duration such as "200 ms" or "2 s".');
  }
}

/** Checks that a source can have the name. */
function checkName(name: string, folder: string): void {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name))
    throw new InvalidInputError('The name of a source is in lower case with dashes, such as driving-school.');
  if (builtIn.some((source) => source.name === name))
    throw new InvalidInputError(`"${name}" is the name of a source of the package. Use another name.`);
  if (existsSync(join(folder, 'sources', name)))
    throw new InvalidInputError(`sources/${name} is a source in code. Use another name.`);
}

async function refuseReplacing(source: string, folder: string, hasPerson: boolean): Promise<void> {
  const existing = Object.values(filesOfSource(source)).filter((path) => existsSync(join(folder, path)));
  if (existing.length === 0 || (hasPerson && (await confirmReplacing(existing, {})))) return;
  throw new InvalidInputError(
    `These files exist: ${existing.join(', ')}. Use another name, or --force to replace them. No call was sent.`,
  );
}
