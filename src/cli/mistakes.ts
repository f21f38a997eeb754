import type { ArgsDef, CommandDef, Resolvable } from 'citty';
import { didYouMean } from '../did-you-mean.js';

/** Finds the first unknown command or option in a command line. citty itself ignores unknown options. */
export async function findMistake(
  command: CommandDef,
  words: readonly string[],
): Promise<string | undefined> {
  const options = optionsOf(await resolve(command.args ?? {}));
  const subCommands = await resolve(command.subCommands ?? {});
  for (const [at, word] of words.entries()) {
    if (word === '--') return undefined;
    if (word.startsWith('-') && word !== '-') {
      const [typed = ''] = word.split('=', 1);
      if (![...options, '--help', '--version'].some((option) => isSame(option, typed)))
        return `Unknown option ${typed}.${didYouMean(typed, options)}`;
    } else if (Object.keys(subCommands).length > 0) {
      const subCommand = subCommands[word];
      if (subCommand === undefined)
        return `Unknown command "${word}".${didYouMean(word, Object.keys(subCommands))}`;
      return findMistake(await resolve(subCommand), words.slice(at + 1));
    }
  }
  return undefined;
}

/** The options of a command. Each long option also has a form with `no-`, which some commands accept. */
function optionsOf(args: ArgsDef): string[] {
  return Object.entries(args).flatMap(([name, arg]) => {
    if (arg.type === 'positional') return [];
    const aliases = 'alias' in arg ? [arg.alias ?? []].flat() : [];
    const long = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return [`--${long}`, `--no-${long}`, ...aliases.map((alias) => `-${alias}`)];
  });
}

/** citty accepts an option in kebab-case and in camelCase. */
function isSame(option: string, typed: string): boolean {
  const plain = (text: string) => text.replace(/(?<=\w)-/g, '').toLowerCase();
  return plain(option) === plain(typed);
}

export async function resolve<T>(value: Resolvable<T>): Promise<T> {
  return typeof value === 'function' ? await (value as () => T | Promise<T>)() : await value;
}
