import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineCommand } from 'citty';
import { sources as builtIn } from '../../sources/index.js';
import { didYouMean } from '../did-you-mean.js';
import { ConfigError, InvalidInputError } from '../errors.js';
import { loadProject } from '../project/load-project.js';
import { checkSource, type CheckReport } from '../recordings/check-source.js';
import { readRecording } from '../recordings/read-recording.js';
import { testDependencies } from './gateway-under-test.js';
import { readBy } from './own-gateway.js';
import { projectFolder } from './start.js';

/** The variable with the key of the check, if the command line has none. */
const KEY_VARIABLE = 'STEKKERDOOS_CHECK_KEY';

export const check = defineCommand({
  meta: {
    name: 'check',
    description:
      'Compares a live system with the recording and the SDL of its source. It reads only. Exit code 0: no change, 1: harmless changes, 2: breaking changes. Example: stekkerdoos check warranty --key email=...',
  },
  args: {
    source: { type: 'positional', required: true, description: 'The source to check' },
    project: {
      type: 'string',
      valueHint: 'folder',
      default: '.',
      description: 'A project folder. Default: the current folder',
    },
    key: {
      type: 'string',
      valueHint: 'kind=value',
      description: `A key of a record in the live system, such as email=...; kind=- reads the value from standard input. Default: ${KEY_VARIABLE}`,
    },
    apply: { type: 'boolean', description: 'Writes harmless changes to the recording' },
    json: { type: 'boolean', description: 'Prints the results as JSON' },
  },
  run: async ({ args: { source: name, project, key, apply, json } }) => {
    const folder = projectFolder(project);
    const text = key ?? process.env[KEY_VARIABLE] ?? '';
    if (text === '')
      throw new InvalidInputError(
        `The recording has only made-up keys. Add --key email=..., or set ${KEY_VARIABLE}, with a key of the live system.`,
      );
    const options = await loadProject(folder, builtIn, process.env);
    const source = options.sources.find((found) => found.name === name);
    if (source === undefined) {
      if (options.problems.length > 0) throw new ConfigError(options.problems);
      const names = Object.keys(options.sdl);
      throw new InvalidInputError(
        `This project has no source "${name}".${didYouMean(name, names)} Its sources are ${names.join(', ')}.`,
      );
    }
    const path = join(folder, 'sources', `${name}.recording.json`);
    const recording = readRecording(path, name);
    if (recording === undefined)
      throw new InvalidInputError(
        `The source "${name}" has no recording, sources/${name}.recording.json. Record the system: stekkerdoos connect ${name}.`,
      );
    const { sdl, environment } = options;
    const report = await checkSource(
      { source, sdl: sdl[name], recording, environment, by: await readBy(text) },
      testDependencies,
    );
    const applied = report.drift.flatMap((drift) => (drift.apply === undefined ? [] : [drift.apply]));
    if (apply === true && applied.length > 0) {
      for (const change of applied) change(recording);
      writeFileSync(path, `${JSON.stringify(recording, null, 2)}\n`);
    }
    process.stdout.write(json === true ? `${jsonOf(report)}\n` : `${linesOf(report).join('\n')}\n`);
    process.exitCode = report.drift.some(({ severity }) => severity === 'breaking')
      ? 2
      : report.drift.length > 0
        ? 1
        : 0;
  },
});

function jsonOf({ source, drift, notChecked }: CheckReport): string {
  const changes = drift.map(({ apply, ...change }) => ({ ...change, canBeApplied: apply !== undefined }));
  return JSON.stringify({ source, changes, notChecked }, null, 2);
}

function linesOf({ source, drift, notChecked }: CheckReport): string[] {
  return [
    drift.length === 0 ? `${source}: no change` : `${source}: ${drift.length} changes`,
    ...drift.map(
      ({ severity, call, path, text }) =>
        `  ${[severity, call, path, text].filter((part) => part !== undefined && part !== '').join(' ')}`,
    ),
    ...(notChecked.length === 0
      ? []
      : [`  not checked: ${notChecked.join(', ')}. These calls have no record for the key.`]),
    ...(drift.some(({ apply }) => apply !== undefined)
      ? ['  Add --apply to write harmless changes to the recording.']
      : []),
    ...(drift.some(({ severity }) => severity === 'breaking')
      ? ['  Correct the declaration, then record the system again: stekkerdoos connect.']
      : []),
  ];
}
