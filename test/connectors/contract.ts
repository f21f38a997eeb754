import { hostileKeys } from '../../src/recordings/hostile-keys.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import type { Fault } from '../../sources/stand-ins/fault.js';
import { SettingsReader, type Environment } from '../../src/settings.js';
import type { CallScope, Client, Connector } from '../../src/connectors/connector.js';
import { GatewayError, SourceError } from '../../src/errors.js';
import { timeout } from '../../src/resilience/timeout.js';
import { DEFAULT_MAX_ANSWER_BYTES } from '../../src/source.js';
import { createLogger } from '../../src/telemetry/logger.js';
import { faultControl } from '../support/stand-ins.js';

/** A connector, and how the contract calls it. */
export interface ContractSubject<C extends Client> {
  connector: Connector<C>;
  /** The stand-in that it calls, through the fault control. */
  source: string;
  /** Settings with invalid credentials; null for a system without authentication. */
  wrongCredentials: Environment | null;
  /** A small call that succeeds. */
  call: (client: C) => Promise<unknown>;
  /** A call whose schema does not match the answer. */
  callForMismatch: (client: C) => Promise<unknown>;
  /** The place that does not match, and the value there. */
  mismatch: { place: string; value: string };
  /** The record with a key, or the connector's value for no record. */
  find: (client: C, key: string) => Promise<unknown>;
  knownKey: string;
  nothing: unknown;
  /** The error code of each fault. */
  codes: Partial<Record<Fault, string>>;
  /** The `retryAfter` that the system reports. */
  retryAfter: number | undefined;
  /** The maximum number of connections that it opens. */
  maxConnections: number;
}

/** The timeout of calls that must time out. */
const SHORT_MS = 300;
/** The timeout of calls that must not time out, even on a busy machine. */
const LONG_MS = 10_000;

export { hostileKeys };

/** Opens a client as the gateway does, but without other limits than a timeout. */
export function open<C extends Client>(
  connector: Connector<C>,
  environment: Environment,
  { source = 'tested', timeoutMs = LONG_MS, scope = {} }: OpenOptions = {},
): Opened<C> {
  const settings = new SettingsReader(environment);
  const connection = connector.connect(settings, {
    source,
    timeoutMs,
    maxAnswerBytes: DEFAULT_MAX_ANSWER_BYTES,
    logger: createLogger('silent'),
  });
  settings.throwIfWrong();
  const clientWith = (ms: number) =>
    connection.client({
      run: (call) => timeout(source, ms, call),
      slowDown: () => undefined,
      limitMaxAge: () => undefined,
      headers: {},
      ...scope,
    });
  return Object.assign(clientWith(timeoutMs), {
    patient: clientWith(LONG_MS),
    close: () => connection.close(),
    forget: () => connection.forget?.(),
  });
}

/** A client with its own connection. */
export type Opened<C> = C & {
  /** Returns a client of the same connection with a long timeout. */
  patient: C;
  close: () => Promise<void>;
  forget: () => void;
};

interface OpenOptions {
  source?: string;
  timeoutMs?: number;
  /** Replacements for the members of the default call scope. */
  scope?: Partial<CallScope>;
}

/** Resolves to the error of a call. Fails the test if the call succeeds. */
export async function failure(call: Promise<unknown>): Promise<GatewayError> {
  const outcome = await call.then(
    () => 'it succeeded',
    (error: unknown) => error,
  );
  if (!(outcome instanceof GatewayError)) throw new Error(`no error of the gateway: ${String(outcome)}`);
  return outcome;
}

/** Resolves to the error of a call. Fails the test unless it is a SourceError. */
export async function sourceFailure(call: Promise<unknown>): Promise<SourceError> {
  const error = await failure(call);
  if (!(error instanceof SourceError)) throw new Error(`no error of a system: ${String(error)}`);
  return error;
}

/** Tests the contract of every connector, for any protocol. */
export function describeContract<C extends Client>(subject: ContractSubject<C>): void {
  const { connector, source, call } = subject;
  let control: FaultControl;
  let client: Opened<C>;

  const connect = (environment: Environment = {}, timeoutMs = LONG_MS): Opened<C> => {
    client = open(connector, { ...control.settings, ...environment }, { source, timeoutMs });
    return client;
  };
  const counters = () => control.counters()[source] ?? { calls: Number.NaN, connections: Number.NaN };
  const expectNoConnections = () => expect.poll(() => counters().connections).toBe(0);

  beforeAll(async () => {
    control = await faultControl();
  });
  afterEach(async () => {
    await client.close();
    await control.heal();
  });
  afterAll(() => control.close());

  describe('every connector', () => {
    it('opens nothing before the first call', async () => {
      connect();
      expect(counters()).toEqual({ calls: 0, connections: 0 });
      await call(client);
      expect(counters()).toEqual({ calls: 1, connections: 1 });
    });

    it('reuses its connections for the next calls', async () => {
      connect();
      for (let i = 0; i < 5; i += 1) await call(client);
      const { calls, connections } = counters();
      expect(calls).toBe(5);
      expect(connections).toBeLessThanOrEqual(2);
    });

    it('names the place where an answer does not match the schema, but no value', async () => {
      const { code, message } = await failure(subject.callForMismatch(connect()));
      expect(code).toBe('SOURCE_CONTRACT');
      expect(message).toContain(subject.mismatch.place);
      expect(message).not.toContain(subject.mismatch.value);
    });

    it.each(Object.entries(subject.codes))(
      'reports a system with the fault "%s" as %s',
      async (fault, code) => {
        connect({}, code === 'SOURCE_TIMEOUT' ? SHORT_MS : LONG_MS);
        await call(client);
        await control.set(source, { fault: fault as Fault });
        const error = await failure(call(client));
        expect(error.extensions).toMatchObject({ code, source, retryable: code !== 'SOURCE_CONTRACT' });
        expect(error.message).not.toMatch(/127\.0\.0\.1|:\d{4,5}|ECONN|undici|at .*\.js/);
      },
    );

    it('works again after every fault as soon as the system works again', async () => {
      connect({}, 800);
      for (const fault of Object.keys(subject.codes) as Fault[]) {
        await control.set(source, { fault });
        await failure(call(client));
        await control.heal();
        await expect(call(client.patient), `after ${fault}`).resolves.toBeDefined();
      }
    });

    it.each(['hang', 'drip'] as const)(
      'stops at its timeout if the system has the fault "%s"',
      async (fault) => {
        connect({}, SHORT_MS);
        await control.set(source, { fault });
        const startedAt = performance.now();
        expect((await failure(call(client))).code).toBe('SOURCE_TIMEOUT');
        // It must not stop earlier. Without the timeout, the call would never end.
        expect(performance.now() - startedAt).toBeGreaterThanOrEqual(SHORT_MS - 5);
      },
    );

    it('leaks no connection after very many timeouts', async () => {
      connect({}, 800);
      await control.set(source, { fault: 'hang' });
      for (let round = 0; round < 2; round += 1) {
        const errors = await Promise.all(Array.from({ length: 100 }, () => failure(call(client))));
        expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['SOURCE_TIMEOUT']));
      }
      expect(counters().connections).toBeLessThanOrEqual(subject.maxConnections);
      await control.heal();
      const answers = await Promise.all(Array.from({ length: 100 }, () => call(client.patient)));
      expect(answers).toHaveLength(100);
    });

    const { wrongCredentials } = subject;
    if (wrongCredentials !== null)
      it('reports refused credentials by a separate code, because a retry cannot help', async () => {
        const error = await failure(call(connect(wrongCredentials)));
        expect(error.extensions).toEqual({ code: 'SOURCE_UNAUTHENTICATED', source, retryable: false });
        for (const secret of Object.values(wrongCredentials)) expect(error.message).not.toContain(secret);
      });

    it('reports the retry time that the system states', async () => {
      connect();
      await control.set(source, { fault: 'rate-limit' });
      const error = await sourceFailure(call(client));
      expect(error.code).toBe('SOURCE_RATE_LIMITED');
      expect(error.retryAfter).toBe(subject.retryAfter);
    });

    it('returns the record with a key', async () => {
      expect(await subject.find(connect(), subject.knownKey)).not.toEqual(subject.nothing);
    });

    it.each(Object.entries(hostileKeys))('never treats %s as the key of another record', async (_, key) => {
      const outcome = await subject.find(connect(), key).catch((error: unknown) => error);
      if (!(outcome instanceof Error)) {
        expect(outcome).toEqual(subject.nothing);
        return;
      }
      const code = outcome instanceof GatewayError ? outcome.code : 'no error of the gateway';
      expect(['BAD_USER_INPUT', 'SOURCE_CONTRACT']).toContain(code);
      if (key.trim().length > 2) expect(outcome.message).not.toContain(key);
      await expect(call(client)).resolves.toBeDefined();
    });

    it('ends all calls when it is closed, and makes no call afterwards', async () => {
      connect();
      await Promise.all([call(client), call(client), call(client)]);
      await client.close();
      await expectNoConnections();
      const { calls } = counters();
      expect((await failure(call(client))).code).toBe('SOURCE_UNAVAILABLE');
      expect(counters()).toEqual({ calls, connections: 0 });
    });

    it('can be closed before its first call, and twice', async () => {
      connect();
      await client.close();
      await client.close();
      expect((await failure(call(client))).code).toBe('SOURCE_UNAVAILABLE');
      expect(counters().connections).toBe(0);
    });

    it('ends calls in progress when it is closed', async () => {
      connect({}, SHORT_MS);
      await control.set(source, { fault: 'hang' });
      const failing = failure(call(client));
      await expect.poll(() => counters().connections).toBe(1);
      await client.close();
      expect(['SOURCE_UNAVAILABLE', 'SOURCE_TIMEOUT']).toContain((await failing).code);
      await expectNoConnections();
    });

    it('reports whether the source can be called', async () => {
      await expect(connect().ping()).resolves.toBeUndefined();
      await control.set(source, { fault: 'down' });
      await expect(client.ping()).rejects.toBeInstanceOf(SourceError);
    });
  });
}
