import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { hostileKeys } from '../recordings/hostile-keys.js';
import { INTERNALS } from '../recordings/promise.js';
import { sendJson, startServer, type SeenRequest, type SmallServer } from './small-server.js';
import type {
  HttpPeculiarities,
  NonHttpPeculiarities,
  SystemState,
  ClientOperation,
  SourceSubject,
  SystemAnswer,
} from './source-subject.js';
import { createTestGateway } from './test-gateway.js';
import { TestedSource } from './tested-source.js';

export interface SourceContractOptions {
  /** Starts a fault control in front of the stand-ins of the source and of its dependencies. */
  faultControl: () => Promise<FaultControl>;
  /** Creates the gateways of the tests. Default: `createTestGateway`. */
  createGateway?: typeof createTestGateway;
}

/**
 * The contract of every source, as tests of Vitest: the result for each of its keys, batches, pages and
 * hostile keys, and for each kind of fault. The subject describes the specifics of the system.
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
  else describeOther(subject.operation, subject.nonHttp, tested);
}

/** Tests the records that the source finds. */
function describeAnswers(subject: SourceSubject, tested: TestedSource): void {
  const { pages } = subject;

  it.each(Object.entries(subject.found))('finds by %s', async (_, operation) => {
    tested.open();
    await tested.expectAnswer(operation);
  });

  it.each(Object.entries(subject.unknown))(
    'finds nothing by an unknown %s, without an error',
    async (_, operation) => {
      tested.open();
      await tested.expectAnswer(operation);
    },
  );

  it.each(Object.entries(subject.batches))(
    'loads %s in as few calls as the system allows',
    async (_, operation) => {
      tested.open();
      const { data, errors } = await tested.send(operation);
      expect(errors).toEqual([]);
      expect(await tested.calls()).toBe(operation.calls);
      operation.expectData?.(data);
    },
  );

  if (!('noneBecause' in pages))
    it('reads further pages', async () => {
      const standIn =
        pages.startStandIn === undefined ? undefined : await tested.startStandIn(pages.startStandIn);
      tested.open(standIn?.settings);
      await tested.expectAnswer(pages);
      expect(standIn === undefined ? await tested.calls() : standIn.calls()).toBe(pages.calls);
    });

  it.each(
    Object.entries(subject.byAnyText).flatMap(([by, operation]) =>
      Object.entries(hostileKeys).map(([what, key]) => [by, what, operation(key), key] as const),
    ),
  )('finds nothing by %s for %s', async (_by, _what, operation, key) => {
    tested.openShared('stand-in');
    const answer = await tested.send(operation);
    // The key is refused, or finds nothing.
    if (answer.data != null) expect(answer.data).toEqual(operation.nothing);
    for (const { message, extensions } of answer.errors) {
      expect(extensions.code).toBe('BAD_USER_INPUT');
      expect(message).not.toMatch(INTERNALS);
      if (key.trim().length > 3) expect(message).not.toContain(key);
    }
  });
}

/** Tests the results for refused credentials, limits and outages. */
function describeFaults(subject: SourceSubject, tested: TestedSource): void {
  const { source, operation, wrongCredentials } = subject;
  const { name } = source;
  const { withoutFaultControl, garbage = { code: 'SOURCE_CONTRACT', description: 'its answer is invalid' } } =
    'nonHttp' in subject
      ? { withoutFaultControl: subject.withoutFaultControl, garbage: subject.nonHttp.garbage }
      : {};

  if (isSystemState(wrongCredentials))
    it(`reports refused credentials with their own code, and does not retry: ${wrongCredentials.description}`, async () => {
      await tested.openIn(wrongCredentials);
      tested.expectNoRetry(await tested.send(operation), wrongCredentials.code);
      expect(await tested.callsMade()).toBe(1);
    });
  else if (!isNone(wrongCredentials))
    it('reports refused credentials with their own code, and does not retry', async () => {
      tested.open(wrongCredentials);
      const answer = await tested.send(operation);
      tested.expectNoRetry(answer);
      expect(await tested.calls()).toBe(1);
      for (const secret of Object.values(wrongCredentials))
        expect(JSON.stringify(answer)).not.toContain(secret);
    });

  if (withoutFaultControl === undefined)
    it('reports that the system limits the rate of calls', async () => {
      tested.open();
      await tested.control.set(name, { fault: 'rate-limit' });
      tested.expectErrors(await tested.send(operation), 'SOURCE_RATE_LIMITED');
    });

  it(`stops waiting for a system that hangs at the timeout of the source, and works again when the system does${withoutFaultControl === undefined ? '' : `: ${withoutFaultControl.hang.description}`}`, async () => {
    if (withoutFaultControl === undefined) {
      // The timeout is long enough for an answer after the fault has ended.
      tested.open({}, '2 s');
      await tested.control.set(name, { fault: 'hang' });
    } else await tested.openIn(withoutFaultControl.hang);
    tested.expectErrors(await tested.send(operation), 'SOURCE_TIMEOUT');
    await tested.heal();
    expect((await tested.send(operation)).errors).toEqual([]);
  });

  it.each([
    { fault: 'down', code: 'SOURCE_UNAVAILABLE', description: 'the system does not answer' },
    { fault: 'garbage', ...garbage },
  ] as const)(
    'fails only its own fields if the system has the fault $fault: $description',
    async ({ fault, code }) => {
      tested.open();
      await tested.control.set(name, { fault });
      tested.expectErrors(await tested.send(operation), code);
    },
  );
}

function describeHttp(subject: SourceSubject, http: HttpPeculiarities, tested: TestedSource): void {
  const { operation, wrongCredentials } = subject;
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

    it('reports the rate limit of the system, and when to retry', async () => {
      answerWith = (_, response) => {
        send(response, { status: 429, ...rateLimit });
      };
      openHere();
      const answer = await tested.send(operation);
      tested.expectErrors(answer, 'SOURCE_RATE_LIMITED');
      for (const { extensions } of answer.errors) {
        expect(extensions.retryable).toBe(true);
        if (rateLimit.retryAfter === undefined) expect(extensions.retryAfter).toBeUndefined();
        // Some of the time may have passed.
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

    it('returns the part of a batch that the system answers', async () => {
      answerWith = (request, response) => {
        send(response, partial.answer(request));
      };
      openHere();
      await tested.expectPart(partial);
    });

    if (isNone(wrongCredentials))
      it(`reports that the system denies access, and does not retry: ${wrongCredentials.noneBecause}`, async () => {
        answerWith = (_, response) => {
          send(response, refusal ?? { status: 403, body: null });
        };
        openHere();
        tested.expectNoRetry(await tested.send(operation), 'SOURCE_FORBIDDEN');
        expect(system.seen).toHaveLength(1);
      });

    it.each(
      Object.entries(subject.byAnyText).flatMap(([by, operation]) =>
        Object.entries(hostileKeys).map(([what, key]) => [by, what, operation(key)] as const),
      ),
    )('calls no other address by %s for %s', async (_by, _what, operation) => {
      answerWith = (request, response) => {
        send(response, nothing(request));
      };
      tested.openShared('own', environment());
      await tested.send(operation);
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
      // The call must end long before the source's own timeout.
      await expect.poll(() => gone, { timeout: 900, interval: 20 }).toBe(1);
      await stop();
    });
  });
}

function describeOther(
  operation: ClientOperation,
  { protocol, rateLimit, mismatches, partial, endless }: NonHttpPeculiarities,
  tested: TestedSource,
): void {
  describe(`called ${protocol}, as every source`, () => {
    it(`reports the rate limit of the system: ${rateLimit.description}`, async () => {
      await tested.openIn(rateLimit);
      const answer = await tested.send(operation);
      tested.expectErrors(answer, 'SOURCE_RATE_LIMITED');
      for (const { extensions } of answer.errors) {
        expect(extensions.retryable).toBe(true);
        expect(extensions.retryAfter).toBeUndefined();
      }
    });

    it.each(mismatches)(
      'reports that an answer is invalid at $place, without a value of it: $description',
      async (mismatch) => {
        await tested.openIn(mismatch);
        await tested.expectMismatch(mismatch);
      },
    );

    it(`returns the part that the system answers: ${partial.description}`, async () => {
      await tested.openIn(partial);
      await tested.expectPart(partial);
    });

    it(`cancels its call when the client closes the connection: ${endless.description}`, async () => {
      await tested.openIn(endless);
      const isAtWork = () => endless.isAtWork(tested.gateway);
      await tested.sendAndHangUp(() => expect.poll(isAtWork).toBe(true));
      // Long before the source's own timeout.
      await expect.poll(isAtWork, { timeout: 900, interval: 20 }).toBe(false);
    });
  });
}

/** Sends a text unchanged, and any other body as JSON. */
function send(response: ServerResponse, { body, status = 200, headers = {} }: SystemAnswer): void {
  if (typeof body !== 'string') sendJson(response, body, { status, headers });
  else response.writeHead(status, headers).end(body);
}

function isNone(credentials: SourceSubject['wrongCredentials']): credentials is { noneBecause: string } {
  return 'noneBecause' in credentials;
}

function isSystemState(credentials: SourceSubject['wrongCredentials']): credentials is SystemState {
  return 'enter' in credentials && typeof credentials.enter === 'function';
}
