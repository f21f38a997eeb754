import type { Answers, Uniqueness } from '../connect/connect.js';
import type { Decisions } from '../connect/draft.js';
import type { Candidate } from '../connect/reader.js';
import { InvalidInputError } from '../errors.js';
import { readBy } from './own-gateway.js';

export const UNIQUENESS: readonly Uniqueness[] = ['enforced', 'usual', 'verified', 'none'];

/** The answers in the flags of the command line. */
export interface AnsweredFlags {
  by: string | undefined;
  /** By kind, such as `email`. */
  keys: ReadonlyMap<string, readonly string[]>;
  uniqueness: Readonly<Record<string, Uniqueness>>;
  leaveOut: readonly string[] | undefined;
}

/** A person on a terminal. Each question has a suggestion, which Enter accepts. */
export interface Person {
  chooseCandidate(candidates: readonly Candidate[]): Promise<string>;
  typeKey(kind: string, why: string): Promise<string>;
  chooseUniqueness(namespace: string, suggested: Uniqueness): Promise<Uniqueness>;
  chooseLeftOut(suggested: Decisions['privacy']): Promise<readonly string[]>;
}

/**
 * Answers questions by the flags. Without a flag, a person answers; without a person, the suggestion is
 * taken.
 */
export function answersOf(flags: AnsweredFlags, person: Person | undefined): Answers {
  return {
    candidate: async (candidates) =>
      flags.by ?? (candidates.length > 1 ? await person?.chooseCandidate(candidates) : undefined),
    keys: async (kind, why) => {
      const keys = flags.keys.get(kind);
      if (keys !== undefined || person === undefined) return keys ?? [];
      const typed = await person.typeKey(kind, why);
      return typed === '' ? [] : [typed];
    },
    uniqueness: async (suggested) => {
      const answered: Record<string, Uniqueness> = { ...flags.uniqueness };
      if (person !== undefined)
        for (const [namespace, uniqueness] of Object.entries(suggested))
          answered[namespace] ??= await person.chooseUniqueness(namespace, uniqueness);
      return answered;
    },
    leaveOut: async (suggested) => flags.leaveOut ?? (await person?.chooseLeftOut(suggested)) ?? [],
  };
}

/** Parses `--key kind=value`, which may be repeated. The value `-` reads standard input. */
export async function readKeys(texts: readonly string[]): Promise<AnsweredFlags['keys']> {
  const keys = new Map<string, string[]>();
  if (texts.filter((text) => text.endsWith('=-')).length > 1)
    throw new InvalidInputError('Standard input has one key. Use --key <kind>=- only once.');
  for (const text of texts) {
    const { namespace: kind, value } = await readBy(text, '--key');
    keys.set(kind, [...(keys.get(kind) ?? []), value]);
  }
  return keys;
}

/** Parses `--uniqueness email=verified`, which may be repeated. */
export function readUniqueness(texts: readonly string[]): Record<string, Uniqueness> {
  return Object.fromEntries(
    texts.map((text) => {
      const [namespace = '', value] = text.split('=', 2);
      const uniqueness = UNIQUENESS.find((known) => known === value);
      if (namespace === '' || uniqueness === undefined)
        throw new InvalidInputError(
          `--uniqueness must be <identifier>=<${UNIQUENESS.join('|')}>, such as email=verified.`,
        );
      return [namespace, uniqueness];
    }),
  );
}

/** All values of an option that may be repeated. citty returns only the last one. */
export function valuesOf(words: readonly string[], option: string): string[] {
  return words.flatMap((word, i) => {
    if (word.startsWith(`${option}=`)) return word.slice(option.length + 1);
    const next = words[i + 1];
    return word === option && next !== undefined ? next : [];
  });
}
