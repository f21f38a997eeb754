import {
  sendQuery,
  queryByKey,
  BrokenPromise,
  firstDifference,
  INTERNALS,
  shownErrors,
  shownUnknownRequests,
  shownValue,
  type KeyKind,
  type SourcePromise,
  type TestAnswer,
  type TestedSource,
} from './promise.js';
import { hostileKeys } from './hostile-keys.js';

/** Promises about the records that a key finds or does not find. */
export function promisesOfKeys({ kinds }: Pick<TestedSource, 'kinds'>): SourcePromise[] {
  return [
    ...kinds.map(foundBy),
    examples,
    everyCall,
    ...kinds.map(unknownKey),
    emptyLists,
    ...kinds.map(comparison),
    ...kinds.map(hostileKey),
  ];
}

function foundBy(kind: KeyKind): SourcePromise {
  const { root, namespace, keys } = kind;
  return {
    id: `found-by-${namespace}`,
    text: `finds by ${namespace}`,
    check: async ({ gateway, standIn }) => {
      if (keys.length === 0)
        throw new BrokenPromise(
          `No recorded key finds a ${root} by ${namespace}.${shownUnknownRequests(standIn)}`,
          `Check the call of foundBy.${namespace} and its key, or add a record with this key to the recording.`,
        );
      for (const key of keys) {
        const answer = await queryByKey(gateway, kind, key);
        if (answer.errors.length > 0)
          throw new BrokenPromise(
            `A recorded key fails: ${shownErrors(answer)}${shownUnknownRequests(standIn)}`,
            `Check the call of foundBy.${namespace}: its address, rows, key and matching, and the mapping of its record.`,
          );
        if (answer.data?.[root] == null)
          throw new BrokenPromise(
            `A recorded key finds no ${root}.${shownUnknownRequests(standIn)}`,
            `Check the call of foundBy.${namespace}: its address, rows and key.`,
          );
      }
      return undefined;
    },
  };
}

const examples: SourcePromise = {
  id: 'examples',
  text: 'returns the data of the recorded examples',
  check: async ({ gateway, recording, standIn }) => {
    if (recording.examples.length === 0)
      throw new BrokenPromise(
        'The recording has no example, so wrong values are not detected.',
        'Add an example to "examples": a query, its variables, and the data that a client gets.',
      );
    for (const [i, { query, variables, data }] of recording.examples.entries()) {
      const answer = await gateway.query(query, variables, { 'cache-control': 'no-cache' });
      if (answer.errors.length > 0)
        throw new BrokenPromise(
          `Example ${i + 1} fails: ${shownErrors(answer)}${shownUnknownRequests(standIn)}`,
          'Correct the declaration. If the answer is intended, correct the example.',
        );
      const difference = firstDifference(data, answer.data);
      if (difference !== undefined)
        throw new BrokenPromise(
          `Example ${i + 1}, ${difference.place}: expected ${shownValue(difference.expected)}, got ${shownValue(difference.actual)}.`,
          'Correct the mapping of this field: its path, and its conversion, enum, zone or currency.',
        );
    }
    return undefined;
  },
};

const everyCall: SourcePromise = {
  id: 'every-call',
  needsRequests: true,
  text: 'gets rows from each recorded call',
  check: ({ standIn, uses }) => {
    const unused = [...standIn.calls].flatMap(([call, { keys }]) =>
      keys.length > 0 && !uses.has(call) ? [call] : [],
    );
    if (unused.length > 0)
      throw new BrokenPromise(
        `No query gets rows from ${unused.map((call) => `"${call}"`).join(', ')}.`,
        'Name the call in foundBy or in a field, and check the path of its key. If the source does not need it, remove it from the recording.',
      );
    return Promise.resolve(undefined);
  },
};

function unknownKey(kind: KeyKind): SourcePromise {
  const { root, namespace, keys } = kind;
  return {
    id: `unknown-${namespace}`,
    text: `finds no ${root} by an unknown ${namespace}, without an error`,
    check: async ({ gateway, standIn, keyReader, source }) => {
      const [unknown] = keyReader.unknown(namespace, keys, 1);
      if (unknown === undefined) return { noneBecause: `no other ${namespace} could be made up` };
      const isHeld = source.identity?.foundBy[namespace] === undefined && root === 'customer';
      const variants = Math.max(...[...standIn.calls.values()].map(({ notFoundAnswers }) => notFoundAnswers));
      for (let variant = 0; variant < variants; variant += 1) {
        standIn.behaviour = { notFoundAnswer: variant };
        const answer = await queryByKey(gateway, kind, unknown);
        if (answer.errors.length > 0)
          throw new BrokenPromise(
            `An unknown key fails: ${shownErrors(answer)}${shownUnknownRequests(standIn)}`,
            'Declare how the system reports a missing record, such as notFound: [404, empty] of the call.',
          );
        if (answer.data?.[root] != null && !isHeld)
          throw new BrokenPromise(
            `An unknown key finds a ${root}.`,
            'Declare the path of the key in a row (key), and an exact comparison.',
          );
      }
      return undefined;
    },
  };
}

const emptyLists: SourcePromise = {
  id: 'empty-lists',
  needsRequests: true,
  text: 'leaves a field empty if its call has no rows, without an error',
  check: async ({ gateway, standIn, uses, source }) => {
    const identityCalls = callsOfKeys(source);
    const others = [...uses].filter(([call]) => !identityCalls.has(call));
    if (others.length === 0) return { noneBecause: 'all calls find customers or companies' };
    for (const [call, { kind, key }] of others) {
      const variants = standIn.calls.get(call)?.notFoundAnswers ?? 1;
      for (let variant = 0; variant < variants; variant += 1) {
        standIn.behaviour = {
          notFoundAnswer: variant,
          changeRows: (found) => (found.call === call ? [] : found.rows),
        };
        const answer = await queryByKey(gateway, kind, key);
        if (answer.errors.length > 0)
          throw new BrokenPromise(
            `Without rows of "${call}": ${shownErrors(answer)}`,
            `Declare how the system reports missing rows: notFound of the call "${call}".`,
          );
      }
    }
    return undefined;
  },
};

/** The calls that find customers or companies. */
export function callsOfKeys({ identity, companies }: TestedSource['source']): ReadonlySet<string> {
  return new Set([
    ...Object.values(identity?.foundBy ?? {}).map(({ loader }) => loader.name),
    ...Object.values(companies?.foundBy ?? {}).map(({ name }) => name),
  ]);
}

function comparison(kind: KeyKind): SourcePromise {
  const { root, namespace, keys } = kind;
  return {
    id: `comparison-${namespace}`,
    text: `compares ${namespace} as the system does: a key in another case causes no error, and a similar key does not find its ${root}`,
    check: async ({ gateway, standIn, keyReader, source }) => {
      if (source.identity?.foundBy[namespace] === undefined && root === 'customer')
        return { noneBecause: `the system finds no customers by ${namespace}` };
      const [key = ''] = keys;
      const normal = await queryByKey(gateway, kind, key);
      const canonical = keyReader.canonical(namespace, key);
      let checked = 0;
      for (const similar of similarKeys(key)) {
        const similarCanonical = keyReader.canonical(namespace, similar);
        if (
          similarCanonical === undefined ||
          (similarCanonical === canonical && similar !== key.toUpperCase())
        )
          continue;
        checked += 1;
        const answer = await queryByKey(gateway, kind, similar);
        const isSame = similarCanonical === canonical;
        if (!isSame && isRefused(answer)) continue;
        if (answer.errors.length > 0)
          throw new BrokenPromise(
            `A key that is similar to a recorded one fails: ${shownErrors(answer)}`,
            `Declare how the system compares keys: matching of the call of foundBy.${namespace} (lower, collation or loose).`,
          );
        expectSameOrNotFound({ kind, answer, normal, isSame });
      }
      standIn.reset();
      return checked === 0 ? { noneBecause: `${namespace} has no similar keys` } : undefined;
    },
  };
}

/** Whether the gateway refuses to send a key with such characters. */
function isRefused({ errors }: TestAnswer): boolean {
  return errors.length > 0 && errors.every(({ extensions }) => extensions.code === 'BAD_USER_INPUT');
}

function expectSameOrNotFound({
  kind: { root, namespace },
  answer,
  normal,
  isSame,
}: {
  kind: KeyKind;
  answer: TestAnswer;
  normal: TestAnswer;
  isSame: boolean;
}): void {
  if (isSame && firstDifference(normal.data, answer.data) !== undefined)
    throw new BrokenPromise(
      `The same ${namespace} in capitals finds another record.`,
      `Make the keys of both sides equal: declare matching of the call of foundBy.${namespace}, or a conversion (text: lower) of its key.`,
    );
  if (!isSame && answer.data?.[root] != null && isAboutKey(answer, normal, root))
    throw new BrokenPromise(
      `A ${namespace} that is only similar to a recorded one finds its ${root}.`,
      `Declare the path of the key in a row: key of the call of foundBy.${namespace}.`,
    );
}

function isAboutKey(answer: TestAnswer, normal: TestAnswer, root: string): boolean {
  return firstDifference(normal.data?.[root], answer.data?.[root]) === undefined;
}

/** The key in capitals, and keys that some systems confuse with it: a part of it, and one with an accent. */
function similarKeys(key: string): string[] {
  const accented = key.replace(/[aeiou]/, (vowel) => `${vowel}\u0301`.normalize('NFC'));
  return [
    ...new Set([key.toUpperCase(), key.toLowerCase(), key.slice(1), key.slice(0, -1), accented]),
  ].filter((text) => text !== key && text !== '');
}

function hostileKey(kind: KeyKind): SourcePromise {
  const { root, namespace } = kind;
  return {
    id: `hostile-${namespace}`,
    text: `finds no ${root} by a ${namespace} with special characters, and calls no other address`,
    check: async (tested) => {
      for (const [what, key] of Object.entries(hostileKeys)) {
        tested.standIn.reset();
        const answer = await sendQuery(tested.gateway, kind, { [namespace]: key });
        checkHostile(tested, { what, key, answer, root });
      }
      return undefined;
    },
  };
}

function checkHostile(
  { standIn, source }: TestedSource,
  {
    what,
    key,
    answer,
    root,
  }: { what: string; key: string; answer: TestAnswer; root: 'customer' | 'company' },
): void {
  const remedy =
    'Send keys as a whole value ({key}, {keys|csv}), or only those that a regular expression allows.';
  const isHeld = source.identity === undefined && root === 'customer';
  if (answer.data?.[root] != null && !isHeld) throw new BrokenPromise(`Found a ${root} by ${what}.`, remedy);
  for (const { message, extensions } of answer.errors) {
    if (extensions.code !== 'BAD_USER_INPUT')
      throw new BrokenPromise(`By ${what}: ${shownErrors(answer)}`, remedy);
    if (INTERNALS.test(message) || (key.trim().length > 3 && message.includes(key)))
      throw new BrokenPromise(`By ${what}, the message has internals or the key: ${message}`, remedy);
  }
  if (standIn.unknownRequests.length > 0)
    throw new BrokenPromise(`By ${what}:${shownUnknownRequests(standIn)}`, remedy);
  if (standIn.seenHeaders.has('x-injected'))
    throw new BrokenPromise(`By ${what}, the key became a header of the request.`, remedy);
}
