import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConsentAnswer } from '../../src/customer/consents.js';
import type { Consent, ConsentChannel, ConsentStatus } from '../../src/customer/schema.generated.js';
import { SourceTimeoutError } from '../../src/errors.js';
import { decideConsent, type ConsentDecision } from '../../src/privacy/consent.js';

const CHANNELS: readonly ConsentChannel[] = ['EMAIL', 'SMS', 'PHONE', 'POST'];
const STATUSES: readonly ConsentStatus[] = [
  'GRANTED',
  'DENIED',
  'REVOKED',
  'REQUESTED',
  'EXPIRED',
  'UNKNOWN',
];

type ShortStatement = [source: string, status: ConsentStatus, channel?: ConsentChannel | null, day?: string];

/** The answers of the systems: a list of statements, and the errors of systems that failed. */
const answers = (stated: readonly Consent[], failed: readonly unknown[] = []): ConsentAnswer[] => [
  ...stated.map((statement) => ({ statements: [statement] })),
  ...failed.map((error) => ({ statements: [], error })),
];

const statementOf = ([source, status, channel, day]: ShortStatement): Consent => ({
  purpose: 'MARKETING',
  source,
  status,
  ...(channel === undefined ? {} : { channel }),
  ...(day === undefined ? {} : { updatedAt: `2026-10-${day}T12:00:00.000Z` }),
});
const decide = (
  stated: readonly ShortStatement[],
  channel?: ConsentChannel,
  failed: readonly unknown[] = [],
): ConsentDecision => decideConsent(answers(stated.map(statementOf), failed), 'MARKETING', channel);

const timeout = new SourceTimeoutError('crm', 'crm did not answer in time.');
const granted = { kind: 'granted' };

describe('a statement about one kind of mail', () => {
  const table: [label: string, stated: ShortStatement[]][] = [
    ['nothing', []],
    ['a yes', [['shop', 'GRANTED', 'EMAIL', '01']]],
    ['a yes to every channel', [['shop', 'GRANTED', null, '01']]],
    ['a withdrawal', [['shop', 'REVOKED', 'EMAIL', '01']]],
    ['a no', [['shop', 'DENIED', null, '01']]],
    ['an unanswered request', [['shop', 'REQUESTED', 'EMAIL', '01']]],
    ['a yes that has expired', [['shop', 'EXPIRED', 'EMAIL', '01']]],
    [
      'a yes and a later withdrawal',
      [
        ['shop', 'GRANTED', 'EMAIL', '01'],
        ['crm', 'REVOKED', 'EMAIL', '02'],
      ],
    ],
  ];

  it.each(table)('does not change the decision if the systems hold %s', (_, stated) => {
    for (const status of STATUSES)
      for (const entryChannel of [null, ...CHANNELS])
        for (const channel of [undefined, ...CHANNELS]) {
          const about = { ...statementOf(['crm', status, entryChannel ?? null, '03']), topic: 'Newsletter' };
          const statements = stated.map(statementOf);
          expect(
            decideConsent(answers([about, ...statements, about]), 'MARKETING', channel),
            `${status} of ${entryChannel ?? 'no channel'} for ${channel ?? 'any channel'}`,
          ).toEqual(decide(stated, channel));
        }
  });
});

describe('consent', () => {
  it('is granted if a system holds a yes', () => {
    expect(decide([['shop', 'GRANTED', 'EMAIL', '01']])).toEqual(granted);
    expect(decide([['shop', 'GRANTED', null, '01']])).toEqual(granted);
  });

  it('is undecided with the error of the first of several failed systems', () => {
    expect(decide([], undefined, [timeout, new Error('a later failure')])).toEqual({
      kind: 'failed',
      error: timeout,
    });
  });

  it('is withheld if no system holds a statement', () => {
    expect(decide([])).toEqual({ kind: 'withheld', because: 'UNKNOWN' });
  });

  it.each(['UNKNOWN', 'EXPIRED', 'REQUESTED'] as const)(
    'is withheld if the only statement is %s',
    (status) => {
      expect(decide([['shop', status, 'EMAIL', '01']])).toEqual({
        kind: 'withheld',
        because: status,
        source: 'shop',
        since: '2026-10-01T12:00:00.000Z',
      });
      expect(
        decide([
          ['shop', status, 'EMAIL'],
          ['crm', 'GRANTED', 'EMAIL'],
        ]),
      ).toEqual(granted);
    },
  );

  it('is withheld with the most specific of several reasons', () => {
    const reasons: ShortStatement[] = [
      ['a', 'UNKNOWN'],
      ['b', 'REQUESTED', null, '05'],
      ['c', 'EXPIRED', null, '02'],
    ];
    expect(decide(reasons)).toMatchObject({ because: 'EXPIRED', source: 'c' });
    expect(decide(reasons.slice(0, 2))).toMatchObject({ because: 'REQUESTED', source: 'b' });
  });

  it.each(['DENIED', 'REVOKED'] as const)('is withheld by %s, even if a yes is newer', (status) => {
    expect(
      decide([
        ['shop', 'GRANTED', 'EMAIL', '20'],
        ['crm', status, 'EMAIL', '05'],
      ]),
    ).toEqual({ kind: 'withheld', because: status, source: 'crm', since: '2026-10-05T12:00:00.000Z' });
  });

  it('is withheld with the latest of several withdrawals', () => {
    expect(
      decide([
        ['a', 'REVOKED', 'EMAIL', '03'],
        ['b', 'DENIED', 'EMAIL', '07'],
        ['c', 'REVOKED', 'EMAIL'],
      ]),
    ).toEqual({ kind: 'withheld', because: 'DENIED', source: 'b', since: '2026-10-07T12:00:00.000Z' });
    // The system does not report when the customer withdrew.
    for (const updatedAt of [{}, { updatedAt: null }]) {
      const statements = [{ ...statementOf(['c', 'REVOKED', 'EMAIL']), ...updatedAt }];
      expect(decideConsent(answers(statements), 'MARKETING')).toStrictEqual({
        kind: 'withheld',
        because: 'REVOKED',
        source: 'c',
      });
    }
    // With equal times, the error names the first source in alphabetical order.
    const same: ShortStatement[] = [
      ['b', 'REVOKED', 'EMAIL', '07'],
      ['a', 'REVOKED', 'EMAIL', '07'],
      ['c', 'REVOKED', 'EMAIL', '07'],
    ];
    for (const stated of [same, same.toReversed()]) expect(decide(stated)).toMatchObject({ source: 'a' });
  });

  it('is granted for the channel of the statement, or for all channels if the statement names none', () => {
    expect(decide([['shop', 'GRANTED', 'EMAIL']], 'EMAIL')).toEqual(granted);
    expect(decide([['shop', 'GRANTED', null]], 'EMAIL')).toEqual(granted);
    expect(decide([['shop', 'GRANTED', 'SMS']], 'EMAIL')).toEqual({ kind: 'withheld', because: 'UNKNOWN' });
  });

  it('is withdrawn for the channel of the withdrawal, or for all channels if the withdrawal names none', () => {
    const yes: ShortStatement = ['shop', 'GRANTED', null];
    expect(decide([yes, ['crm', 'REVOKED', 'EMAIL']], 'EMAIL')).toMatchObject({ because: 'REVOKED' });
    expect(decide([yes, ['crm', 'REVOKED', 'EMAIL']], 'SMS')).toEqual(granted);
    expect(decide([yes, ['crm', 'REVOKED']], 'SMS')).toMatchObject({ because: 'REVOKED' });
  });

  it('without a channel is granted if it is granted for any channel', () => {
    const emailOnly: ShortStatement[] = [
      ['shop', 'GRANTED', 'EMAIL'],
      ['crm', 'REVOKED', 'EMAIL'],
    ];
    expect(decide(emailOnly)).toMatchObject({ because: 'REVOKED', source: 'crm' });
    expect(decide([...emailOnly, ['shop', 'GRANTED', 'SMS']])).toEqual(granted);
    expect(decide([...emailOnly, ['shop', 'GRANTED']])).toEqual(granted);
    expect(
      decide([
        ['shop', 'GRANTED', 'SMS'],
        ['crm', 'REVOKED'],
      ]),
    ).toMatchObject({ because: 'REVOKED' });
  });

  it('for a purpose does not apply to another purpose', () => {
    const statements = [statementOf(['shop', 'GRANTED']), statementOf(['crm', 'REVOKED', 'EMAIL'])];
    expect(decideConsent(answers(statements), 'PERSONALISATION')).toEqual({
      kind: 'withheld',
      because: 'UNKNOWN',
    });
  });
});

describe('consent, while a system is unavailable', () => {
  const failed = { kind: 'failed', error: timeout };

  it('is withheld with the error of that system, with and without a yes in the other systems', () => {
    expect(decide([['shop', 'GRANTED', 'EMAIL']], 'EMAIL', [timeout])).toEqual(failed);
    expect(decide([], 'EMAIL', [timeout])).toEqual(failed);
    expect(decide([['shop', 'EXPIRED']], undefined, [timeout])).toEqual(failed);
  });

  it('is withheld by a known withdrawal, because no other system can cancel it', () => {
    const no: ShortStatement[] = [['shop', 'REVOKED', 'EMAIL']];
    expect(decide(no, 'EMAIL', [timeout])).toMatchObject({ kind: 'withheld', because: 'REVOKED' });
    expect(decide([['shop', 'REVOKED']], undefined, [timeout])).toMatchObject({ kind: 'withheld' });
    // The unavailable system might hold a yes to text messages.
    expect(decide(no, undefined, [timeout])).toEqual(failed);
  });
});

describe('for any statements of the systems, the decision about consent', () => {
  const statement = fc
    .record({
      source: fc.constantFrom('a', 'b', 'c'),
      status: fc.constantFrom(...STATUSES),
      purpose: fc.constantFrom('MARKETING' as const, 'PERSONALISATION' as const),
      channel: fc.constantFrom(undefined, null, ...CHANNELS),
      updatedAt: fc.constantFrom(null, ...['01', '02', '03'].map((day) => `2026-10-${day}T12:00:00.000Z`)),
    })
    .map(({ channel, ...rest }): Consent => ({
      ...rest,
      ...(channel === undefined ? {} : { channel }),
    }));
  const statements = fc.array(statement, { maxLength: 8 });
  const withdrawal = fc
    .tuple(statement, fc.constantFrom('DENIED' as const, 'REVOKED' as const))
    .map(([consent, status]) => ({ ...consent, status }));
  const failures = fc.array(fc.constant(timeout), { maxLength: 2 });
  const channel = fc.constantFrom(undefined, ...CHANNELS);
  const isGranted = (all: readonly Consent[], failed: readonly unknown[], of?: ConsentChannel) =>
    decideConsent(answers(all, failed), 'MARKETING', of).kind === 'granted';

  it('does not depend on their order', () => {
    fc.assert(
      fc.property(
        statements.chain((all) =>
          fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
        ),
        failures,
        channel,
        ([all, shuffled], failed, of) => {
          expect(decideConsent(answers(shuffled, failed), 'MARKETING', of)).toEqual(
            decideConsent(answers(all, failed), 'MARKETING', of),
          );
        },
      ),
    );
  });

  it('is not granted by a further withdrawal or a further unavailable system', () => {
    fc.assert(
      fc.property(statements, withdrawal, channel, (all, no, of) => {
        if (isGranted(all, [], of)) return;
        expect(isGranted([...all, no], [], of)).toBe(false);
      }),
    );
    fc.assert(
      fc.property(statements, channel, (all, of) => {
        expect(isGranted(all, [timeout], of)).toBe(false);
      }),
    );
  });

  it('is not withheld by a further yes', () => {
    fc.assert(
      fc.property(statements, statement, channel, (all, consent, of) => {
        if (isGranted(all, [], of))
          expect(isGranted([...all, { ...consent, status: 'GRANTED' }], [], of)).toBe(true);
      }),
    );
  });

  it('is granted only with a yes for the purpose and without a no that applies to the channel', () => {
    fc.assert(
      fc.property(statements, channel, (all, of) => {
        if (!isGranted(all, [], of)) return;
        const consents = all.filter(({ purpose }) => purpose === 'MARKETING');
        const open = consents.filter(
          ({ status, channel: its }) => status === 'GRANTED' && (!of || !its || its === of),
        );
        expect(open.length).toBeGreaterThan(0);
        const noes = consents.filter(({ status }) => status === 'DENIED' || status === 'REVOKED');
        expect(noes.filter((no) => !no.channel || no.channel === of)).toEqual([]);
      }),
    );
  });

  it('is granted without a channel if it is granted for one channel', () => {
    fc.assert(
      fc.property(statements, fc.constantFrom(...CHANNELS), (all, of) => {
        if (isGranted(all, [], of)) expect(isGranted(all, [])).toBe(true);
      }),
    );
  });

  it('names the latest applicable withdrawal', () => {
    fc.assert(
      fc.property(
        fc.array(withdrawal, { minLength: 1, maxLength: 5 }),
        failures,
        channel,
        (noes, failed, of) => {
          const decision = decideConsent(answers(noes, failed), 'MARKETING', of);
          if (decision.kind !== 'withheld' || decision.because === 'UNKNOWN') return;
          const holding = noes.filter(
            ({ purpose, channel: its }) => purpose === 'MARKETING' && (!of || !its || its === of),
          );
          expect(holding).toContainEqual(
            expect.objectContaining({ source: decision.source, status: decision.because }),
          );
          // A withdrawal for all channels has priority over one for a single channel.
          const final = holding.filter((no) => of || !no.channel);
          for (const { updatedAt } of final.length > 0 ? final : holding)
            expect((updatedAt ?? '') <= (decision.since ?? '')).toBe(true);
        },
      ),
    );
  });
});
