import type { ArgDef, CommandDef } from 'citty';
import { resolve } from './mistakes.js';

/** Columns of the help. */
const WIDTH = 100;

/**
 * The help of a command: what it does, how it is called, and its arguments, options and commands, at most 100 columns wide.
 * A description may end in `Example:` and a command line.
 */
export async function usageOf(command: Described, parent?: Described): Promise<string> {
  const { name = '', description = '' } = await resolve(command.meta ?? {});
  const { name: parentName = '' } = await resolve(parent?.meta ?? {});
  const args = Object.entries(await resolve(command.args ?? {}));
  const subCommands = Object.entries(await resolve(command.subCommands ?? {}));
  const positionals = args.filter(([, arg]) => arg.type === 'positional');
  const options = args.filter(([, arg]) => arg.type !== 'positional');
  const commands = await Promise.all(
    subCommands.map(async ([verb, subCommand]): Promise<Item> => {
      const meta = await resolve((await resolve(subCommand)).meta ?? {});
      return [verb, meta.description?.split(EXAMPLE)[0] ?? ''];
    }),
  );
  const [summary = '', example] = description.split(EXAMPLE);
  const words = [
    ...new Set(['stekkerdoos', parentName, name].filter((word) => word !== '')),
    ...(options.length > 0 ? ['[options]'] : []),
    ...positionals.map(([label, arg]) => (isRequired(arg) ? `<${label}>` : `[${label}]`)),
    ...(commands.length > 0 ? ['<command>'] : []),
  ];
  return [
    wrap(summary, ''),
    wrap(`Usage: ${words.join(' ')}`, ''),
    ...(example === undefined ? [] : [`Example:\n  ${example}`]),
    ...section(
      'Arguments',
      positionals.map(([label, arg]) => [label, descriptionOf(arg)]),
    ),
    ...section(
      'Options',
      options.map(([label, arg]) => [optionOf(label, arg), descriptionOf(arg)]),
    ),
    ...section('Commands', commands),
    ...(commands.length > 0
      ? [`The help of a command: ${words.slice(0, -1).join(' ')} <command> --help`]
      : []),
  ].join('\n\n');
}

type Described = Pick<CommandDef, 'meta' | 'args' | 'subCommands'>;

const EXAMPLE = / *Example: /;

type Item = [label: string, description: string];

function section(title: string, items: readonly Item[]): string[] {
  if (items.length === 0) return [];
  return [`${title}:\n${items.map(([label, text]) => `  ${label}\n${wrap(text, '      ')}`).join('\n')}`];
}

function optionOf(name: string, arg: ArgDef): string {
  const long = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const aliases = 'alias' in arg ? [arg.alias ?? []].flat() : [];
  const hint = arg.valueHint === undefined ? '' : ` <${arg.valueHint}>`;
  return [...aliases.map((alias) => `-${alias}`), `--${long}${hint}`].join(', ');
}

function descriptionOf(arg: ArgDef): string {
  const { description = '', default: value } = arg;
  const stated = value === undefined || value === false || /\bdefault\b/i.test(description);
  return [
    description,
    ...(isRequired(arg) ? ['Required'] : []),
    ...(stated ? [] : [`Default: ${value}`]),
  ].join('. ');
}

function isRequired({ type, required, default: value }: ArgDef): boolean {
  return value === undefined && (type === 'positional' ? required !== false : required === true);
}

function wrap(text: string, indent: string): string {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > WIDTH) lines.push(indent + word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join('\n');
}
