/**
 * The flags of V8 that a gateway is started with: README.md has what each does. `package.json` and `cli/cli.ts`
 * repeat them.
 */
export const V8_FLAGS = ['--max-semi-space-size=64', '--no-allocation-site-pretenuring'] as const;
