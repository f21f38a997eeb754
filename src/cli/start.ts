import { defineCommand } from 'citty';

export const start = defineCommand({
  meta: { name: 'start', description: 'Starts the gateway, as it is set by environment variables' },
  args: {
    workers: {
      type: 'string',
      valueHint: 'number',
      description:
        'So many processes answer, so that all cores do; from 2 on with REDIS_URL. Else WORKERS, or 1',
    },
  },
  run: async ({ args: { workers } }) => {
    if (workers !== undefined) Object.assign(process.env, { WORKERS: workers, WORKERS_FILE: '' });
    await import('../process/main.js');
  },
});
