import { defineCommand } from 'citty';

export const start = defineCommand({
  meta: { name: 'start', description: 'Starts the gateway with the settings in environment variables' },
  args: {
    workers: {
      type: 'string',
      valueHint: 'number',
      description: 'Worker processes, to use all cores. More than one need REDIS_URL. Default: WORKERS, or 1',
    },
  },
  run: async ({ args: { workers } }) => {
    if (workers !== undefined) Object.assign(process.env, { WORKERS: workers, WORKERS_FILE: '' });
    await import('../process/main.js');
  },
});
