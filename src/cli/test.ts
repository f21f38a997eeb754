import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineCommand } from 'citty';
import { sources as builtIn } from '../../sources/index.js';
import { didYouMean } from '../did-you-mean.js';
import { ConfigError, InvalidInputError } from '../errors.js';
import { loadProject, type ProjectOptions } from '../project/load-project.js';
import { readRecording } from '../recordings/read-recording.js';
import { isPassed, junitOf, linesOf, type TestReport } from '../recordings/report.js';
import { testSource, type SourceReport } from '../recordings/test-source.js';
import { testDependencies } from './gateway-under-test.js';
import { projectFolder } from './start.js';

export const test = defineCommand({
  meta: {
    name: 'test',
    description:
      'Tests the sources of a project against their recordings, with faults and without network. Example: stekkerdoos test warranty --junit test.xml',
  },
  args: {
    source: {
      type: 'positional',
      required: false,
      description: 'The source to test. Default: all sources of the project',
    },
    project: {
      type: 'string',
      valueHint: 'folder',
      default: '.',
      description: 'A project folder. Default: the current folder',
    },
    only: {
      type: 'string',
      valueHint: 'promises',
      description: 'Checks only the promises with these names, such as pages,bound',
    },
    junit: { type: 'string', valueHint: 'file', description: 'Also writes the results as JUnit XML' },
    json: { type: 'boolean', description: 'Prints the results as JSON' },
  },
  run: async ({ args: { source, project, only, junit, json } }) => {
    const folder = projectFolder(project);
    const options = await loadProject(folder, builtIn, process.env);
    const names = namesOf(folder, options);
    if (source !== undefined && !names.includes(source))
      throw new InvalidInputError(
        `This project has no source "${source}".${didYouMean(source, names)} Its sources are ${names.join(', ')}.`,
      );
    const tested = source === undefined ? names : [source];
    if (tested.length === 0)
      throw new ConfigError(['This project has no source. Add one: stekkerdoos connect.']);
    const reports: SourceReport[] = [];
    for (const name of tested) {
      const report = await testOne(folder, name, options, only?.split(','));
      reports.push(report);
      if (json !== true) process.stdout.write(`${linesOf(report).join('\n')}\n`);
    }
    const report: TestReport = { sources: reports };
    if (json === true) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    if (junit !== undefined) writeFileSync(junit, junitOf(report));
    if (!isPassed(report)) process.exitCode = 1;
  },
});

/** The sources of the folder, including those with problems. */
function namesOf(folder: string, { sdl }: ProjectOptions): string[] {
  const place = join(folder, 'sources');
  const inFolder = existsSync(place)
    ? readdirSync(place, { withFileTypes: true }).flatMap((entry) => {
        if (entry.isDirectory()) return [entry.name];
        return entry.name.endsWith('.yaml') ? [entry.name.slice(0, -'.yaml'.length)] : [];
      })
    : [];
  return [...new Set([...Object.keys(sdl), ...inFolder])].sort();
}

async function testOne(
  folder: string,
  name: string,
  options: ProjectOptions,
  only: readonly string[] | undefined,
): Promise<SourceReport> {
  const problems = options.problems.filter((problem) => ofSource(name, problem));
  const source = options.sources.find((found) => found.name === name);
  const recording = readRecording(join(folder, 'sources', `${name}.recording.json`), name);
  if (recording === undefined)
    return notTested(
      name,
      `It has no recording, sources/${name}.recording.json. Record the system: stekkerdoos connect ${name}.`,
    );
  const declaration = {
    id: 'declaration',
    promise: 'is declared without problems',
    durationMs: 0,
  };
  if (problems.length > 0 || source === undefined)
    return {
      source: name,
      promises: [
        {
          ...declaration,
          outcome: 'failed',
          detail: problems.join(' ') || `gateway.yaml leaves out the source "${name}".`,
          remedy: 'Correct the files of the source.',
        },
      ],
    };
  const report = await testSource({ source, sdl: options.sdl[name], recording, only }, testDependencies);
  return { ...report, promises: [{ ...declaration, outcome: 'ok' }, ...report.promises] };
}

function notTested(source: string, reason: string): SourceReport {
  return { source, notTested: reason, promises: [] };
}

/** Whether a problem of the project is about the files of the source. */
function ofSource(name: string, problem: string): boolean {
  return [
    `sources/${name}.yaml`,
    `sources/${name}/`,
    `sources/${name} `,
    `schema/sources/${name}.graphql`,
  ].some((file) => problem.startsWith(file));
}
