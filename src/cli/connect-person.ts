import type { Readable, Writable } from 'node:stream';
import { autocompleteMultiselect, confirm, isCancel, password, select } from '@clack/prompts';
import type { Uniqueness } from '../connect/connect.js';
import { InvalidInputError } from '../errors.js';
import { UNIQUENESS, type Person } from './connect-answers.js';

/** The questions of `stekkerdoos connect` on a terminal. */

const SHOWN_OPTIONS = 12;
const MEANINGS: Readonly<Record<Uniqueness, string>> = {
  enforced: 'the system refuses a second record with the value',
  usual: 'a value normally belongs to one person',
  verified: 'people share values; a value links only if the system has verified it',
  none: 'people share values; a value never links',
};

/** The streams of a terminal. */
export interface Streams {
  input?: Readable;
  output?: Writable;
}

/** `beforeQuestion` runs before each question, to end a line of progress. */
export function personAt(streams: Streams, beforeQuestion: () => void): Person {
  const question = async <T>(answer: () => Promise<T>): Promise<Exclude<T, symbol>> => {
    beforeQuestion();
    return answered(await answer());
  };
  return {
    chooseCandidate: (candidates) =>
      question(() =>
        select({
          ...streams,
          message: 'Which call should find one person?',
          options: candidates.map(({ name, evidence }) => ({ value: name, label: name, hint: evidence })),
          maxItems: SHOWN_OPTIONS,
        }),
      ),
    typeKey: (kind, why) =>
      question(() =>
        password({ ...streams, message: `${why} Type a key of the kind ${kind}, or press Enter to skip.` }),
      ),
    chooseUniqueness: (namespace, suggested) =>
      question(() =>
        select({
          ...streams,
          message: `How unique is ${namespace} in the system?`,
          options: UNIQUENESS.map((value) => ({ value, hint: MEANINGS[value] })),
          initialValue: suggested,
        }),
      ),
    chooseLeftOut: (suggested) =>
      question(() =>
        autocompleteMultiselect({
          ...streams,
          message: 'Which fields should be left out?',
          options: Object.entries(suggested).flatMap(([field, privacy]) =>
            'leftOutBecause' in privacy
              ? []
              : {
                  value: field,
                  hint: privacy.isRecognised
                    ? privacy.category
                    : `${privacy.category}, not recognised: ${privacy.evidence}`,
                },
          ),
          maxItems: SHOWN_OPTIONS,
        }),
      ),
  };
}

/** Returns whether to replace existing files. */
export async function confirmReplacing(paths: readonly string[], streams: Streams): Promise<boolean> {
  return answered(
    await confirm({ ...streams, message: `Replace ${paths.join(', ')}?`, initialValue: false }),
  );
}

function answered<T>(answer: T): Exclude<T, symbol> {
  if (isCancel(answer)) throw new InvalidInputError('Cancelled. Nothing was written.');
  return answer as Exclude<T, symbol>;
}
