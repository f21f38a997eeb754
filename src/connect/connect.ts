import { declaredSource, type DeclaredSource } from '../declared/declared-source.js';
import { describeProblem } from '../declared/problems.js';
import { didYouMean } from '../did-you-mean.js';
import { InvalidInputError } from '../errors.js';
import { recordingSchema } from '../recordings/recording.js';
import type { Environment } from '../settings.js';
import type { SourceDefinition } from '../source.js';
import type { CallBudget } from './call-budget.js';
import type { Decisions, Draft, FieldPrivacy, Finding } from './draft.js';
import { withoutPersonalDescriptions } from './personal-texts.js';
import type { Candidate, Look, Questions, ReaderKind, Target } from './reader.js';
import { suggestIdentity, type Known } from './suggest/identity.js';
import { suggestPrivacy } from './suggest/privacy.js';
import { chooseKind } from './target.js';
import { writeDeclaration } from './write/declaration.js';
import { writePage } from './write/page.js';
import { writeRecording } from './write/recording.js';
import { writeSdl } from './write/sdl.js';
import type { ProjectFiles } from './write-files.js';

/**
 * The first five steps of `stekkerdoos connect`. The sixth shows a customer. It needs a gateway, so the
 * command runs it.
 */

export type Step = Finding['step'];
export type Uniqueness = Decisions['foundBy'][string]['uniqueness'];

/** The questions of all steps. Each has a flag. Without an answer, the suggestion is taken. */
export interface Answers extends Questions {
  /** `--by`: the name of the chosen call. Undefined: the best one. */
  candidate(candidates: readonly Candidate[]): Promise<string | undefined>;
  /** `--uniqueness`: by namespace. */
  uniqueness(suggested: Readonly<Record<string, Uniqueness>>): Promise<Readonly<Record<string, Uniqueness>>>;
  /** `--leave-out`: fields to leave out of the SDL, as `Type.field`. */
  leaveOut(suggested: Decisions['privacy']): Promise<readonly string[]>;
}

/** Where steps report what they do and find. */
export interface Progress {
  /** Begins a step. `doing` describes it in a few words. */
  begin(step: Step, doing: string): void;
  found(finding: Finding): void;
}

export interface ConnectRequest {
  /** The name of the source. */
  source: string;
  target: Target;
  readers: readonly ReaderKind[];
  /** The answer to `--kind`. */
  kind: string | undefined;
  environment: Environment;
  budget: CallBudget;
  answers: Answers;
  /** What the plugged-in sources know. */
  known: Known;
  progress: Progress;
  /** The problems that a gateway has with the source alone, such as those of its SDL in the whole schema. */
  findProblems(source: DeclaredSource, values: Environment): Promise<readonly string[]>;
  now: Date;
  /**
   * The random seed of the made-up values in the recording. It must be secret: with it, others can test
   * whether the records had a value.
   */
  seed: number;
}

/** A system that is ready to be plugged in. */
export interface Connected {
  draft: Draft;
  decisions: Decisions;
  /** The files of the source. They have no secret and no personal value of the system. */
  files: ProjectFiles;
  /** The source for step 6. Only its own ids identify a customer, so that showing one takes one call. */
  shown: SourceDefinition;
  /** The values of the variables that the declaration names, as far as the target has them. They are not written. */
  values: Environment;
}

/** The paths of the files of a source in a project folder. */
export function filesOfSource(source: string): {
  declaration: string;
  sdl: string;
  recording: string;
  page: string;
} {
  return {
    declaration: `sources/${source}.yaml`,
    sdl: `schema/sources/${source}.graphql`,
    recording: `sources/${source}.recording.json`,
    page: `sources/${source}.md`,
  };
}

/** Reads a system, measures it, and makes the files of its source. Throws an InvalidInputError if the system is refused. */
export async function connectSystem(request: ConnectRequest): Promise<Connected> {
  const { source, environment, budget, answers, known, progress } = request;
  const findings: Finding[] = [];
  const report = (found: readonly Finding[]): void => {
    for (const finding of found) progress.found(finding);
    findings.push(...found);
  };

  progress.begin('look', 'reads how the system describes itself');
  const { kind, target } = await chooseKind(request);
  const reader = await kind.open({ source, target, environment, budget, questions: answers });
  try {
    const look = await reader.look();
    report([{ step: 'look', text: `The kind of the system is ${kind.kind}.` }]);
    report(look.findings);
    report(look.candidates.map(({ name, evidence }) => ({ step: 'look', text: `${name}: ${evidence}` })));
    const candidate = await chooseCandidate(look, answers);

    progress.begin('measure', `measures ${candidate.name}, and reads only`);
    const { draft: measuredDraft, findings: measured, values } = await reader.measure(candidate);
    report(measured);
    report([{ step: 'measure', text: `${budget.used} calls were sent, which only read.` }]);

    progress.begin('identity', 'compares sampled values with identifiers, and with the plugged-in sources');
    const { identity, findings: identified } = await suggestIdentity(measuredDraft, known);
    report(identified);
    const decided = { ...identity, foundBy: await answerUniqueness(identity.foundBy, answers) };

    progress.begin('privacy', 'classifies each field by its name and its sampled values');
    const suggested = suggestPrivacy(measuredDraft);
    report(suggested.findings);
    const decisions = { ...decided, privacy: await answerPrivacy(suggested.privacy, answers) };

    const draft = withoutPersonalDescriptions(measuredDraft, decisions.privacy);
    progress.begin('write', 'replaces personal values, and writes the files of the source');
    const files = makeFiles(draft, decisions, findings, request);
    refuseSecrets(files, values);
    const shown = compileWithoutLinks(draft, decisions);
    const problems = await request.findProblems(shown, values);
    if (problems.length > 0) throw refusal(problems);
    return { draft, decisions, files, shown: shown.source, values };
  } finally {
    await reader.close();
  }
}

async function chooseCandidate({ candidates, findings }: Look, answers: Answers): Promise<Candidate> {
  const [best] = candidates;
  if (best === undefined) {
    const reasons = findings.filter(({ isWarning }) => isWarning).map(({ text }) => `  ${text}`);
    throw new InvalidInputError(['The system has no call that finds one person.', ...reasons].join('\n'));
  }
  const by = await answers.candidate(candidates);
  if (by === undefined) return best;
  const names = candidates.map(({ name }) => name);
  const chosen = candidates.find(({ name }) => name === by);
  if (chosen !== undefined) return chosen;
  throw new InvalidInputError(
    [
      `No call "${by}" finds a person.${didYouMean(by, names)} Use one of:`,
      ...names.map((name) => `  ${name}`),
    ].join('\n'),
  );
}

async function answerUniqueness(
  foundBy: Decisions['foundBy'],
  answers: Answers,
): Promise<Decisions['foundBy']> {
  const suggested = mapValues(foundBy, ({ uniqueness }) => uniqueness);
  const answered = await answers.uniqueness(suggested);
  refuseUnknown('identifier', Object.keys(answered), Object.keys(foundBy));
  return Object.fromEntries(
    Object.entries(foundBy).map(([namespace, { call, uniqueness }]) => [
      namespace,
      { call, uniqueness: answered[namespace] ?? uniqueness },
    ]),
  );
}

async function answerPrivacy(
  suggested: Decisions['privacy'],
  answers: Answers,
): Promise<Decisions['privacy']> {
  const leftOut = await answers.leaveOut(suggested);
  refuseUnknown('field', leftOut, Object.keys(suggested));
  const unwanted: FieldPrivacy = { leftOutBecause: '--leave-out names it' };
  return { ...suggested, ...Object.fromEntries(leftOut.map((field) => [field, unwanted])) };
}

function refuseUnknown(what: string, named: readonly string[], known: readonly string[]): void {
  const unknown = named.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new InvalidInputError(
      `The source has no ${what} "${unknown}".${didYouMean(unknown, known)} It has ${known.join(', ')}.`,
    );
}

/** The source in which only its own ids identify a customer. */
function compileWithoutLinks(draft: Draft, decisions: Decisions): DeclaredSource {
  const foundBy = mapValues(decisions.foundBy, (found) =>
    found === decisions.foundBy[decisions.recordKey] ? found : { ...found, uniqueness: 'none' as const },
  );
  const changed: Decisions = { ...decisions, foundBy };
  // A retry would be a further call to the system.
  const once: Draft = { ...draft, limits: { ...draft.limits, retries: 0 } };
  return compileSource(draft.source, writeDeclaration(once, changed), writeSdl(draft, changed));
}

function makeFiles(
  draft: Draft,
  decisions: Decisions,
  findings: readonly Finding[],
  { now, seed }: ConnectRequest,
): ProjectFiles {
  const { source } = draft;
  const paths = filesOfSource(source);
  const recording = writeRecording(draft, decisions, { seed, recordedAt: now.toISOString() });
  const yaml = writeDeclaration(draft, decisions);
  const sdl = writeSdl(draft, decisions);
  compileSource(source, yaml, sdl);
  return {
    [paths.declaration]: yaml,
    [paths.sdl]: sdl,
    [paths.recording]: `${JSON.stringify(recordingSchema.parse(recording), null, 2)}\n`,
    [paths.page]: writePage(draft, decisions, findings, now),
  };
}

function compileSource(source: string, yaml: string, sdl: string): DeclaredSource {
  const paths = filesOfSource(source);
  const compiled = declaredSource({ file: paths.declaration, yaml, sdlFile: paths.sdl, sdl });
  if ('problems' in compiled) throw refusal(compiled.problems.map(describeProblem));
  return compiled;
}

function refusal(problems: readonly string[]): InvalidInputError {
  return new InvalidInputError(
    [
      'Nothing was written, because the gateway would refuse the files. Leave out these fields with --leave-out:',
      ...problems.map((problem) => `  ${problem}`),
    ].join('\n'),
  );
}

/** A shorter value can be part of a text by chance. */
const MIN_SECRET_CHARACTERS = 8;

/** Nothing is written if a file has a secret, because a system may repeat it. */
function refuseSecrets(files: ProjectFiles, values: Environment): void {
  const secrets = Object.entries(values).flatMap(([variable, value = '']) => {
    if (/_(TOKEN|PASSWORD|KEY|SECRET)$/.test(variable)) return value;
    return URL.canParse(value) ? decodeURIComponent(new URL(value).password) : [];
  });
  for (const [path, text] of Object.entries(files))
    if (secrets.some((secret) => secret.length >= MIN_SECRET_CHARACTERS && text.includes(secret)))
      throw new InvalidInputError(
        `Nothing was written, because ${path} would have a credential of the system. The system repeats it in its description or its answers.`,
      );
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}
