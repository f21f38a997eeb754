import { resolve } from 'node:path';
import { defineCommand } from 'citty';
import { ConfigError } from '../errors.js';
import { GATEWAY_FILE, isProject } from '../project/project-folder.js';

export const start = defineCommand({
  meta: { name: 'start', description: 'Starts the gateway. Example: stekkerdoos start --project my-gateway' },
  args: {
    project: {
      type: 'string',
      valueHint: 'folder',
      description: 'A project folder. Default: the current folder, if it has a gateway.yaml',
    },
    check: {
      type: 'boolean',
      description: 'Checks settings, sources and schema, and does not start. No system is called',
    },
    workers: {
      type: 'string',
      valueHint: 'number',
      description: 'Worker processes, to use all cores. More than one need REDIS_URL. Default: WORKERS, or 1',
    },
  },
  run: async ({ args: { project, workers, check } }) => {
    if (project !== undefined) enterProject(project);
    if (check) {
      await checkOptions();
      return;
    }
    if (workers !== undefined) Object.assign(process.env, { WORKERS: workers, WORKERS_FILE: '' });
    await import('../process/main.js');
  },
});

/** Makes a project folder the working directory, where its relative paths start. */
export function enterProject(folder: string): void {
  process.chdir(projectFolder(folder));
}

/** The absolute path of a project folder. Throws a ConfigError if it is none. */
export function projectFolder(folder: string): string {
  const path = resolve(folder);
  if (!isProject(path))
    throw new ConfigError([
      `${path} has no ${GATEWAY_FILE}. Make a project folder: stekkerdoos init ${folder}`,
    ]);
  return path;
}

/** Creates the gateway without a port, and closes it. Throws a ConfigError that lists all problems. */
async function checkOptions(): Promise<void> {
  const [{ createGateway }, { readOptions }] = await Promise.all([
    import('../gateway.js'),
    import('../process/options.js'),
  ]);
  const gateway = createGateway({ ...(await readOptions()), auditSuffix: '.check' });
  process.stdout.write(`The settings are right. Sources: ${gateway.sources.join(', ')}.\n`);
  await gateway.close();
}
