import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, type RunnerTestSuite } from 'vitest';
import { createFaultControl } from '../../sources/stand-ins/fault-control.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { SourceTimeoutError } from '../../src/errors.js';
import {
  InvalidInputError,
  SourceAuthenticationError,
  SourceContractError,
  SourceForbiddenError,
  SourceRateLimitedError,
  SourceUnavailableError,
  type CallScope,
} from '../../src/index.js';
import { describeSource } from '../../src/testing/source-contract.js';
import type { SystemState, SourceSubject } from '../../src/testing/source-subject.js';
import { sendJson, startServer, type SeenRequest, type SmallServer } from '../connectors/server.js';
import {
  answerAsLibrary,
  LIBRARY_SDL,
  MAX_CARDS,
  librarySource,
  MEMBERS,
  TITLES,
  TOKEN,
  toMember,
  type Member,
  type Mistake,
} from './library.js';

/**
 * Tests the contract of sources with a small source, and with variants of it. Each variant has one defect, which the
 * contract must detect.
 */

const WRONG_TOKEN = 'wrong-token';

/** The systems that a test has started. */
const servers: SmallServer[] = [];
afterAll(() => Promise.all(servers.map((server) => server.close())));

async function start(answer: (request: SeenRequest, response: ServerResponse) => void): Promise<SmallServer> {
  const server = await startServer(answer);
  servers.push(server);
  return server;
}

async function startLibrary(): Promise<StandIn> {
  const server = await start(answerAsLibrary);
  return {
    name: 'library',
    url: server.url,
    close: () => server.close(),
    settings: (front) => ({ LIBRARY_URL: `${front}/v1`, LIBRARY_TOKEN: TOKEN }),
  };
}
let library: StandIn;
beforeAll(async () => {
  library = await startLibrary();
});

const by = (card: string, fields = 'memberName') => ({
  query: `query($by: CustomerKey!) { customer(by: $by) { ${fields} } }`,
  variables: { by: { card } },
});
const byAll = (cards: readonly string[], fields = 'memberName motto') => ({
  query: `query($by: [CustomerKey!]!) { customers(by: $by) { ${fields} } }`,
  variables: { by: cards.map((card) => ({ card })) },
});
const nobody = { customer: null };
/** The members of a batch. */
const many = MEMBERS.slice(1);
const mismatch = { members: [{ card: 'C2', name: { secret: 'eva@example.nl' }, motto: '' }] };
const part = {
  ...byAll(['C2', 'C3', 'C99']),
  data: { customers: [null, { memberName: 'Member 3', motto: 'Motto 3' }, null] },
  errors: [{ path: ['customers', 0], code: 'SOURCE_CONTRACT' }],
};

interface Shape {
  mistake?: Mistake;
  /** The description of the library: as a system with an HTTP API, or by states. */
  as?: 'http' | 'http without credentials' | 'own states' | 'own states without a fault control';
  /** Whether the contract has its many tests with hostile keys. Default true. */
  hasKeys?: boolean;
}

function subjectOf({ mistake, as = 'http', hasKeys = true }: Shape): SourceSubject {
  const hasToken = as !== 'http without credentials';
  const common = {
    source: librarySource(mistake, { hasToken }),
    dependencies: { sdl: { library: LIBRARY_SDL }, environment: {} },
    found: {
      card: { ...by('C1', 'memberName motto'), data: { customer: { memberName: 'Member 1', motto: null } } },
    },
    unknown: { card: { ...by('C99', 'memberName motto'), data: nobody } },
    batches: {
      'six members, twice': {
        ...byAll([...many, ...many].map(({ card }) => card)),
        calls: 2,
        expectData: (data: unknown) => {
          const members = many.map(({ name, motto }) => ({ memberName: name, motto }));
          expect(data).toEqual({ customers: [...members, ...members] });
        },
      },
    },
    pages: { ...by('C1', 'loans'), data: { customer: { loans: TITLES } }, calls: 4 },
    operation: by('C2'),
    wrongCredentials: { LIBRARY_TOKEN: WRONG_TOKEN },
    byAnyText: hasKeys ? { card: (text: string) => ({ ...by(text), nothing: nobody }) } : {},
  };
  if (as === 'http' || as === 'http without credentials')
    return {
      ...common,
      ...(hasToken ? {} : { wrongCredentials: { noneBecause: 'it is readable without credentials' } }),
      http: {
        urlVariable: 'LIBRARY_URL',
        basePath: '/v1',
        paths: /^\/members\?cards=[^&#/]*$/,
        nothing: () => ({ body: { members: [] } }),
        rateLimit: hasToken
          ? { body: null, headers: { 'retry-after': '30' }, retryAfter: 30 }
          : { body: null, retryAfter: undefined },
        mismatches: [{ answer: () => mismatch, place: 'members.0.name', value: 'eva@example.nl' }],
        partial: { ...part, answer: () => ({ body: { members: [MEMBERS[2]], failed: ['C2'] } }) },
      },
    };
  return {
    ...common,
    pages: { ...common.pages, startStandIn: startLibrary },
    wrongCredentials: state('it knows no token', (_, response) => {
      sendJson(response, null, { status: 401 });
    }),
    ...(as === 'own states' ? {} : { withoutFaultControl: { hang: hanging } }),
    nonHttp: {
      protocol: 'over HTTP',
      garbage: { description: 'it is HTTP', code: 'SOURCE_CONTRACT' },
      rateLimit: state('it limits calls', (_, response) => {
        sendJson(response, null, { status: 429 });
      }),
      mismatches: [
        {
          ...state('a name is an object', (_, response) => {
            sendJson(response, mismatch);
          }),
          place: 'members.0.name',
          value: 'eva@example.nl',
        },
      ],
      partial: {
        ...state('a card fails', (_, response) => {
          sendJson(response, { members: [MEMBERS[2]], failed: ['C2'] });
        }),
        ...part,
      },
      endless: {
        description: 'the call is open',
        enter: async () => {
          busy = 0;
          const server = await start((_, response) => {
            busy += 1;
            response.once('close', () => (busy -= 1));
          });
          return { environment: { LIBRARY_URL: `${server.url}/v1` }, end: () => server.close() };
        },
        isAtWork: () => Promise.resolve(busy > 0),
      },
    },
  };
}
/** The pending calls of the endless system. */
let busy = 0;

/** Creates a system that enters a state when the gateway is open. */
function state(
  description: string,
  answer: (request: SeenRequest, response: ServerResponse) => void,
): SystemState {
  return {
    description,
    enter: async () => {
      let current = answerAsLibrary as typeof answer;
      const server = await start((request, response) => {
        current(request, response);
      });
      return {
        environment: { LIBRARY_URL: `${server.url}/v1` },
        begin: () => (current = answer),
        end: () => server.close(),
      };
    },
  };
}

const hanging: SystemState = {
  description: 'it does not answer',
  enter: async () => {
    let isHanging = true;
    const server = await start((request, response) => {
      if (!isHanging) answerAsLibrary(request, response);
    });
    return {
      environment: { LIBRARY_URL: `${server.url}/v1`, LIBRARY_LIMITS: '{"timeout":"500 ms"}' },
      end: () => {
        isHanging = false;
        return Promise.resolve();
      },
    };
  },
};

/**
 * Runs the contract of a source. With a defect, runs only the tests that must fail, by the beginnings of their names.
 */
function runContract(title: string, shape: Shape, failing?: readonly string[]): void {
  const collector = describe(title, () => {
    describeSource(subjectOf(shape), {
      // The library continues to run for the next contract.
      faultControl: () => createFaultControl([library]),
    });
  });
  if (failing === undefined) return;
  const { collect } = collector;
  // Other tests are removed before they are reported.
  collector.collect = async (file) => {
    const suite = await collect(file);
    const expected = expectToFail(suite, failing);
    expect([...expected].sort(), title).toEqual([...failing].sort());
    return suite;
  };
}

/** Removes all tests except those whose names begin so, and expects these to fail. Returns the found beginnings. */
function expectToFail(suite: RunnerTestSuite, failing: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  suite.tasks = suite.tasks.filter((task) => {
    if (task.type === 'suite') {
      for (const name of expectToFail(task, failing)) found.add(name);
      return task.tasks.length > 0;
    }
    const name = failing.find((beginning) => task.name.startsWith(beginning));
    if (name === undefined) return false;
    found.add(name);
    task.fails = true;
    return true;
  });
  return found;
}

for (const as of [
  'http',
  'http without credentials',
  'own states',
  'own states without a fault control',
] as const)
  runContract(`a source without a defect, described as ${as}`, {
    as,
    // The keys are the same for all shapes.
    hasKeys: as === 'http' || as === 'own states without a fault control',
  });

type Find = NonNullable<Mistake['find']>;

/** Returns this value for one card instead of the correct result. */
const returns =
  (card: string, value: () => readonly Member[] | Error): Find =>
  async (right, cards) => {
    const found = await right();
    return cards.map((requested, i) => (requested === card ? value() : (found[i] ?? [])));
  };

/** Throws another error instead of an error of this class. */
const throwsFor =
  (kind: abstract new (...parts: never[]) => Error, another: (error: Error) => Error | undefined): Find =>
  async (right) => {
    try {
      return await right();
    } catch (error) {
      if (!(error instanceof kind)) throw error;
      const thrown = another(error);
      if (thrown === undefined) return [[]];
      throw thrown;
    }
  };

/** Errors with a correct code and other wrong properties. */
const retryable = () => Object.assign(unavailable(), { code: 'SOURCE_UNAUTHENTICATED' });
const endless = () =>
  Object.assign(new SourceForbiddenError('library', 'library is limited.', { retryAfter: 30 }), {
    code: 'SOURCE_RATE_LIMITED',
  });

const rateLimited = (retryAfter?: number) =>
  new SourceRateLimitedError('library', 'library limits the rate of calls.', { retryAfter });

/** Throws another error instead of the error of an answer with an invalid name. */
function forMismatch(another: () => Error | undefined): Find {
  return throwsFor(SourceContractError, (error) => (error.message.includes('members') ? another() : error));
}

/** Fails a whole batch for one of its members. */
function losesPart(another: () => Error): Find {
  return async (right) => {
    const found = await right();
    if (found.some((members) => members instanceof Error)) throw another();
    return found;
  };
}

/** Fails permanently after one timeout. */
function staysBroken(): Find {
  let broken: SourceTimeoutError | undefined;
  return async (right) => {
    if (broken !== undefined) throw broken;
    try {
      return await right();
    } catch (error) {
      if (error instanceof SourceTimeoutError) broken = error;
      throw error;
    }
  };
}

const first = MEMBERS.slice(0, 1).map(toMember);
/** One of the hostile keys. */
const ODD = "' OR 1=1 --";
const hostile = (key: string) => `finds nothing by card for ${key}`;
const ADDRESS = 'calls no other address by card for';
const REFUSED = 'reports refused credentials';
const DENIED = 'reports that the system denies access';
const OF_CONTROL = 'reports that the system limits the rate of calls';
const RATE = 'reports the rate limit of the system';
const MISMATCH = "reports that an answer is invalid at 'members.0.name";
const PART = 'returns the part';
const HANG = 'stops waiting for a system that hangs';
const DOWN = "fails only its own fields if the system has the fault 'down";
const GARBAGE = "fails only its own fields if the system has the fault 'garbage";
const CANCELS = 'cancels its call';
const BATCH = 'loads six members, twice';

function unavailable(message = 'library is broken.'): SourceUnavailableError {
  return new SourceUnavailableError('library', message);
}

interface Planted extends Pick<Shape, 'as'> {
  mistake: Mistake;
  failing: readonly string[];
}

const mistakes: Record<string, Planted> = {
  // Lookups.
  'does not find a member': {
    mistake: { find: returns('C1', () => []) },
    failing: ['finds by card', 'reads further pages'],
  },
  'shows data of another member': {
    mistake: { find: returns('C1', () => first.map((member) => ({ ...member, memberName: 'Member 2' }))) },
    failing: ['finds by card'],
  },
  'adds an error to complete data': {
    mistake: {
      motto: ({ motto }) => {
        if (motto === null) throw unavailable();
        return motto;
      },
    },
    failing: ['finds by card'],
  },
  'shows a member for an unknown card': {
    mistake: { find: returns('C99', () => first.map((member) => ({ ...member, id: 'C99' }))) },
    failing: ['finds nothing by an unknown card', PART],
  },
  'reports an error for an unknown card': {
    mistake: { find: returns('C99', () => unavailable()) },
    failing: ['finds nothing by an unknown card', PART],
  },
  'makes one call for each card': { mistake: { maxCards: 1 }, failing: [BATCH] },
  'matches members by position': {
    mistake: {
      find: async (right, cards) => {
        const found = await right();
        const isWhole = found.every((members) => !(members instanceof Error) && members.length === 1);
        if (found.length < MAX_CARDS || !isWhole) return found;
        return found
          .toReversed()
          .map((members, i) =>
            members instanceof Error ? members : members.map((member) => ({ ...member, id: cards[i] ?? '' })),
          );
      },
    },
    failing: [BATCH],
  },
  'fails one member of a batch': {
    mistake: {
      motto: ({ id, motto }) => {
        if (id === 'C7') throw unavailable();
        return motto;
      },
    },
    failing: [BATCH],
  },
  'reads the first page only': {
    mistake: { lend: async (right) => (await right()).slice(0, 2) },
    failing: ['reads further pages'],
  },
  'counts a loan twice that the system repeats on the next page': {
    mistake: {
      lend: async (right) => {
        const titles = await right();
        return [...titles.slice(0, 3), ...titles.slice(2)];
      },
    },
    failing: ['reads further pages'],
  },
  'reads each page twice': {
    mistake: {
      lend: async (right) => {
        await right();
        return right();
      },
    },
    failing: ['reads further pages'],
  },
  'reads each page twice, of a stand-in with enough data': {
    as: 'own states',
    mistake: {
      lend: async (right) => {
        await right();
        return right();
      },
    },
    failing: ['reads further pages'],
  },
  'takes an odd card for a condition': {
    mistake: { find: returns(ODD, () => first.map((member) => ({ ...member, id: ODD }))) },
    failing: [hostile('an SQL condition')],
  },
  'reports a system failure for an odd card': {
    mistake: { find: returns(ODD, () => new SourceContractError('library', 'library does not know it.')) },
    failing: [hostile('an SQL condition')],
  },
  'reveals its query for an odd card': {
    mistake: { find: returns(ODD, () => new InvalidInputError('SELECT found nothing.')) },
    failing: [hostile('an SQL condition')],
  },
  'repeats an odd card in its error': {
    mistake: { find: returns(ODD, () => new InvalidInputError(`No card is ${ODD}.`)) },
    failing: [hostile('an SQL condition')],
  },

  // Refused credentials.
  'reports refused credentials as an outage': {
    mistake: { find: throwsFor(SourceAuthenticationError, () => unavailable()) },
    failing: [REFUSED],
  },
  'reports refused credentials as retryable': {
    mistake: { find: throwsFor(SourceAuthenticationError, retryable) },
    failing: [REFUSED],
  },
  'takes refused credentials for an unknown card': {
    mistake: { find: throwsFor(SourceAuthenticationError, () => undefined) },
    failing: [REFUSED],
  },
  'names another source in its error': {
    mistake: {
      find: throwsFor(
        SourceAuthenticationError,
        () => new SourceAuthenticationError('archive', 'archive refuses the credentials.'),
      ),
    },
    failing: [REFUSED],
  },
  'reveals an address in its error': {
    mistake: {
      find: throwsFor(
        SourceAuthenticationError,
        () => new SourceAuthenticationError('library', '127.0.0.1 refuses the credentials.'),
      ),
    },
    failing: [REFUSED],
  },
  'reveals its token': {
    mistake: {
      find: throwsFor(
        SourceAuthenticationError,
        () => new SourceAuthenticationError('library', `library refuses ${WRONG_TOKEN}.`),
      ),
    },
    failing: [REFUSED],
  },
  'tries again with refused credentials': {
    mistake: { find: (right) => right().catch(right) },
    failing: [REFUSED, MISMATCH],
  },
  'tries again with refused credentials, in a state of its own': {
    as: 'own states',
    mistake: {
      find: (right) =>
        right().catch((error: unknown) => {
          if (error instanceof SourceAuthenticationError) return right();
          throw error;
        }),
    },
    failing: [REFUSED],
  },
  'reports refused credentials as an outage, in a state of its own': {
    as: 'own states',
    mistake: { find: throwsFor(SourceAuthenticationError, () => unavailable()) },
    failing: [REFUSED],
  },
  'reports denied access as refused credentials': {
    as: 'http without credentials',
    mistake: {
      find: throwsFor(
        SourceForbiddenError,
        () => new SourceAuthenticationError('library', 'library refuses the credentials.'),
      ),
    },
    failing: [DENIED],
  },
  'tries again when access is denied': {
    as: 'http without credentials',
    mistake: {
      find: (right) =>
        right().catch((error: unknown) => {
          if (error instanceof SourceForbiddenError) return right();
          throw error;
        }),
    },
    failing: [DENIED],
  },

  // Faults.
  'reports a rate limit as an outage': {
    mistake: { find: throwsFor(SourceRateLimitedError, () => unavailable()) },
    failing: [OF_CONTROL, RATE],
  },
  'reports a rate limit as an outage, in a state of its own': {
    as: 'own states without a fault control',
    mistake: { find: throwsFor(SourceRateLimitedError, () => unavailable()) },
    failing: [RATE],
  },
  'reports a timeout as an outage': {
    mistake: { find: throwsFor(SourceTimeoutError, () => unavailable()) },
    failing: [HANG],
  },
  'reports a timeout as an outage, in a state of its own': {
    as: 'own states without a fault control',
    mistake: { find: throwsFor(SourceTimeoutError, () => unavailable()) },
    failing: [HANG],
  },
  'does not recover from a timeout': {
    as: 'own states without a fault control',
    mistake: { find: staysBroken() },
    failing: [HANG],
  },
  'reports an outage as a fault of its contract': {
    mistake: {
      find: throwsFor(SourceUnavailableError, () => new SourceContractError('library', 'library is wrong.')),
    },
    failing: [DOWN],
  },
  'reports garbage as an outage': {
    mistake: {
      find: throwsFor(SourceContractError, (error) =>
        error.message.includes('members') ? error : unavailable(),
      ),
    },
    failing: [GARBAGE],
  },
  'reports garbage as an outage, in a state of its own': {
    as: 'own states',
    mistake: {
      find: throwsFor(SourceContractError, (error) =>
        error.message.includes('members') ? error : unavailable(),
      ),
    },
    failing: [GARBAGE],
  },

  // A rate limit.
  'reports a rate limit that does not end': {
    mistake: { find: throwsFor(SourceRateLimitedError, endless) },
    failing: [RATE],
  },
  'reports a rate limit that does not end, in a state of its own': {
    as: 'own states',
    mistake: { find: throwsFor(SourceRateLimitedError, endless) },
    failing: [RATE],
  },
  'does not report when to try again': {
    mistake: { find: throwsFor(SourceRateLimitedError, () => rateLimited()) },
    failing: [RATE],
  },
  'reports too late a time to try again': {
    mistake: { find: throwsFor(SourceRateLimitedError, () => rateLimited(31)) },
    failing: [RATE],
  },
  'reports too early a time to try again': {
    mistake: { find: throwsFor(SourceRateLimitedError, () => rateLimited(24)) },
    failing: [RATE],
  },
  'makes up a time to try again': {
    as: 'http without credentials',
    mistake: { find: throwsFor(SourceRateLimitedError, () => rateLimited(30)) },
    failing: [RATE],
  },
  'makes up a time to try again, in a state of its own': {
    as: 'own states',
    mistake: { find: throwsFor(SourceRateLimitedError, () => rateLimited(30)) },
    failing: [RATE],
  },

  // An invalid answer.
  ...Object.fromEntries<Planted>(
    (['http', 'own states'] as const).flatMap(
      (as) =>
        [
          [
            `takes an invalid answer for an unknown card (${as})`,
            { as, mistake: { find: forMismatch(() => undefined) }, failing: [MISMATCH] },
          ],
          [
            `does not report the place of an invalid value (${as})`,
            {
              as,
              mistake: { find: forMismatch(() => new SourceContractError('library', 'library is wrong.')) },
              failing: [MISMATCH],
            },
          ],
          [
            `reports an invalid answer as an outage (${as})`,
            {
              as,
              mistake: { find: forMismatch(() => unavailable('library is broken at members.0.name.')) },
              failing: [MISMATCH],
            },
          ],
          [
            `repeats an invalid value (${as})`,
            {
              as,
              mistake: {
                find: forMismatch(
                  () => new SourceContractError('library', 'library has eva@example.nl at members.0.name.'),
                ),
              },
              failing: [MISMATCH],
            },
          ],
          [
            `loses the part that the system answers (${as})`,
            { as, mistake: { find: losesPart(unavailable) }, failing: [PART] },
          ],
          [
            `hides the failure of a part (${as})`,
            {
              as,
              mistake: {
                find: async (right: () => Promise<readonly (readonly Member[] | Error)[]>) =>
                  (await right()).map((members) => (members instanceof Error ? [] : members)),
              },
              failing: [PART],
            },
          ],
          [
            `goes on after the client has gone (${as})`,
            {
              as,
              mistake: {
                scope: (right: CallScope) => ({
                  run: (call) => right.run(() => call(new AbortController().signal)),
                  slowDown: (info) => {
                    right.slowDown(info);
                  },
                  limitMaxAge: (ms) => {
                    right.limitMaxAge(ms);
                  },
                  headers: right.headers,
                }),
              },
              failing: [CANCELS],
            },
          ],
        ] satisfies [string, Planted][],
    ),
  ),

  // Calls of hostile keys.
  'writes a card into the path': {
    mistake: {
      find: async (right, cards, client) => {
        if (cards.includes(ODD)) await client.getText('/cards/%25');
        return right();
      },
    },
    failing: [`${ADDRESS} an SQL condition`],
  },
  'lets a card add a header': {
    mistake: {
      scope: (right) => ({
        run: (call) => right.run(call),
        slowDown: (info) => {
          right.slowDown(info);
        },
        limitMaxAge: (ms) => {
          right.limitMaxAge(ms);
        },
        headers: { ...right.headers, 'x-injected': 'yes' },
      }),
    },
    failing: [`${ADDRESS} an SQL condition`],
  },
};

for (const [title, { mistake, failing, as = 'http' }] of Object.entries(mistakes))
  runContract(
    `a source that ${title}`,
    { mistake, as, hasKeys: failing.some((name) => name.includes('by card for')) },
    failing,
  );
