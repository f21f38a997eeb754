import { afterEach, describe, expect, it, vi } from 'vitest';
import { createContext, type ContextDirectives, type ContextOptions } from '../../src/context/context.js';
import { SourceTimeoutError } from '../../src/errors.js';
import { NO_ERASURES } from '../../src/identity/erasures.js';
import type { RequestScope } from '../../src/loaders/in-flight-batch.js';
import { startRequest } from '../../src/telemetry/tracing.js';
import { fakeClock } from '../support/clock.js';

afterEach(() => {
  vi.useRealTimers();
});

function create(directives: Partial<ContextDirectives> = {}, options: Partial<ContextOptions> = {}) {
  let scope: RequestScope | undefined;
  const context = createContext(
    {
      registry: {
        forRequest: (of: RequestScope) => {
          scope = of;
          return { load: vi.fn(), loadField: vi.fn(), readCached: vi.fn() };
        },
      } as never,
      rules: { namespaces: new Map(), sources: [], limits: {} } as never,
      erasures: NO_ERASURES,
      clock: fakeClock(),
      deadlineMs: 2_000,
      identityPercent: 25,
      ...options,
    },
    { wanted: {}, priority: 'interactive', shouldReportSources: false, needsConsent: false, ...directives },
    startRequest(new Headers()),
    'request',
    { findsBy: 'all', maySee: () => true, seesErased: false, seesMasked: false },
  );
  if (scope === undefined) throw new Error('The context requested no loaders.');
  return { ...context, scope };
}

/** Whether each deadline has passed: of the request, and of the customer's identification. */
async function havePassed({ deadline, identityDeadline }: RequestScope) {
  const never = new Promise<never>(() => undefined);
  return Promise.all(
    [deadline, identityDeadline].map((each) =>
      Promise.race([each.race('shop', never), Promise.resolve()]).then(
        () => false,
        (error: unknown) => error instanceof SourceTimeoutError,
      ),
    ),
  );
}

describe('the context of a request', () => {
  it.each<[Partial<ContextDirectives>, number]>([
    [{}, 2_000],
    [{ deadlineMs: 400 }, 400],
  ])('with %j has %i ms, and a quarter of them to identify the customer', async (directives, ms) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { scope } = create(directives);
    vi.advanceTimersByTime(ms / 4 - 1);
    expect(await havePassed(scope)).toEqual([false, false]);
    vi.advanceTimersByTime(1);
    expect(await havePassed(scope)).toEqual([false, true]);
    vi.advanceTimersByTime((ms * 3) / 4);
    expect(await havePassed(scope)).toEqual([true, true]);
  });

  it('has no timers after its end', () => {
    vi.useFakeTimers();
    create().end();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('has no timers after its client has disconnected, so the process can end', () => {
    vi.useFakeTimers();
    create({ deadlineMs: 60_000 }).cancel();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves all calls that wait for answers when it is cancelled, and each once', () => {
    const { scope, cancel, end } = create();
    const [first, second] = [{ leave: vi.fn() }, { leave: vi.fn() }];
    for (const pending of [first, second]) scope.pendingKeys.add(pending as never);
    cancel();
    cancel();
    expect([first, second].map(({ leave }) => leave.mock.calls.length)).toEqual([1, 1]);
    end();
  });

  it('passes the directives of the request on to its loaders', () => {
    const directives = { wanted: { maxAgeMs: 5 }, priority: 'bulk', needsConsent: true } as const;
    const { scope, end } = create(directives);
    expect(scope).toMatchObject(directives);
    end();
  });
});
