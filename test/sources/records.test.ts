import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { sources } from '../../sources/index.js';
import type { CallScope, Client, Connection } from '../../src/connectors/connector.js';
import { SourceContractError } from '../../src/errors.js';
import { SettingsReader } from '../../src/settings.js';
import { CallController } from '../../src/v8/call-signal.js';
import type { SourceDefinition } from '../../src/source.js';
import { createLogger } from '../../src/telemetry/logger.js';
import { directSettings } from '../support/stand-ins.js';
import { loadersOfSource, type AnyLoader } from './loaders-of-source.js';
import type { RecordCase } from './record-case.js';
import { recordCases } from './record-cases.js';
import { throughAnswer, type Answer, type Call, type Place } from './tampering.js';

/**
 * Tests that a key never receives the record of another key, and that no record counts twice, even if a system changes
 * the order of its answers. The answers of the stand-ins are recorded once, and then changed in random ways.
 */

const RUNS = 15;

const named = new Map<string, { source: SourceDefinition; loader: AnyLoader }>(
  sources.flatMap((source) =>
    loadersOfSource(source).map((loader) => [`${source.name} ${loader.name}`, { source, loader }] as const),
  ),
);
const cases = recordCases(inject('customers'));

/** The result of a loader for each key. */
type Outcome = readonly unknown[];

/** A recorded answer with its call. */
interface Recorded {
  call: Call;
  answer: unknown;
}

let clients: ReadonlyMap<string, Client>;
const connections: Connection<Client>[] = [];

beforeAll(() => {
  // Some records contain the time of the call.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  const settings = new SettingsReader({ ...directSettings(), CLICKSTREAM_TIMEOUT_MS: '20000' });
  clients = new Map(
    sources.map(({ name, connector }) => {
      const connection = connector.connect(settings, {
        source: name,
        timeoutMs: 10_000,
        maxAnswerBytes: 8 * 1024 * 1024,
        logger: createLogger('silent'),
      });
      connections.push(connection);
      return [name, connection.client(scope)];
    }),
  );
});
afterAll(async () => {
  vi.useRealTimers();
  await Promise.all(connections.map((connection) => connection.close()));
});

const scope: CallScope = {
  run: (call) => call(new CallController().signal),
  slowDown: () => undefined,
  limitMaxAge: () => undefined,
  headers: {},
};

/** Returns the result of each key, or the error of the whole batch. */
async function outcomeOf(name: string, keys: readonly unknown[], answer: Answer): Promise<Outcome> {
  const { source, loader } = run(name);
  const client = clients.get(source.name);
  if (client === undefined) throw new Error(`${source.name} has no client.`);
  try {
    return await loader.load(keys, throughAnswer(client, answer));
  } catch (error) {
    return keys.map(() => error);
  }
}

function run(name: string): { source: SourceDefinition; loader: AnyLoader } {
  const found = named.get(name);
  if (found === undefined) throw new Error(`The loader ${name} does not exist.`);
  return found;
}

/** Reads each answer once, and replays it. */
function recorder() {
  const recorded = new Map<string, Recorded>();
  const answer: Answer = async (call, live) => {
    const known = recorded.get(call.name);
    if (known !== undefined) return known.answer;
    const found = await live();
    recorded.set(call.name, { call, answer: found });
    return found;
  };
  return { recorded, answer };
}

/** Returns a text of the value that does not depend on the order of its lists. */
function canonical(value: unknown): string {
  const sorted = (item: unknown): unknown => {
    if (Array.isArray(item))
      return item.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    if (typeof item !== 'object' || item === null) return item;
    return Object.fromEntries(Object.entries(item).map(([key, part]) => [key, sorted(part)]));
  };
  return JSON.stringify(sorted(value));
}

/** An infinite sequence of random numbers. */
const choices = fc.infiniteStream(fc.nat(1_000));
type Choices = Iterator<number>;
const choose = (from: Choices, count: number): number =>
  count === 0 ? 0 : Number(from.next().value) % count;

function shuffled<T>(list: readonly T[], from: Choices): T[] {
  const left = [...list];
  return list.flatMap(() => left.splice(choose(from, left.length), 1));
}

/** Inserts copies of some items at random places. */
function withCopies<T>(list: readonly T[], copies: readonly T[], from: Choices): T[] {
  const more = [...list];
  for (let left = 1 + choose(from, 3); left > 0 && copies.length > 0; left -= 1) {
    const copy = copies[choose(from, copies.length)];
    if (copy !== undefined) more.splice(choose(from, more.length + 1), 0, copy);
  }
  return more;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isContractError = (value: unknown): boolean => value instanceof SourceContractError;

it('every loader of every source has a case', () => {
  expect(Object.keys(cases).sort()).toEqual([...named.keys()].sort());
});

/** Returns keys that differ from a key in one part, for each part. */
function changed(key: unknown): unknown[] {
  if (typeof key === 'string') return [`${key}x`];
  if (typeof key === 'number') return [key + 1];
  if (key === null) return [{ at: 'x', id: 'x', placedAt: 'x', number: 'x' }];
  if (Array.isArray(key)) return [[...(key as unknown[]), ...changed(key.at(-1) ?? '').slice(0, 1)]];
  return Object.entries(key ?? {}).flatMap(([name, part]: [string, unknown]) =>
    changed(part).map((other) => ({ ...(key as object), [name]: other })),
  );
}

describe.each(Object.entries(cases))('%s', (name, record: RecordCase) => {
  const { keys, lists, positions, included, index, loose, anonymous } = record;
  const { recorded, answer } = recorder();
  const ofOthers = recorder();
  let expected: Outcome;
  let otherAnswers: readonly Recorded[];

  beforeAll(async () => {
    expected = await outcomeOf(name, keys, answer);
    await outcomeOf(record.othersBy ?? name, record.others, ofOthers.answer);
    otherAnswers = [...ofOthers.recorded.values()].filter(({ call }) => !recorded.has(call.name));
  });

  /** The result of each key if each answer is changed by a function. */
  const outcomeWhen = async (change: (answer: unknown, call: Call) => unknown): Promise<Outcome> =>
    outcomeOf(name, keys, async (call, live) => withIncluded(change(await answer(call, live), call)));

  const withIncluded = (item: unknown): unknown => {
    if (included === undefined) return item;
    const everything = [...recorded.values(), ...otherAnswers].flatMap((other) =>
      included.read(other.answer).flat(),
    );
    return included.write(item, [everything]);
  };

  const changeLists =
    (place: Place, change: (list: readonly unknown[]) => readonly unknown[]) =>
    (item: unknown): unknown =>
      place.write(item, place.read(item).map(change));

  /** The records of other keys in answers of the same kind. */
  const foreignIn = (place: Place, { kind }: Call): unknown[] =>
    otherAnswers
      .filter(({ call }) => record.othersBy !== undefined || call.kind === kind)
      .flatMap((other) => place.read(other.answer).flat())
      .map((item) =>
        index === undefined || !isObject(item)
          ? item
          : { ...item, [index]: Number(item[index]) + keys.length },
      );

  const expectTruth = (outcome: Outcome): void => {
    expect(outcome.map(canonical)).toEqual(expected.map(canonical));
  };
  /** Expects the correct result or a contract error, but never another result. */
  const expectTruthOrRefusal = (outcome: Outcome): void => {
    for (const [i, item] of outcome.entries())
      if (!isContractError(item)) expect(canonical(item)).toBe(canonical(expected[i]));
  };
  const checkAll = (check: (from: Choices) => Promise<void>): Promise<void> =>
    fc.assert(
      fc.asyncProperty(choices, (from) => check(from[Symbol.iterator]())),
      { numRuns: RUNS },
    );

  it('caches the answers of different keys under different texts', () => {
    const { loader } = run(name);
    const textOf = (key: unknown) => loader.keyText?.(key) ?? String(key);
    for (const key of keys) {
      const texts = [key, ...changed(key)].map(textOf);
      expect(new Set(texts).size).toBe(texts.length);
    }
  });

  it('has records whose order can be changed', () => {
    for (const item of expected) {
      expect(item).not.toBeInstanceOf(Error);
      expect(['null', '[]']).not.toContain(JSON.stringify(item));
    }
  });

  if (lists !== undefined) {
    it('returns equal answers for every order of the records', async () => {
      await checkAll(async (from) => {
        expectTruth(await outcomeWhen(changeLists(lists, (list) => shuffled(list, from))));
      });
    });

    it('counts each record once, even if the system sends it several times', async () => {
      await checkAll(async (from) => {
        expectTruth(await outcomeWhen(changeLists(lists, (list) => withCopies(list, list, from))));
      });
    });
  }

  if (lists !== undefined && anonymous === undefined) {
    it(
      loose === undefined
        ? 'refuses an answer with records that were not requested'
        : `omits records that were not requested: ${loose}`,
      async () => {
        await checkAll(async (from) => {
          let added = 0;
          const outcome = await outcomeWhen((item, call) => {
            const foreign = foreignIn(lists, call);
            added += foreign.length;
            return changeLists(lists, (list) => withCopies(list, foreign, from))(item);
          });
          expect(added).toBeGreaterThan(0);
          if (loose !== undefined) expectTruth(outcome);
          else {
            expectTruthOrRefusal(outcome);
            expect(outcome.some(isContractError)).toBe(true);
          }
        });
      },
    );

    it('treats an answer with only records of other keys as an answer without records', async () => {
      await checkAll(async (from) => {
        const outcome = await outcomeWhen((item, call) => {
          const foreign = foreignIn(lists, call);
          return changeLists(lists, (list) => list.map(() => foreign[choose(from, foreign.length)]))(item);
        });
        if (loose === undefined) expect(outcome.every(isContractError)).toBe(true);
        else
          for (const item of outcome)
            expect(['null', '[]', '{"tickets":[],"isComplete":true}']).toContain(JSON.stringify(item));
      });
    });
  }

  if (positions !== undefined)
    it('does not return an answer at the position of another', async () => {
      await checkAll(async (from) => {
        expectTruthOrRefusal(
          await outcomeWhen((item, call) => {
            const foreign = foreignIn(positions, call);
            return changeLists(positions, (list) => {
              const changed = shuffled(list, from);
              if (foreign.length > 0 && choose(from, 2) === 0)
                changed[choose(from, changed.length)] = foreign[choose(from, foreign.length)];
              return changed;
            })(item);
          }),
        );
      });
    });

  if (anonymous === undefined && loose === undefined && index === undefined)
    it('does not return an answer to another call', async () => {
      await checkAll(async (from) => {
        const outcome = await outcomeWhen((item, call) => {
          const same = [...recorded.values(), ...otherAnswers].filter(
            (other) => other.call.kind === call.kind,
          );
          const other = same[choose(from, same.length)]?.answer ?? item;
          return lists === undefined ? other : lists.write(item, lists.read(other));
        });
        expectTruthOrRefusal(outcome);
      });
    });
});
