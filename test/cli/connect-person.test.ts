import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { answersOf, type AnsweredFlags } from '../../src/cli/connect-answers.js';
import { personAt } from '../../src/cli/connect-person.js';
import type { Decisions } from '../../src/connect/draft.js';

const NO_FLAGS: AnsweredFlags = { by: undefined, keys: new Map(), uniqueness: {}, leaveOut: undefined };
const CANDIDATES = [
  { name: 'first', evidence: 'the best' },
  { name: 'second', evidence: 'another' },
];
const [ENTER, DOWN, CANCEL] = ['\r', '\u001b[B', '\u0003'];

/** Answers by the flags, and by keys that a person presses when a question appears. */
function terminal(keys: readonly string[], flags: Partial<AnsweredFlags> = {}) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  let shown = '';
  output.on('data', (chunk) => (shown += String(chunk)));
  let questions = 0;
  const person = personAt({ input, output }, () => {
    questions += 1;
    // A question reads the keyboard when it is on the screen.
    output.once('data', () =>
      setImmediate(() => {
        keys.forEach((key) => input.write(key));
      }),
    );
  });
  return {
    answers: answersOf({ ...NO_FLAGS, ...flags }, person),
    shown: () => shown,
    questions: () => questions,
  };
}

it('lets a person choose the call, with the best one first', async () => {
  const best = terminal([ENTER]);
  expect(await best.answers.candidate(CANDIDATES)).toBe('first');
  expect(best.shown()).toContain('Which call should find one person?');
  expect(await terminal([DOWN, ENTER]).answers.candidate(CANDIDATES)).toBe('second');
});

it('does not show a key that a person types', async () => {
  const { answers, shown } = terminal(['e', 'v', 'a', '@', 'x', '.', 'n', 'l', ENTER]);
  expect(await answers.keys('email', 'It is measured.')).toEqual(['eva@x.nl']);
  expect(shown()).toContain('It is measured. Type a key of the kind email, or press Enter to skip.');
  expect(shown()).not.toContain('eva');
  expect(await terminal([ENTER]).answers.keys('email', 'It is measured.')).toEqual([]);
});

it('suggests a uniqueness for each identifier, except one in a flag', async () => {
  const { answers, questions } = terminal([ENTER], { uniqueness: { phone: 'none' } });
  expect(await answers.uniqueness({ email: 'usual', phone: 'usual' })).toEqual({
    email: 'usual',
    phone: 'none',
  });
  expect(questions()).toBe(1);
});

it('lets a person leave fields out, and shows those that were not recognised', async () => {
  const field = { purposes: [], scopes: [], evidence: 'an unknown name' };
  const privacy: Decisions['privacy'] = {
    'Member.points': { ...field, category: 'TRANSACTION', isRecognised: true },
    'Member.code': { ...field, category: 'IDENTITY', isRecognised: false },
    'Member.bsn': { leftOutBecause: 'it is a national number' },
  };
  const { answers, shown } = terminal([DOWN, '\t', ENTER]);
  expect(await answers.leaveOut(privacy)).toEqual(['Member.code']);
  expect(shown()).not.toContain('bsn');
});

it('stops if a person cancels', async () => {
  await expect(terminal([CANCEL]).answers.candidate(CANDIDATES)).rejects.toThrow(
    'Cancelled. Nothing was written.',
  );
});

it('does not show a question that a flag answers, and takes suggestions without a person', async () => {
  const flags = { by: 'second', keys: new Map([['email', ['eva@x.nl']]]), leaveOut: ['Member.code'] };
  const { answers, questions } = terminal([], flags);
  expect(await answers.candidate(CANDIDATES)).toBe('second');
  expect(await answers.keys('email', '')).toEqual(['eva@x.nl']);
  expect(await answers.leaveOut({})).toEqual(['Member.code']);
  expect(questions()).toBe(0);
  const alone = answersOf(NO_FLAGS, undefined);
  expect(await alone.candidate(CANDIDATES)).toBeUndefined();
  expect(await alone.keys('email', '')).toEqual([]);
  expect(await alone.uniqueness({ email: 'usual' })).toEqual({});
  expect(await alone.leaveOut({})).toEqual([]);
});
