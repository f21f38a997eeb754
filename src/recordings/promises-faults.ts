import {
  queryByKey,
  BrokenPromise,
  expectErrors,
  shownErrors,
  type Faults,
  type GatewayMode,
  type GatewayUnderTest,
  type SourcePromise,
  type TestAnswer,
  type TestedSource,
} from './promise.js';

/** Promises about failures of the system. */

/**
 * The maximum time until a cancelled call has ended. The deadline of the request and the timeout of the
 * source are longer.
 */
const MAX_CANCEL_MS = 2_000;

const REMEDY =
  'Do not catch the errors of the connector. If the system reports it differently, declare it: connect.errors.';

export const promisesOfFaults: readonly SourcePromise[] = [
  faulty('rate-limited-retry-after', 'reports that the system limits the rate, and when to retry', {
    fault: ['rate-limit'],
    codes: ['SOURCE_RATE_LIMITED'],
    verify: ({ extensions }) =>
      typeof extensions['retryAfter'] === 'number' ? undefined : 'The error has no retryAfter.',
    onSql: { noneBecause: 'a database does not report when to retry' },
  }),
  faulty(
    'rate-limited',
    'reports that the system limits the rate, if the system does not report when to retry',
    {
      fault: ['status', 429],
      codes: ['SOURCE_RATE_LIMITED'],
      onSql: { fault: ['rate-limit'], codes: ['SOURCE_RATE_LIMITED'] },
    },
  ),
  faulty('status-500', 'reports a failure of the system as unavailable (status 500)', {
    fault: ['status', 500],
    codes: ['SOURCE_UNAVAILABLE'],
  }),
  faulty('down', 'reports that the system refuses connections as unavailable', {
    fault: ['down'],
    codes: ['SOURCE_UNAVAILABLE'],
  }),
  faulty('reset', 'reports broken connections as unavailable', {
    fault: ['reset'],
    codes: ['SOURCE_UNAVAILABLE'],
  }),
  faulty(
    'hang',
    'stops waiting at its timeout for a system that hangs, and works again when the system does',
    {
      fault: ['hang'],
      codes: ['SOURCE_TIMEOUT'],
      timeout: 'short timeout',
      worksAgain: true,
    },
  ),
  faulty('drip', 'stops waiting at its timeout for an answer that arrives byte by byte', {
    fault: ['drip'],
    codes: ['SOURCE_TIMEOUT'],
    timeout: 'short timeout',
  }),
  faulty('garbage', 'reports an answer of random bytes as invalid', {
    fault: ['garbage'],
    codes: ['SOURCE_CONTRACT'],
    // Such bytes break the connection for any query.
    onSql: { fault: ['garbage'], codes: ['SOURCE_UNAVAILABLE'] },
  }),
  {
    id: 'refused-credentials',
    needsRequests: true,
    text: 'reports refused credentials with a separate code, and does not retry',
    check: async (tested) => {
      const gateway = tested.open('long timeout');
      try {
        tested.standIn.behaviour = { isRefusing: true };
        const answer = await queryAnyKey(tested, gateway);
        expectErrors(tested, answer, ['SOURCE_UNAUTHENTICATED', 'SOURCE_FORBIDDEN'], REMEDY);
        if (answer.errors.some(({ extensions }) => extensions.retryable === true))
          throw new BrokenPromise('The error is marked as retryable.', REMEDY);
      } finally {
        await gateway.close();
      }
      return undefined;
    },
  },
  {
    id: 'cancel',
    needsRequests: true,
    text: 'cancels its call when the client closes the connection',
    check: async (tested) => {
      const { standIn } = tested;
      const gateway = tested.open('short deadline');
      const remedy = 'Pass the signal of the call on to the library that calls the system.';
      try {
        standIn.behaviour = { isHolding: true };
        const { kind, key } = anyKey(tested);
        const isCalled = await gateway.queryAndHangUp(kind.query, { by: { [kind.namespace]: key } }, () =>
          standIn.held.reaches((count) => count > 0, MAX_CANCEL_MS),
        );
        if (!isCalled) throw new BrokenPromise('The query does not call the system.', remedy);
        if (!(await standIn.held.reaches((count) => count === 0, MAX_CANCEL_MS)))
          throw new BrokenPromise('The call continues after the client has disconnected.', remedy);
      } finally {
        await gateway.close();
      }
      return undefined;
    },
  },
];

function faulty(
  id: string,
  text: string,
  {
    fault,
    codes,
    timeout = 'long timeout',
    worksAgain = false,
    verify,
    onSql = { fault, codes },
  }: {
    fault: Parameters<Faults['set']>;
    codes: readonly string[];
    timeout?: GatewayMode;
    /** Whether the next query must succeed after the fault. Default: false. */
    worksAgain?: boolean;
    verify?: (error: TestAnswer['errors'][number]) => string | undefined;
    /** Other expectations for a database. Default: none. */
    onSql?: { fault: Parameters<Faults['set']>; codes: readonly string[] } | { noneBecause: string };
  },
): SourcePromise {
  return {
    id,
    text,
    check: async (tested) => {
      if (tested.standIn.protocol === 'file' && fault[0] !== 'down')
        return { noneBecause: 'a folder of files has no such fault' };
      const expected = tested.standIn.protocol === 'sql' ? onSql : { fault, codes };
      if ('noneBecause' in expected) return expected;
      // Opens a separate gateway, because its circuit breaker opens.
      const gateway = tested.open(timeout);
      try {
        await tested.faults.set(...expected.fault);
        const answer = await queryAnyKey(tested, gateway);
        expectErrors(tested, answer, expected.codes, REMEDY);
        const problem = answer.errors.map((error) => verify?.(error)).find((found) => found !== undefined);
        if (problem !== undefined) throw new BrokenPromise(problem, REMEDY);
        await tested.faults.heal();
        if (worksAgain) {
          const healed = await queryAnyKey(tested, gateway);
          if (healed.errors.length > 0)
            throw new BrokenPromise(`After the fault: ${shownErrors(healed)}`, REMEDY);
        }
      } finally {
        await tested.faults.heal();
        await gateway.close();
      }
      return undefined;
    },
  };
}

/** A key that calls the system. */
function anyKey({ kinds }: TestedSource): { kind: TestedSource['kinds'][number]; key: string } {
  for (const kind of kinds) {
    const [key] = kind.keys;
    if (key !== undefined) return { kind, key };
  }
  throw new BrokenPromise(
    'The recording has no key that can query the source.',
    'Add records to the recording.',
  );
}

function queryAnyKey(tested: TestedSource, gateway: GatewayUnderTest): Promise<TestAnswer> {
  const { kind, key } = anyKey(tested);
  return queryByKey(gateway, kind, key);
}
