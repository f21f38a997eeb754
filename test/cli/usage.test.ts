import type { CommandDef } from 'citty';
import { describe, expect, test } from 'vitest';
import { stekkerdoos } from '../../src/cli/command-line.js';
import { resolve } from '../../src/cli/mistakes.js';
import { usageOf } from '../../src/cli/usage.js';

type Described = Pick<CommandDef, 'meta' | 'args' | 'subCommands'>;

/** The help of a command and of all its commands, by what is typed. */
async function helps(
  words: readonly string[],
  command: Described,
  parent?: Described,
): Promise<[words: string, help: string, isLeaf: boolean][]> {
  const subCommands = Object.entries(await resolve(command.subCommands ?? {}));
  const below = await Promise.all(
    subCommands.map(async ([verb, sub]) => helps([...words, verb], await resolve(sub), command)),
  );
  return [[words.join(' '), await usageOf(command, parent), subCommands.length === 0], ...below.flat()];
}
const all = await helps(['stekkerdoos'], stekkerdoos);

describe('the help', () => {
  test('is there for each command', () => {
    expect(all.length).toBeGreaterThan(20);
  });

  test.each(all)('of %s shows how it is called, in at most 100 columns', (words, help, isLeaf) => {
    expect(help.split('\n').filter((line) => line.length > 100)).toEqual([]);
    expect(help).toContain(`\n\nUsage: ${words} `);
    // A command with commands has their examples.
    if (isLeaf) expect(help).toMatch(new RegExp(`\n\nExample:\n  ${words}( |$)`, 'm'));
  });

  test.each(all)('of %s writes each option as it is typed', (_, help) => {
    for (const [, option] of help.matchAll(/^ {2}(?:-\w, )*--(\S+)/gm)) expect(option).toMatch(/^[a-z-]+$/);
  });

  test('has the arguments, options, defaults and what is required', async () => {
    const command: Described = {
      meta: { name: 'send', description: 'Sends a file. Example: stekkerdoos send a.csv' },
      args: {
        file: { type: 'positional', description: 'The file' },
        copy: { type: 'positional', required: false, description: 'A copy' },
        dryRun: { type: 'boolean', alias: 'n', description: 'Sends nothing' },
        to: { type: 'string', required: true, valueHint: 'address', description: 'The receiver' },
        tries: { type: 'string', default: '3', description: 'Attempts at most' },
      },
    };
    expect(await usageOf(command)).toBe(`Sends a file.

Usage: stekkerdoos send [options] <file> [copy]

Example:
  stekkerdoos send a.csv

Arguments:
  file
      The file. Required
  copy
      A copy

Options:
  -n, --dry-run
      Sends nothing
  --to <address>
      The receiver. Required
  --tries
      Attempts at most. Default: 3`);
  });
});
