import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { hostileKeys } from './hostile-keys.js';
import { sendJson, startServer, type SeenRequest, type SmallServer } from './small-server.js';
import type {
  HttpPeculiarities,
  OtherPeculiarities,
  OwnState,
  Question,
  SourceSubject,
  SystemAnswer,
} from './source-subject.js';
import { createTestGateway } from './test-gateway.js';
import { INTERNALS, TestedSource } from './tested-source.js';

export interface SourceContractOptions {
  /** Starts a fault control in front of the stand-ins of the source, and of the sources beside it. */
  faultControl: () => Promise<FaultControl>;
  /** Creates the gateways of the tests. Default: `createTestGateway`. */
  createGateway?: typeof createTestGateway;
}

/**
 * The contract of every source, as tests of Vitest: what it finds by each of its keys, batches, pages, hostile keys, and its
 * result for each kind of fault. The subject describes what is special to the system.
 */
export function describeSource(
  subject: SourceSubject,
  { faultControl, createGateway = createTestGateway }: SourceContractOptions,
): void {
  const tested = new TestedSource(subject, createGateway);
  beforeAll(() => tested.start(faultControl));
  afterEach(() => tested.reset());
  afterAll(() => tested.close());

  describe('as every source', () => {
    describeAnswers(subject, tested);
    describeFaults(subject, tested);
  });
  if ('http' in subject) describeHttp(subject, subject.http, tested);
  else describeOther(subject.question, subject.otherwise, tested);
}

/** What the source finds. */
function describeAnswers(subject: SourceSubject, tested: TestedSource): void {
  const { pages } = subject;

  it.each(Object.entries(subject.found))('finds by %s', async (_, question) => {
    tested.open();
    await tested.expectAnswer(question);
  });

  it.each(Object.entries(subject.unknown))(
    'finds nothing by an unknown %s, without an error',
    async (_, question) => {
      tested.open();
      await tested.expectAnswer(question);
    },
  );

  it.each(Object.entries(subject.batches))(
    'loads %s in as few calls as the system allows',
    async (_, question) => {
      tested.open();
      const { data, errors } = await tested.send(question);
      expect(errors).toEqual([]);
      expect(await tested.calls()).toBe(question.calls);
      question.expectData?.(data);
    },
  );

  if (!('none' in pages))
    it('reads past one page', async () => {
      const standIn = pages.of === undefined ? undefined : await tested.startStandIn(pages.of);
      tested.open(standIn?.settings);
      await tested.expectAnswer(pages);
      expect(standIn === undefined ? await tested.calls() : standIn.calls()).toBe(pages.calls);
    });

  it.each(
    Object.entries(subject.byAnyText).flatMap(([by, question]) =>
      Object.entries(hostileKeys).map(([what, key]) => [by, what, question(key), key] as const),
    ),
  )('finds nothing by %s for %s', async (_by, _what, question, key) => {
    tested.openShared('stand-in');
    const answer = await tested.send(question);
    // Either refused, or searched and not found.
    if (answer.data != null) expect(answer.data).toEqual(question.nothing);
    for (const { message, extensions } of answer.errors) {
      expect(extensions.code).toBe('BAD_USER_INPUT');
      expect(message).not.toMatch(INTERNALS);
      if (key.trim().length > 3) expect(message).not.toContain(key);
    }
  });
}

/** The results for refused credentials, limits and outages. */
function describeFaults(subject: SourceSubject, tested: TestedSource): void {
  const { source, question, wrongCredentials } = subject;
  const { name } = source;
  const { bare, garbage = { code: 'SOURCE_CONTRACT', here: 'its answer is garbage' } } =
    'otherwise' in subject ? { bare: subject.bare, garbage: subject.otherwise.garbage } : {};

  if (isOwnState(wrongCredentials))
    it(`reports refused credentials with a code of their own, and does not try again: ${wrongCredentials.here}`, async () => {
      await tested.openIn(wrongCredentials);
      tested.expectNoSecondTry(await tested.send(question), wrongCredentials.code);
      expect(await tested.callsMade()).toBe(1);
    });
  else if (!isNone(wrongCredentials))
    it('reports refused credentials with a code of their own, and does not try again', async () => {
      tested.open(wrongCredentials);
      const answer = await tested.send(question);
      tested.expectNoSecondTry(answer);
      expect(await tested.calls()).toBe(1);
      for (const secret of Object.values(wrongCredentials))
        expect(JSON.stringify(answer)).not.toContain(secret);
    });

  if (bare === undefined)
    it('reports that the system limits the rate of calls', async () => {
      tested.open();
      await tested.control.set(name, { fault: 'rate-limit' });
      tested.expectErrors(await tested.send(question), 'SOURCE_RATE_LIMITED');
    });

  it(`stops waiting for a system that hangs at the timeout of the source, and works again when the system does${bare === undefined ? '' : `: ${bare.hang.here}`}`, async () => {
    if (bare === undefined) {
      // Long enough for the answer that it gives once it works again.
      tested.open({}, '2 s');
      await tested.control.set(name, { fault: 'hang' });
    } else await tested.openIn(bare.hang);
    tested.expectErrors(await tested.send(question), 'SOURCE_TIMEOUT');
    await tested.heal();
    expect((await tested.send(question)).errors).toEqual([]);
  });

  it.each([
    { fault: 'down', code: 'SOURCE_UNAVAILABLE', here: 'the system does not answer' },
    { fault: 'garbage', ...garbage },
  ] as const)('fails only its own fields when the system is in $fault: $here', async ({ fault, code }) => {
    tested.open();
    await tested.control.set(name, { fault });
    tested.expectErrors(await tested.send(question), code);
  });
}

function describeHttp(subject: SourceSubject, http: HttpPeculiarities, tested: TestedSource): void {
  const { question, wrongCredentials } = subject;
  const { urlVariable, basePath = '', login, paths, nothing, rateLimit, mismatches, partial, refusal } = http;

  describe('called over HTTP, as every source', () => {
    let system: SmallServer;
    let answerWith: (request: SeenRequest, response: ServerResponse) => void;
    const environment = () =>
      Object.fromEntries([urlVariable].flat().map((variable) => [variable, `${system.url}${basePath}`]));
    const openHere = () => {
      tested.open(environment());
    };

    beforeAll(async () => {
      system = await startServer((request, response) => {
        if (request.url === login?.path) {
          system.seen.splice(system.seen.indexOf(request), 1);
          sendJson(response, login.answer);
        } else answerWith(request, response);
      });
    });
    afterEach(() => {
      system.seen.length = 0;
    });
    afterAll(() => system.close());

    it('reports the rate limit of the system, and when to try again', async () => {
      answerWith = (_, response) => {
        send(response, { status: 429, ...rateLimit });
      };
      openHere();
      const answer = await tested.send(question);
      tested.expectErrors(answer, 'SOURCE_RATE_LIMITED');
      for (const { extensions } of answer.errors) {
        expect(extensions.retryable).toBe(true);
        if (rateLimit.retryAfter === undefined) expect(extensions.retryAfter).toBeUndefined();
        // Some of it may have passed.
        else {
          expect(extensions.retryAfter).toBeLessThanOrEqual(rateLimit.retryAfter);
          expect(extensions.retryAfter).toBeGreaterThanOrEqual(rateLimit.retryAfter - 5);
        }
      }
    });

    it.each(mismatches)(
      'reports that an answer is invalid at $place, without a value of it',
      async (mismatch) => {
        answerWith = (request, response) => {
          send(response, { body: mismatch.answer(request) });
        };
        openHere();
        await tested.expectMismatch(mismatch);
        expect(system.seen).toHaveLength(1);
      },
    );

    it('takes the part of a batch that the system answers', async () => {
      answerWith = (request, response) => {
        send(response, partial.answer(request));
      };
      openHere();
      await tested.expectPart(partial);
    });

    if (isNone(wrongCredentials))
      it(`reports that the system denies access, and does not try again: ${wrongCredentials.none}`, async () => {
        answerWith = (_, response) => {
          send(response, refusal ?? { status: 403, body: null });
        };
        openHere();
        tested.expectNoSecondTry(await tested.send(question), 'SOURCE_FORBIDDEN');
        expect(system.seen).toHaveLength(1);
      });

    it.each(
      Object.entries(subject.byAnyText).flatMap(([by, question]) =>
        Object.entries(hostileKeys).map(([what, key]) => [by, what, question(key)] as const),
      ),
    )('calls no other address by %s for %s', async (_by, _what, question) => {
      answerWith = (request, response) => {
        send(response, nothing(request));
      };
      tested.openShared('own', environment());
      await tested.send(question);
      for (const { url, headers } of system.seen) {
        expect(url.slice(basePath.length)).toMatch(paths);
        expect(headers).not.toHaveProperty('x-injected');
      }
    });

    it('cancels its call when the client closes the connection', async () => {
      let gone = 0;
      answerWith = (_, response) => {
        response.once('close', () => (gone += 1));
      };
      openHere();
      const stop = await tested.sendAndHangUp(() => expect.poll(() => system.seen.length).toBe(1));
      // Long before the source's own timeout.
      await expect.poll(() => gone, { timeout: 900, interval: 20 }).toBe(1);
      await stop();
    });
  });
}

function describeOther(
  question: Question,
  { protocol, rateLimit, mismatches, partial, endless }: OtherPeculiarities,
  tested: TestedSource,
): void {
  describe(`called ${protocol}, as every source`, () => {
    it(`reports the rate limit of the system: ${rateLimit.here}`, async () => {
      await tested.openIn(rateLimit);
      const answer = await tested.send(question);
      tested.expectErrors(answer, 'SOURCE_RATE_LIMITED');
      for (const { extensions } of answer.errors) {
        expect(extensions.retryable).toBe(true);
        expect(extensions.retryAfter).toBeUndefined();
      }
    });

    it.each(mismatches)(
      'reports that an answer is invalid at $place, without a value of it: $here',
      async (mismatch) => {
        await tested.openIn(mismatch);
        await tested.expectMismatch(mismatch);
      },
    );

    it(`takes the part that the system answers: ${partial.here}`, async () => {
      await tested.openIn(partial);
      await tested.expectPart(partial);
    });

    it(`cancels its call when the client closes the connection: ${endless.here}`, async () => {
      await tested.openIn(endless);
      const isAtWork = () => endless.isAtWork(tested.gateway);
      await tested.sendAndHangUp(() => expect.poll(isAtWork).toBe(true));
      // Long before the source's own timeout.
      await expect.poll(isAtWork, { timeout: 900, interval: 20 }).toBe(false);
    });
  });
}

/** A text as it stands; anything else as JSON. */
function send(response: ServerResponse, { body, status = 200, headers = {} }: SystemAnswer): void {
  if (typeof body !== 'string') sendJson(response, body, { status, headers });
  else response.writeHead(status, headers).end(body);
}

function isNone(credentials: SourceSubject['wrongCredentials']): credentials is { none: string } {
  return 'none' in credentials;
}

function isOwnState(credentials: SourceSubject['wrongCredentials']): credentials is OwnState {
  return 'make' in credentials && typeof credentials.make === 'function';
}
