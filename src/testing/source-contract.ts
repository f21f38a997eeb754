import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createFaultControl, type FaultControl } from '../../sources/stand-ins/fault-control.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import type { Duration } from '../duration.js';
import { listen } from '../http/http.js';
import { SettingsReader, type Environment } from '../settings.js';
import { endedCalls } from './ended-calls.js';
import { hostileKeys } from './hostile-keys.js';
import { sendJson, startServer, type SeenRequest, type SmallServer } from './small-server.js';
import type {
  AnsweredQuestion,
  ExpectedError,
  HttpPeculiarities,
  OtherPeculiarities,
  OwnState,
  Question,
  SourceSubject,
  SystemAnswer,
} from './source-subject.js';
import { type Answer, createTestGateway, LONG_TIMEOUT, type TestGateway } from './test-gateway.js';

/** Nothing of how the gateway or the system is made. */
const INTERNALS = /127\.0\.0\.1|localhost|ECONN|undici|node_modules|at .*\.[jt]s|SELECT /i;

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
  const { source, beside, question, pages, wrongCredentials } = subject;
  const { name } = source;
  const { bare, garbage = { code: 'SOURCE_CONTRACT', here: 'what comes is no answer' } } =
    'otherwise' in subject ? { bare: subject.bare, garbage: subject.otherwise.garbage } : {};
  let control: FaultControl;
  let settings: Environment;
  let gateway: TestGateway;
  /** Undoes what a test made of the system. */
  const ends: (() => Promise<void>)[] = [];

  /** A new gateway with only this source and what it needs, before its first call. */
  const open = (environment: Environment = {}, timeout: Duration = LONG_TIMEOUT): TestGateway =>
    (gateway = createGateway(
      { ...settings, ...beside?.environment, ...environment },
      {
        sources: [...(beside?.sources ?? []), { ...source, limits: { ...source.limits, timeout } }],
        sdl: beside?.sdl ?? {},
      },
    ));
  /** The gateway of tests that each send a key of their own to one system. */
  const shared = new Map<string, TestGateway>();
  const openShared = (system: string, environment: Environment = {}): void => {
    gateway = shared.get(system) ?? open(environment);
    shared.set(system, gateway);
  };
  /** The same of a system in a state that was made for it. */
  const openIn = async (state: OwnState): Promise<void> => {
    const { environment, begin, end } = await state.make();
    ends.push(end);
    open(environment);
    begin?.();
  };
  /** A stand-in of the test's own, behind a fault control of its own. */
  const standInOf = async (start: () => Promise<StandIn>) => {
    const standIn = await start();
    const own = await createFaultControl([standIn]);
    ends.push(async () => {
      await own.close();
      await standIn.close();
    });
    return { settings: own.settings, calls: () => own.counters()[name]?.calls };
  };
  const put = ({ query, variables }: Question): Promise<Answer> => gateway.query(query, variables);
  /** How many calls the system has seen; where nothing stands in front of it, how many the gateway says it made. */
  const calls = async () => (bare === undefined ? control.counters()[name]?.calls : callsMade());
  const callsMade = () => endedCalls(gateway, name);

  beforeAll(async () => {
    control = await faultControl();
    const own = source.connector.settings(new SettingsReader(control.settings));
    settings = Object.fromEntries(own.map(({ variable }) => [variable, control.settings[variable]]));
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
    if (![...shared.values()].includes(gateway)) await gateway.close();
    await control.heal();
  });
  afterAll(async () => {
    for (const one of shared.values()) await one.close();
    await control.close();
  });

  /** Every error is this source's, has the code, and reveals no internals. */
  const expectErrors = ({ errors }: Answer, code: string): void => {
    expect(errors.length).toBeGreaterThan(0);
    for (const { message, extensions } of errors) {
      expect(extensions).toMatchObject({ code, source: name });
      expect(message).not.toMatch(INTERNALS);
    }
  };
  const expectAnswer = async (question: AnsweredQuestion): Promise<void> => {
    const { data, errors } = await put(question);
    expect(errors).toEqual([]);
    expect(data).toEqual(question.data);
  };
  const expectPart = async (
    question: AnsweredQuestion & { errors: readonly ExpectedError[] },
  ): Promise<void> => {
    const { data, errors } = await put(question);
    expect(data).toEqual(question.data);
    expect(errors.map(({ path, extensions: { code } }) => ({ path, code }))).toEqual(question.errors);
  };
  const expectMisfit = async ({ place, value }: { place: string; value: string }): Promise<void> => {
    const answer = await put(question);
    expectErrors(answer, 'SOURCE_CONTRACT');
    expect(answer.errors[0]?.message).toContain(place);
    expect(JSON.stringify(answer)).not.toContain(value);
  };
  const expectNoSecondTry = (answer: Answer, code = 'SOURCE_UNAUTHENTICATED'): void => {
    expectErrors(answer, code);
    expect(answer.errors.map(({ extensions }) => extensions.retryable)).not.toContain(true);
  };
  /** Sends the question as a client, and closes the connection when `isCalled` resolves. */
  const sendAndHangUp = async (isCalled: () => Promise<void>): Promise<() => Promise<void>> => {
    const server = await listen(gateway.handler, { host: '127.0.0.1', port: 0 });
    ends.push(() => server.stop());
    const body = JSON.stringify(question);
    const head = ['POST /graphql HTTP/1.1', 'host: localhost', 'content-type: application/json'];
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.write(`${[...head, `content-length: ${Buffer.byteLength(body)}`].join('\r\n')}\r\n\r\n${body}`);
    await isCalled();
    socket.destroy();
    return () => server.stop();
  };

  describe('as every source', () => {
    it.each(Object.entries(subject.found))('finds by %s', async (_, question) => {
      open();
      await expectAnswer(question);
    });

    it.each(Object.entries(subject.unknown))(
      'knows nothing by %s that nobody has, which is no error',
      async (_, question) => {
        open();
        await expectAnswer(question);
      },
    );

    it.each(Object.entries(subject.batches))(
      'loads %s in as few calls as the system allows',
      async (_, question) => {
        open();
        const { data, errors } = await put(question);
        expect(errors).toEqual([]);
        expect(await calls()).toBe(question.calls);
        question.expectData?.(data);
      },
    );

    if (!('none' in pages))
      it('reads past one page', async () => {
        const own = pages.of === undefined ? undefined : await standInOf(pages.of);
        open(own?.settings);
        await expectAnswer(pages);
        expect(own === undefined ? await calls() : own.calls()).toBe(pages.calls);
      });

    if (isOwnState(wrongCredentials))
      it(`reports refused credentials with a code of their own, and does not try again: ${wrongCredentials.here}`, async () => {
        await openIn(wrongCredentials);
        expectNoSecondTry(await put(question), wrongCredentials.code);
        expect(await callsMade()).toBe(1);
      });
    else if (!isNone(wrongCredentials))
      it('reports refused credentials with a code of their own, and does not try again', async () => {
        open(wrongCredentials);
        const answer = await put(question);
        expectNoSecondTry(answer);
        expect(await calls()).toBe(1);
        for (const secret of Object.values(wrongCredentials))
          expect(JSON.stringify(answer)).not.toContain(secret);
      });

    if (bare === undefined)
      it('reports that the system limits the rate of calls', async () => {
        open();
        await control.set(name, { fault: 'rate-limit' });
        expectErrors(await put(question), 'SOURCE_RATE_LIMITED');
      });

    it(`stops waiting for a system that hangs at the timeout of the source, and works again when the system does${bare === undefined ? '' : `: ${bare.hang.here}`}`, async () => {
      if (bare === undefined) {
        // Long enough for the answer that it gives once it works again.
        open({}, '2 s');
        await control.set(name, { fault: 'hang' });
      } else await openIn(bare.hang);
      expectErrors(await put(question), 'SOURCE_TIMEOUT');
      for (const end of ends.splice(0)) await end();
      await control.heal();
      expect((await put(question)).errors).toEqual([]);
    });

    it.each([
      { fault: 'down', code: 'SOURCE_UNAVAILABLE', here: 'the system does not answer' },
      { fault: 'garbage', ...garbage },
    ] as const)('costs its own fields alone when the system is in $fault: $here', async ({ fault, code }) => {
      open();
      await control.set(name, { fault });
      expectErrors(await put(question), code);
    });

    it.each(
      Object.entries(subject.byAnyText).flatMap(([by, question]) =>
        Object.entries(hostileKeys).map(([what, key]) => [by, what, question(key), key] as const),
      ),
    )('by %s takes %s for nobody else', async (_by, _what, question, key) => {
      openShared('stand-in');
      const answer = await put(question);
      // Either refused, or searched and not found.
      if (answer.data != null) expect(answer.data).toEqual(question.nothing);
      for (const { message, extensions } of answer.errors) {
        expect(extensions.code).toBe('BAD_USER_INPUT');
        expect(message).not.toMatch(INTERNALS);
        if (key.trim().length > 3) expect(message).not.toContain(key);
      }
    });
  });

  if ('http' in subject) describeHttp(subject.http);
  else describeOther(subject.otherwise);

  function describeHttp(http: HttpPeculiarities): void {
    const { urlVariable, basePath = '', login, paths, nothing, rateLimit, misfits, partial, refusal } = http;

    describe('called over HTTP, as every source', () => {
      let system: SmallServer;
      let answerWith: (request: SeenRequest, response: ServerResponse) => void;
      const environment = () =>
        Object.fromEntries([urlVariable].flat().map((one) => [one, `${system.url}${basePath}`]));
      const openOwn = () => open(environment());

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
        openOwn();
        const answer = await put(question);
        expectErrors(answer, 'SOURCE_RATE_LIMITED');
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

      it.each(misfits)(
        'reports that an answer is invalid at $place, without a value of it',
        async (misfit) => {
          answerWith = (request, response) => {
            send(response, { body: misfit.answer(request) });
          };
          openOwn();
          await expectMisfit(misfit);
          expect(system.seen).toHaveLength(1);
        },
      );

      it('takes the part of a batch that the system answers', async () => {
        answerWith = (request, response) => {
          send(response, partial.answer(request));
        };
        openOwn();
        await expectPart(partial);
      });

      if (isNone(wrongCredentials))
        it(`reports that the system denies access, and does not try again: ${wrongCredentials.none}`, async () => {
          answerWith = (_, response) => {
            send(response, refusal ?? { status: 403, body: null });
          };
          openOwn();
          expectNoSecondTry(await put(question), 'SOURCE_FORBIDDEN');
          expect(system.seen).toHaveLength(1);
        });

      it.each(
        Object.entries(subject.byAnyText).flatMap(([by, question]) =>
          Object.entries(hostileKeys).map(([what, key]) => [by, what, question(key)] as const),
        ),
      )('by %s makes of %s no other address', async (_by, _what, question) => {
        answerWith = (request, response) => {
          send(response, nothing(request));
        };
        openShared('own', environment());
        await put(question);
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
        openOwn();
        const stop = await sendAndHangUp(() => expect.poll(() => system.seen.length).toBe(1));
        // Long before the source's own timeout.
        await expect.poll(() => gone, { timeout: 900, interval: 20 }).toBe(1);
        await stop();
      });
    });
  }

  function describeOther({ protocol, rateLimit, misfits, partial, endless }: OtherPeculiarities): void {
    describe(`called ${protocol}, as every source`, () => {
      it(`reports the rate limit of the system: ${rateLimit.here}`, async () => {
        await openIn(rateLimit);
        const answer = await put(question);
        expectErrors(answer, 'SOURCE_RATE_LIMITED');
        for (const { extensions } of answer.errors) {
          expect(extensions.retryable).toBe(true);
          expect(extensions.retryAfter).toBeUndefined();
        }
      });

      it.each(misfits)(
        'reports that an answer is invalid at $place, without a value of it: $here',
        async (misfit) => {
          await openIn(misfit);
          await expectMisfit(misfit);
        },
      );

      it(`takes the part that the system answers: ${partial.here}`, async () => {
        await openIn(partial);
        await expectPart(partial);
      });

      it(`cancels its call when the client closes the connection: ${endless.here}`, async () => {
        await openIn(endless);
        const isAtWork = () => endless.isAtWork(gateway);
        await sendAndHangUp(() => expect.poll(isAtWork).toBe(true));
        // Long before the source's own timeout.
        await expect.poll(isAtWork, { timeout: 900, interval: 20 }).toBe(false);
      });
    });
  }
}

/** A text as it stands; anything else as JSON. */
function send(response: ServerResponse, { body, status = 200, headers = {} }: SystemAnswer): void {
  if (typeof body !== 'string') sendJson(response, body, { status, headers });
  else response.writeHead(status, headers).end(body);
}

function isNone(given: SourceSubject['wrongCredentials']): given is { none: string } {
  return 'none' in given;
}

function isOwnState(given: SourceSubject['wrongCredentials']): given is OwnState {
  return 'make' in given && typeof given.make === 'function';
}
