import { defineCommand } from 'citty';
import { WATCH } from '../process/serve.js';
import { enterProject } from './start.js';

export const dev = defineCommand({
  meta: {
    name: 'dev',
    description:
      'Starts the gateway of a project folder, and reloads it when a file changes. Example: stekkerdoos dev',
  },
  args: {
    project: {
      type: 'string',
      valueHint: 'folder',
      default: '.',
      description: 'A project folder. Default: the current folder',
    },
  },
  run: async ({ args: { project } }) => {
    enterProject(project);
    process.env[WATCH] = '1';
    await import('../process/main.js');
  },
});
