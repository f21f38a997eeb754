import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import type { SystemName } from '../../sources/stand-ins/world.js';
import { SettingsReader, type Environment } from '../../src/config.js';
import type { SourceDefinition } from '../../src/index.js';
import { listen } from '../../src/server/http.js';
import { hostileKeys } from '../connectors/contract.js';
import { sendJson, startServer, type SeenRequest, type SmallServer } from '../connectors/server.js';
import { createTestGateway, type Answer, type TestGateway } from '../support/gateway.js';
import { faultControl } from '../support/stand-ins.js';

/** A question of a client. */
export interface Question {
  query: string;
  variables?: Record<string, unknown>;
}

export interface AnsweredQuestion extends Question {
  data: unknown;
}

/** What a system of a test's own answers. */
interface SystemAnswer {
  body: unknown;
  status?: number;
  headers?: Record<string, string>;
}

/** Of a system that is asked over HTTP: what it may do that its stand-in never does, or never of itself. */
export interface HttpPeculiarities {
  /** The setting that says where the system is, and what its address ends in. */
  urlVariable: string;
  basePath?: string;
  /** How the system lets the gateway in, where that is a call of its own. It is always well, and counts for nothing. */
  login?: { path: string; answer: unknown };
  /** Every call that the source makes fits this; anything else is another address. */
  paths: RegExp;
  /** What the system answers when it knows nothing of what it is asked. */
  nothing: (request: SeenRequest) => SystemAnswer;
  /** How the system says that it is asked too often, and after how many seconds it wants to be asked again. */
  rateLimit: SystemAnswer & { retryAfter: number | undefined };
  /** Answers that do not fit, each to the question `ask`: where, and a value there. */
  misfits: readonly { answer: (request: SeenRequest) => unknown; place: string; value: string }[];
  /** A batch of which the system answers a part: the rest is null with an error, or without one where it is unknown. */
  partial: AnsweredQuestion & {
    answer: (request: SeenRequest) => SystemAnswer;
    errors: readonly { path: readonly (string | number)[]; code: string }[];
  };
}

/** A source, and how it is asked in the contract. */
export interface SourceSubject {
  source: SourceDefinition;
  /** By each of its keys: what is asked, and what is to come. */
  found: Readonly<Record<string, AnsweredQuestion>>;
  /** What nobody has: no error, and nothing. */
  unknown: Readonly<Record<string, AnsweredQuestion>>;
  /** Many at once, in as many calls as the system's own limit on batches makes necessary, each asked once. */
  batches: Readonly<Record<string, Question & { calls: number; expectData?: (data: unknown) => void }>>;
  /** What does not fit into one page of the system's, in so many calls; left out where nothing has pages. */
  pages?: AnsweredQuestion & { calls: number };
  /** A question that is answered with one call, for bad days. */
  ask: Question;
  wrongCredentials: Environment;
  /** A question with a key that is anybody's text. Its data when there is nothing, and the place of its error when refused. */
  byAnyText: Readonly<Record<string, (text: string) => Question & { nothing: unknown }>>;
  /** Left out of a system that is not asked over HTTP. */
  http?: HttpPeculiarities;
}

/** Nothing of how the gateway or the system is made. */
const INTERNALS = /127\.0\.0\.1|localhost|ECONN|undici|node_modules|at .*\.[jt]s|SELECT /i;

/** What every source promises, whatever its system: the source's own test says what is special to it. */
export function describeSource(subject: SourceSubject): void {
  const { source, ask, http } = subject;
  const name = source.name as SystemName;
  let control: FaultControl;
  let settings: Environment;
  let gateway: TestGateway;

  /** A gateway with this source alone, which has asked nothing yet. */
  const open = (environment: Environment = {}): TestGateway =>
    (gateway = createTestGateway({ DEADLINE_MS: '10000', ...settings, ...environment }));
  const put = ({ query, variables }: Question): Promise<Answer> => gateway.query(query, variables);
  const calls = () => control.counters()[name]?.calls;

  beforeAll(async () => {
    control = await faultControl();
    const own = source.connector.settings(new SettingsReader(control.settings));
    settings = Object.fromEntries(own.map(({ variable }) => [variable, control.settings[variable]]));
  });
  afterEach(async () => {
    await gateway.close();
    await control.heal();
  });
  afterAll(() => control.close());

  /** Every error is this source's, has the code, and tells nothing that it should not. */
  const expectErrors = ({ errors }: Answer, code: string): void => {
    expect(errors.length).toBeGreaterThan(0);
    for (const { message, extensions } of errors) {
      expect(extensions).toMatchObject({ code, source: name });
      expect(message).not.toMatch(INTERNALS);
    }
  };

  describe('as every source', () => {
    it.each(Object.entries(subject.found))('finds by %s', async (_, question) => {
      open();
      const { data, errors } = await put(question);
      expect(errors).toEqual([]);
      expect(data).toEqual(question.data);
    });

    it.each(Object.entries(subject.unknown))(
      'knows nothing by %s that nobody has, which is no error',
      async (_, question) => {
        open();
        const { data, errors } = await put(question);
        expect(errors).toEqual([]);
        expect(data).toEqual(question.data);
      },
    );

    it.each(Object.entries(subject.batches))(
      'asks for %s in as few calls as the system allows',
      async (_, question) => {
        open();
        const { data, errors } = await put(question);
        expect(errors).toEqual([]);
        expect(calls()).toBe(question.calls);
        question.expectData?.(data);
      },
    );

    const { pages } = subject;
    if (pages !== undefined)
      it('reads past one page', async () => {
        open();
        const { data, errors } = await put(pages);
        expect(errors).toEqual([]);
        expect(data).toEqual(pages.data);
        expect(calls()).toBe(pages.calls);
      });

    it('tells refused credentials apart, and does not try again', async () => {
      open(subject.wrongCredentials);
      const answer = await put(ask);
      expectErrors(answer, 'SOURCE_UNAUTHENTICATED');
      expect(answer.errors.map(({ extensions }) => extensions.retryable)).not.toContain(true);
      expect(calls()).toBe(1);
      for (const secret of Object.values(subject.wrongCredentials))
        expect(JSON.stringify(answer)).not.toContain(secret);
    });

    it('says that it is asked too often', async () => {
      open();
      await control.set(name, { fault: 'rate-limit' });
      expectErrors(await put(ask), 'SOURCE_RATE_LIMITED');
    });

    it('gives a system that hangs up at its own timeout, and works again when the system does', async () => {
      open();
      await control.set(name, { fault: 'hang' });
      expectErrors(await put(ask), 'SOURCE_TIMEOUT');
      await control.heal();
      expect((await put(ask)).errors).toEqual([]);
    });

    it.each([
      ['down', 'SOURCE_UNAVAILABLE'],
      ['garbage', 'SOURCE_CONTRACT'],
    ] as const)('costs its own fields alone when the system is in "%s"', async (fault, code) => {
      open();
      await control.set(name, { fault });
      expectErrors(await put(ask), code);
    });

    it.each(
      Object.entries(subject.byAnyText).flatMap(([by, question]) =>
        Object.entries(hostileKeys).map(([what, key]) => [by, what, question(key), key] as const),
      ),
    )('by %s takes %s for nobody else', async (_by, _what, question, key) => {
      open();
      const answer = await put(question);
      // Refused, or looked for and not found.
      if (answer.data != null) expect(answer.data).toEqual(question.nothing);
      for (const { message, extensions } of answer.errors) {
        expect(extensions.code).toBe('BAD_USER_INPUT');
        expect(message).not.toMatch(INTERNALS);
        if (key.trim().length > 3) expect(message).not.toContain(key);
      }
    });
  });

  if (http === undefined) return;
  const { urlVariable, basePath = '', login, paths, nothing, rateLimit, misfits, partial } = http;

  describe('asked over HTTP, as every source', () => {
    let system: SmallServer;
    let answerWith: (request: SeenRequest, response: ServerResponse) => void;
    const send = (response: ServerResponse, { body, ...options }: SystemAnswer) => {
      sendJson(response, body, options);
    };
    const openOwn = () => open({ [urlVariable]: `${system.url}${basePath}` });

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

    it('is told by the system in its own way that it asks too often, and when to ask again', async () => {
      answerWith = (_, response) => {
        send(response, { status: 429, ...rateLimit });
      };
      openOwn();
      const answer = await put(ask);
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
      'tells that an answer does not fit at $place, and no value of it',
      async ({ answer, place, value }) => {
        answerWith = (request, response) => {
          send(response, { body: answer(request) });
        };
        openOwn();
        const told = await put(ask);
        expectErrors(told, 'SOURCE_CONTRACT');
        expect(told.errors[0]?.message).toContain(place);
        expect(JSON.stringify(told)).not.toContain(value);
        expect(system.seen).toHaveLength(1);
      },
    );

    it('takes the part of a batch that the system answers', async () => {
      answerWith = (request, response) => {
        send(response, partial.answer(request));
      };
      openOwn();
      const { data, errors } = await put(partial);
      expect(data).toEqual(partial.data);
      expect(errors.map(({ path, extensions: { code } }) => ({ path, code }))).toEqual(partial.errors);
    });

    it.each(
      Object.entries(subject.byAnyText).flatMap(([by, question]) =>
        Object.entries(hostileKeys).map(([what, key]) => [by, what, question(key)] as const),
      ),
    )('by %s makes of %s no other address', async (_by, _what, question) => {
      answerWith = (request, response) => {
        send(response, nothing(request));
      };
      openOwn();
      await put(question);
      for (const { url, headers } of system.seen) {
        expect(url.slice(basePath.length)).toMatch(paths);
        expect(headers).not.toHaveProperty('x-injected');
      }
    });

    it('cancels its call when the client hangs up', async () => {
      let gone = 0;
      answerWith = (_, response) => {
        response.once('close', () => (gone += 1));
      };
      const server = await listen(openOwn().handler, { host: '127.0.0.1', port: 0 });
      const body = JSON.stringify(ask);
      const head = ['POST /graphql HTTP/1.1', 'host: localhost', 'content-type: application/json'];
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
      socket.write(`${[...head, `content-length: ${Buffer.byteLength(body)}`].join('\r\n')}\r\n\r\n${body}`);
      await expect.poll(() => system.seen.length).toBe(1);
      socket.destroy();
      // Long before the source's own timeout.
      await expect.poll(() => gone, { timeout: 900, interval: 20 }).toBe(1);
      await server.stop();
    });
  });
}
