/**
 * The V8 flags of a gateway. README.md explains them. `package.json` and `cli/cli.ts` repeat them.
 */
export const V8_FLAGS = ['--max-semi-space-size=64', '--no-allocation-site-pretenuring'] as const;
