import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Identifier } from '../../src/identity/identifiers.js';
import type { SourceEvent } from '../../src/webhooks/event.js';
import { createFollowUp, type FollowUpOptions, type TriggerResult } from '../../src/webhooks/follow-up.js';
import type { Interest } from '../../src/webhooks/interest.js';
import type { LeasedDelivery } from '../../src/webhooks/store.js';
import type { Trigger } from '../../src/webhooks/triggers.js';

const NOW = Date.parse('2026-03-02T09:00:00Z');
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

const identifier = (value: string) => ({ namespace: 'email', value }) as Identifier;
const [FIRST, SECOND] = [identifier('a'), identifier('b')];

const event: SourceEvent = {
  id: '1',
  source: 'shop',
  type: 'cart.changed',
  time: new Date(NOW - MINUTE_MS).toISOString(),
  subject: '71',
  identifiers: {},
  data: {},
};

function triggerOf(name: string, parts: Partial<Trigger> = {}, interest: Partial<Interest> = {}): Trigger {
  return {
    name,
    document: { kind: 'Document', definitions: [] } as never,
    endpoint: `endpoint of ${name}`,
    purpose: 'MARKETING',
    once: undefined,
    quietHours: undefined,
    ...parts,
    interest: {
      field: 'event',
      matches: () => true,
      conditions: [],
      delayMs: 0,
      isDelayed: () => false,
      cancels: () => false,
      ...interest,
    },
  };
}

function setUp(
  triggers: readonly Trigger[],
  { about = [FIRST, SECOND], result = { data: 1 } }: { about?: Identifier[]; result?: TriggerResult } = {},
) {
  const steps: string[] = [];
  const info = vi.fn();
  const execute = vi.fn<FollowUpOptions['execute']>(() => Promise.resolve(result));
  const followUp = createFollowUp({
    triggers,
    bus: { publish: (known) => steps.push(`publish ${known.about.map(({ value }) => value).join()}`) },
    forget: async () => {
      await Promise.resolve();
      steps.push('forget');
      return about;
    },
    aboutOf: () => about,
    execute,
    logger: { info },
  });
  return { ...followUp, steps, info, execute };
}

describe('an event', () => {
  it('is published after the cached records of its customer were dropped, with all identifiers', async () => {
    const { process, steps } = setUp([]);
    expect(await process(event)).toEqual({ deliveries: [], cancel: [] });
    expect(steps).toEqual(['forget', 'publish a,b']);
  });

  it('is planned for each trigger that it matches, and now', async () => {
    const { process } = setUp([
      triggerOf('one'),
      triggerOf('other', {}, { matches: () => false }),
      triggerOf('last'),
    ]);
    expect((await process(event)).deliveries).toEqual(
      ['one', 'last'].map((name) => ({
        trigger: name,
        endpoint: `endpoint of ${name}`,
        orderKey: 'email a',
        dueAt: NOW,
      })),
    );
  });

  it('cancels the delayed deliveries of its customer, by every identifier', async () => {
    const { process } = setUp([
      triggerOf('one', {}, { cancels: () => true, matches: () => false }),
      triggerOf('other', {}, { matches: () => false }),
    ]);
    expect(await process(event)).toEqual({ deliveries: [], cancel: ['one email a', 'one email b'] });
  });

  it.each<[string, Partial<Interest>, dueAt: number, isCancellable: boolean]>([
    ['after its time', { delayMs: 60 * MINUTE_MS, isDelayed: () => true }, NOW + 59 * MINUTE_MS, true],
    ['now, if its delay has passed', { delayMs: 1_000, isDelayed: () => true }, NOW, true],
    ['now, if its type is not delayed', { delayMs: 60 * MINUTE_MS }, NOW, false],
  ])('is due %s', async (_, interest, dueAt, isCancellable) => {
    const { process } = setUp([triggerOf('one', {}, interest)]);
    const [delivery] = (await process(event)).deliveries;
    expect(delivery?.dueAt).toBe(dueAt);
    expect(delivery?.cancelKey).toBe(isCancellable ? 'one email a' : undefined);
  });

  it('is due after quiet hours, and its claim begins then', async () => {
    const quietHours = { after: (at: number) => at + DAY_MS };
    const { process } = setUp([triggerOf('one', { quietHours, once: { per: 'CUSTOMER', withinMs: 5 } })]);
    expect((await process(event)).deliveries).toMatchObject([
      { dueAt: NOW + DAY_MS, once: { key: 'one email a', until: NOW + DAY_MS + 5 } },
    ]);
  });

  it.each<
    [per: 'CUSTOMER' | 'RECORD', Partial<SourceEvent>, about: Identifier[], key: string, orderKey: string]
  >([
    ['CUSTOMER', {}, [FIRST, SECOND], 'one email a', 'email a'],
    ['RECORD', {}, [FIRST], 'one shop 71', 'email a'],
    ['CUSTOMER', {}, [], 'one shop 1', 'shop 1'],
    ['RECORD', { subject: undefined as never }, [FIRST], 'one shop 1', 'email a'],
  ])('is sent once for each %s', async (per, parts, about, key, orderKey) => {
    const { process } = setUp([triggerOf('one', { once: { per, withinMs: 5 } })], { about });
    expect((await process({ ...event, ...parts })).deliveries).toMatchObject([
      { orderKey, once: { key, until: NOW + 5 } },
    ]);
  });

  it('that cannot be evaluated is logged with its trigger', async () => {
    const matches: Interest['matches'] = (_, onUnjudged) => {
      onUnjudged?.('it has no total');
      return false;
    };
    const { process, info } = setUp([triggerOf('one', {}, { matches })]);
    await process(event);
    expect(info.mock.calls).toMatchObject([
      [{ trigger: 'one', source: 'shop', type: 'cart.changed', reason: 'it has no total' }, 'event not sent'],
    ]);
  });
});

describe('a delivery', () => {
  const delivery = (dueAt = NOW): LeasedDelivery => ({
    id: 'msg_1',
    holder: 'h',
    trigger: 'one',
    endpoint: 'e',
    event,
    attempts: 0,
    dueAt,
    leasedUntil: NOW + MINUTE_MS,
  });
  const unavailable: TriggerResult = { withheld: 'shop is unavailable', isTemporary: true };

  it.each<[string, TriggerResult, dueAt: number, rendered: unknown]>([
    [
      'has the current data',
      { data: 7 },
      NOW,
      { body: { type: 'cart.changed', timestamp: event.time, data: 7 } },
    ],
    [
      'is skipped without consent',
      { withheld: 'no consent', isTemporary: false },
      NOW,
      { skip: 'no consent' },
    ],
    ['waits a minute for a system', unavailable, NOW - DAY_MS + 1, { retryAt: NOW + MINUTE_MS }],
    ['is skipped after a day', unavailable, NOW - DAY_MS, { skip: 'shop is unavailable' }],
  ])('%s', async (_, result, dueAt, rendered) => {
    const trigger = triggerOf('one');
    const { render, execute } = setUp([trigger], { result });
    expect(await render(delivery(dueAt))).toEqual(rendered);
    expect(execute.mock.calls).toEqual([[trigger, { event, about: [FIRST, SECOND] }]]);
  });

  it('is skipped if its trigger no longer exists', async () => {
    const { render, execute } = setUp([triggerOf('other')]);
    expect(await render(delivery())).toEqual({ skip: 'the trigger no longer exists' });
    expect(execute).not.toHaveBeenCalled();
  });

  it.each([
    [0, false],
    [1, true],
  ])('waits for the end of quiet hours: %i ms', async (laterMs, isWaiting) => {
    const quietHours = { after: (at: number) => at + laterMs };
    const { render, execute } = setUp([triggerOf('one', { quietHours })]);
    expect('retryAt' in (await render(delivery()))).toBe(isWaiting);
    expect(execute).toHaveBeenCalledTimes(isWaiting ? 0 : 1);
  });
});
