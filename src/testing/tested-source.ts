import { connect } from 'node:net';
import { expect } from 'vitest';
import { createFaultControl, type FaultControl } from '../../sources/stand-ins/fault-control.js';
import type { SourceDefinition } from '../source.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import type { Duration } from '../duration.js';
import { listen } from '../http/http.js';
import { INTERNALS } from '../recordings/promise.js';
import { SettingsReader, type Environment } from '../settings.js';
import { endedCalls } from './ended-calls.js';
import type {
  AnsweredOperation,
  ExpectedError,
  SystemState,
  ClientOperation,
  SourceSubject,
} from './source-subject.js';
import { LONG_TIMEOUT, type Answer, type createTestGateway, type TestGateway } from './test-gateway.js';

/** The source of one contract: its stand-in behind a fault control, and the gateways of the tests. */
export class TestedSource {
  readonly #subject: SourceSubject;
  readonly #createGateway: typeof createTestGateway;
  /** Whether the system has a fault control in front of it. */
  readonly #hasFaultControl: boolean;
  #control: FaultControl | undefined;
  #settings: Environment = {};
  #gateway: TestGateway | undefined;
  /** Functions that end the states of a test. */
  readonly #ends: (() => Promise<void>)[] = [];
  /** The gateways that tests of one system share. Each test sends its own key. */
  readonly #shared = new Map<string, TestGateway>();

  constructor(subject: SourceSubject, createGateway: typeof createTestGateway) {
    this.#subject = subject;
    this.#createGateway = createGateway;
    this.#hasFaultControl = !('nonHttp' in subject && subject.withoutFaultControl !== undefined);
  }

  get control(): FaultControl {
    if (this.#control === undefined) throw new Error('The fault control was not started.');
    return this.#control;
  }

  get gateway(): TestGateway {
    if (this.#gateway === undefined) throw new Error('Open a gateway first.');
    return this.#gateway;
  }

  async start(faultControl: () => Promise<FaultControl>): Promise<void> {
    this.#control = await faultControl();
    const { settings } = this.#control;
    const variables = this.#subject.source.connector
      .settings(new SettingsReader(settings))
      .map(({ variable }) => variable);
    this.#settings = Object.fromEntries(variables.map((variable) => [variable, settings[variable]]));
  }

  /** Opens a gateway with only this source and its dependencies, before its first call. */
  open(environment: Environment = {}, timeout: Duration = LONG_TIMEOUT): void {
    const { source, dependencies } = this.#subject;
    this.#gateway = this.#createGateway(
      { ...this.#settings, ...dependencies?.environment, ...environment },
      {
        sources: [
          ...(dependencies?.sources ?? []).map((other) => withTimeout(other, LONG_TIMEOUT)),
          withTimeout(source, timeout),
        ],
        sdl: dependencies?.sdl ?? {},
      },
    );
  }

  /** Opens the gateway that all tests of this system share. */
  openShared(system: string, environment: Environment = {}): void {
    const known = this.#shared.get(system);
    if (known === undefined) this.open(environment);
    else this.#gateway = known;
    this.#shared.set(system, this.gateway);
  }

  /** Opens a gateway for a system in a special state. */
  async openIn(state: SystemState): Promise<void> {
    const { environment, begin, end } = await state.enter();
    this.#ends.push(end);
    this.open(environment);
    begin?.();
  }

  /** Starts a stand-in for one test, behind a separate fault control. */
  async startStandIn(start: () => Promise<StandIn>) {
    const standIn = await start();
    const control = await createFaultControl([standIn]);
    this.#ends.push(async () => {
      await control.close();
      await standIn.close();
    });
    return { settings: control.settings, calls: () => control.counters()[this.#subject.source.name]?.calls };
  }

  send({ query, variables }: ClientOperation): Promise<Answer> {
    return this.gateway.query(query, variables);
  }

  /** Sends the operation as a client, and closes the connection when `isCalled` resolves. Returns a function that stops the server. */
  async sendAndHangUp(isCalled: () => Promise<void>): Promise<() => Promise<void>> {
    const server = await listen(this.gateway.handler, { host: '127.0.0.1', port: 0 });
    this.#ends.push(() => server.stop());
    const body = JSON.stringify(this.#subject.operation);
    const head = ['POST /graphql HTTP/1.1', 'host: localhost', 'content-type: application/json'];
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.write(`${[...head, `content-length: ${Buffer.byteLength(body)}`].join('\r\n')}\r\n\r\n${body}`);
    await isCalled();
    socket.destroy();
    return () => server.stop();
  }

  /** The number of calls that the system received. Without a fault control, the number that the gateway made. */
  async calls(): Promise<number | undefined> {
    if (!this.#hasFaultControl) return this.callsMade();
    return this.control.counters()[this.#subject.source.name]?.calls;
  }

  callsMade(): Promise<number> {
    return endedCalls(this.gateway, this.#subject.source.name);
  }

  /** Checks that every error is from this source, has the code, and reveals no internals. */
  expectErrors({ errors }: Answer, code: string): void {
    expect(errors.length).toBeGreaterThan(0);
    for (const { message, extensions } of errors) {
      expect(extensions).toMatchObject({ code, source: this.#subject.source.name });
      expect(message).not.toMatch(INTERNALS);
    }
  }

  async expectAnswer(operation: AnsweredOperation): Promise<void> {
    const { data, errors } = await this.send(operation);
    expect(errors).toEqual([]);
    expect(data).toEqual(operation.data);
  }

  async expectPart(operation: AnsweredOperation & { errors: readonly ExpectedError[] }): Promise<void> {
    const { data, errors } = await this.send(operation);
    expect(data).toEqual(operation.data);
    expect(errors.map(({ path, extensions: { code } }) => ({ path, code }))).toEqual(operation.errors);
  }

  async expectMismatch({ place, value }: { place: string; value: string }): Promise<void> {
    const answer = await this.send(this.#subject.operation);
    this.expectErrors(answer, 'SOURCE_CONTRACT');
    expect(answer.errors[0]?.message).toContain(place);
    expect(JSON.stringify(answer)).not.toContain(value);
  }

  expectNoRetry(answer: Answer, code = 'SOURCE_UNAUTHENTICATED'): void {
    this.expectErrors(answer, code);
    expect(answer.errors.map(({ extensions }) => extensions.retryable)).not.toContain(true);
  }

  /** Ends all states and faults of the system. */
  async heal(): Promise<void> {
    for (const end of this.#ends.splice(0)) await end();
    await this.control.heal();
  }

  /** Ends one test. */
  async reset(): Promise<void> {
    await this.heal();
    if (![...this.#shared.values()].includes(this.gateway)) await this.gateway.close();
  }

  async close(): Promise<void> {
    for (const gateway of this.#shared.values()) await gateway.close();
    await this.control.close();
  }
}

function withTimeout(source: SourceDefinition, timeout: Duration): SourceDefinition {
  return { ...source, limits: { ...source.limits, timeout } };
}
