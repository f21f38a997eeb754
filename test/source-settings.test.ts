import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sources } from '../sources/index.js';
import { freshness, overridden } from '../src/cache/freshness.js';
import { defineLoader } from '../src/loaders/loader.js';
import type { SourceDefinition } from '../src/source.js';
import { localSource } from './support/local-source.js';
import { SettingsReader, type Environment } from '../src/settings.js';
import { tuned, variableOf } from '../src/source-settings.js';
import { divideAmongWorkers } from '../src/process/share.js';
import { readGatewayConfig } from '../src/config.js';

/** All sources with these settings, and the problems. */
function read(environment: Environment) {
  const settings = new SettingsReader(environment);
  const all = new Map(tuned(sources, settings).map((source) => [source.name, source]));
  return { problems: settings.problems, source: (name: string) => all.get(name) };
}

const problemsOf = (variable: string, value: unknown) =>
  read({ [variable]: typeof value === 'string' ? value : JSON.stringify(value) }).problems;

describe('the freshness of a source', () => {
  it('is the default if neither the source nor a setting changes it', () => {
    const { source, problems } = read({});
    expect(problems).toEqual([]);
    expect(source('crm-hubspot')?.freshness).toEqual({
      maxAge: '10 s',
      staleWhileRevalidate: '20 s',
      staleIfError: '1 hour',
    });
    expect(source('kvk')?.freshness).toMatchObject({ maxAge: '1 day' });
  });

  it('uses each value of the setting, or else of the declaration, for sources and loaders', () => {
    const { source, problems } = read({
      KVK_FRESHNESS: '{"maxAge":"2 days","loaders":{"registrations":{"notFoundMaxAge":"5 minutes"}}}',
    });
    expect(problems).toEqual([]);
    expect(source('kvk')?.freshness).toEqual({
      maxAge: '2 days',
      staleWhileRevalidate: '7 days',
      staleIfError: '7 days',
      notFoundMaxAge: '1 hour',
    });
    expect(source('kvk')?.loaderSettings['registrations']).toEqual({
      freshness: { notFoundMaxAge: '5 minutes' },
    });
  });

  it('of "0 s" allows stale answers only during an outage, or if the setting allows them', () => {
    const { source } = read({
      KVK_FRESHNESS: '{"maxAge":"0 s"}',
      X_FRESHNESS: '{"maxAge":"0 s","staleWhileRevalidate":"5 s"}',
    });
    expect(freshness({}, source('kvk')?.freshness)).toMatchObject({
      maxAgeMs: 0,
      staleWhileRevalidateMs: 0,
      notFoundMaxAgeMs: 0,
      staleIfErrorMs: 7 * 86_400_000,
    });
    expect(freshness({}, source('x')?.freshness)).toMatchObject({
      maxAgeMs: 0,
      staleWhileRevalidateMs: 5_000,
    });
  });
});

describe('the freshness of the loaders that find customers', () => {
  const found = defineLoader({ name: 'found', load: () => Promise.resolve([]) });
  const finding = (
    parts: Partial<SourceDefinition>,
    environment: Environment = {},
    loader: typeof found = found,
  ) => {
    const { source } = localSource('club', {
      identity: {
        recordKey: 'memberId',
        foundBy: { memberId: { uniqueness: 'enforced', loader } },
        yields: {},
      },
      ...parts,
    });
    const [withSettings] = tuned([source], new SettingsReader(environment));
    const ofLoader = overridden(loader.freshness ?? {}, withSettings?.loaderSettings['found']?.freshness);
    return freshness(ofLoader, withSettings?.freshness);
  };

  it('is one minute by default, also when a setting changes the freshness of the source', () => {
    const minute = { maxAgeMs: 60_000, staleWhileRevalidateMs: 20_000, staleIfErrorMs: 3_600_000 };
    expect(finding({})).toMatchObject(minute);
    // A setting for all loaders applies to the loaders of data only.
    expect(finding({}, { CLUB_FRESHNESS: '{"maxAge":"1 s"}' })).toMatchObject(minute);
  });

  it('is the freshness that the source declares, if it declares one', () => {
    expect(finding({ freshness: {} })).toMatchObject({ maxAgeMs: 0, staleIfErrorMs: 0 });
    expect(finding({ freshness: { maxAge: '5 s' } })).toMatchObject({ maxAgeMs: 5_000 });
    expect(finding({ freshness: { maxAge: '5 s' } }, { CLUB_FRESHNESS: '{"maxAge":"3 s"}' })).toMatchObject({
      maxAgeMs: 3_000,
    });
  });

  it('is the freshness of the loader if one is declared or set', () => {
    const changed = { ...found, freshness: { maxAge: '7 s' } as const };
    expect(finding({}, {}, changed)).toMatchObject({ maxAgeMs: 7_000 });
    const CLUB_FRESHNESS = '{"loaders":{"found":{"maxAge":"2 s"}}}';
    expect(finding({}, { CLUB_FRESHNESS }, changed)).toMatchObject({ maxAgeMs: 2_000 });
    expect(finding({}, { CLUB_FRESHNESS })).toMatchObject({ maxAgeMs: 2_000 });
    const notFound = { CLUB_FRESHNESS: '{"loaders":{"found":{"notFoundMaxAge":"2 s"}}}' };
    expect(finding({}, notFound)).toMatchObject({ maxAgeMs: 60_000, notFoundMaxAgeMs: 2_000 });
  });
});

describe('the limits of a source', () => {
  it('use each value of the setting, or else of the declaration', () => {
    const { source, problems } = read({
      KVK_LIMITS:
        '{"timeout":"3 s","quota":{"calls":1000,"per":"day"},"loaders":{"registrations":{"maxBatch":5}}}',
    });
    expect(problems).toEqual([]);
    expect(source('kvk')?.limits).toEqual({
      timeout: '3 s',
      concurrency: 10,
      rate: { calls: 50, per: '1 s', burst: 50 },
      quota: { calls: 1_000, per: 'day' },
    });
    expect(source('kvk')?.loaderSettings['registrations']).toEqual({ maxBatch: 5 });
  });

  it('are divided among workers like declared ones', () => {
    const settings = new SettingsReader({
      ID_SECRET: 'a secret of the tests',
      REDIS_URL: 'redis://127.0.0.1:1',
      AUTH: 'off',
      CRM_HUBSPOT_LIMITS: '{"concurrency":8,"rate":{"calls":40,"per":"1 s"}}',
      VIES_LIMITS: '{"concurrency":3}',
    });
    const hubspotAndVies = sources.filter(({ name }) => name === 'crm-hubspot' || name === 'vies');
    const whole = { config: readGatewayConfig(settings), sources: tuned(hubspotAndVies, settings) };
    const [hubspot] = divideAmongWorkers({ number: 1, count: 4 }, whole, settings).sources;
    expect(hubspot?.limits).toMatchObject({ concurrency: 2, rate: { calls: 10, per: '1 s', burst: 10 } });
    expect(settings.problems).toEqual([
      expect.stringMatching(/^WORKERS 4 is too many for vies: .* Set WORKERS to 3 at most\.$/),
    ]);
  });
});

describe('a problem with these settings', () => {
  const anyWord = fc.constantFrom(
    ...['maxAge', 'staleWhileRevalidate', 'staleIfError', 'notFoundMaxAge', 'timeout', 'batchWindow'],
  );

  it.each([
    [
      'a text that is not JSON',
      'maxAge=30s',
      'CRM_HUBSPOT_FRESHNESS is invalid: it must be a JSON object such as {"maxAge":"30 s"}.',
    ],
    ['a list', '[]', 'CRM_HUBSPOT_FRESHNESS is invalid: it must be a JSON object such as {"maxAge":"30 s"}.'],
    [
      'another case',
      { maxage: '30 s' },
      'CRM_HUBSPOT_FRESHNESS is invalid: it has no "maxage". Did you mean "maxAge"?',
    ],
    [
      'a word that is not similar to any member',
      { ttl: '30 s' },
      'CRM_HUBSPOT_FRESHNESS is invalid: it has no "ttl". It may have maxAge, staleWhileRevalidate, staleIfError, notFoundMaxAge, loaders.',
    ],
    [
      'a loader that does not exist',
      { loaders: { contactByEmail: { maxAge: '1 s' } } },
      'CRM_HUBSPOT_FRESHNESS is invalid: loaders has no "contactByEmail". Did you mean "contactsByEmail"?',
    ],
    [
      'a misspelt member of a loader',
      { loaders: { contactsByEmail: { maxAges: '1 s' } } },
      'CRM_HUBSPOT_FRESHNESS is invalid: loaders.contactsByEmail has no "maxAges". Did you mean "maxAge"?',
    ],
    [
      'a number',
      { maxAge: 30 },
      'CRM_HUBSPOT_FRESHNESS is invalid: maxAge must be a duration such as "250 ms", "10 s", "5 minutes", "1 hour" or "7 days".',
    ],
    [
      'another unit',
      { maxAge: '30 sec' },
      'CRM_HUBSPOT_FRESHNESS is invalid: maxAge must be a duration such as "250 ms", "10 s", "5 minutes", "1 hour" or "7 days".',
    ],
    [
      'a duration above the maximum',
      { maxAge: '31 days' },
      'CRM_HUBSPOT_FRESHNESS is invalid: maxAge must be from "0 s" to "30 days".',
    ],
    [
      'consent',
      { loaders: { consentsOfContacts: { maxAge: '1 day' } } },
      'CRM_HUBSPOT_FRESHNESS is invalid: loaders has no "consentsOfContacts": consent is fresh for five seconds, and no setting changes that.',
    ],
    [
      'a notFoundMaxAge above ten seconds for a source that holds consent',
      { notFoundMaxAge: '30 days' },
      'CRM_HUBSPOT_FRESHNESS is invalid: notFoundMaxAge must be from "0 s" to "10 s": the source holds consent, and it may learn of a customer who refuses it at any time.',
    ],
    [
      'a notFoundMaxAge above ten seconds for a loader that finds customers',
      { loaders: { contactsByEmail: { notFoundMaxAge: '11 s' } } },
      'CRM_HUBSPOT_FRESHNESS is invalid: loaders.contactsByEmail.notFoundMaxAge must be from "0 s" to "10 s": the source holds consent, and it may learn of a customer who refuses it at any time.',
    ],
  ])('is reported: %s as freshness', (_, value, problem) => {
    expect(problemsOf('CRM_HUBSPOT_FRESHNESS', value)).toEqual([problem]);
  });

  it.each([
    ['no calls', { concurrency: 0 }, 'concurrency must be a whole number from 1 to 1000'],
    ['a fraction of a call', { concurrency: 1.5 }, 'concurrency must be a whole number from 1 to 1000'],
    [
      'a time without a unit',
      { timeout: 2 },
      'timeout must be a duration such as "250 ms", "10 s", "5 minutes", "1 hour" or "7 days"',
    ],
    ['a timeout above the maximum', { timeout: '2 minutes' }, 'timeout must be from "1 ms" to "1 minute"'],
    [
      'a rate of zero calls',
      { rate: { calls: 0, per: '1 s' } },
      'rate.calls must be a number from 0.001 to 1000000',
    ],
    [
      'a rate without a period',
      { rate: { calls: 5 } },
      'rate.per must be a duration such as "250 ms", "10 s", "5 minutes", "1 hour" or "7 days"',
    ],
    ['a quota per week', { quota: { calls: 5, per: 'week' } }, 'quota.per must be "day" or "month"'],
    ['a share above 1', { bulkShare: 1.1 }, 'bulkShare must be a number from 0 to 1'],
    [
      'more keys than HubSpot accepts',
      { loaders: { contactsById: { maxBatch: 101 } } },
      'loaders.contactsById.maxBatch must be a whole number from 1 to 100',
    ],
    [
      'a limit that only a source can declare',
      { ofProcess: true },
      'it has no "ofProcess". It may have timeout, concurrency, rate, quota, bulkShare, retries, maxBatch, batchWindow, maxAnswerBytes, maxCacheBytes, loaders',
    ],
  ])('is reported: %s as limits', (_, value, problem) => {
    expect(problemsOf('CRM_HUBSPOT_LIMITS', value)).toEqual([`CRM_HUBSPOT_LIMITS is invalid: ${problem}.`]);
  });

  it('is reported together with the problems of all other sources', () => {
    const { problems } = read({
      KVK_FRESHNESS: '{"maxAge":"1","staleIfError":"2"}',
      X_LIMITS: '{"retries":-1}',
      WEBSHOP_FRESHNESS: '{"loaders":{"Customers":{}}}',
    });
    expect(problems.map((problem) => problem.split(' is invalid')[0]).toSorted()).toEqual([
      'KVK_FRESHNESS',
      'KVK_FRESHNESS',
      'WEBSHOP_FRESHNESS',
      'X_LIMITS',
    ]);
  });

  it('is a notFoundMaxAge above ten seconds of a loader that finds customers, only if the source holds consent', () => {
    fc.assert(
      fc.property(fc.constantFrom(...sources), fc.integer({ min: 0, max: 2_592_000 }), (source, seconds) => {
        const { name, identity, consents, loaders = [] } = source;
        const finding = Object.values(identity?.foundBy ?? {}).map(({ loader }) => loader.name);
        const others = loaders
          .map((loader) => loader.name)
          .filter((value) => value !== consents?.ofRecord.name);
        const word = { notFoundMaxAge: `${seconds} s` };
        const settings = new SettingsReader({
          [variableOf(name, 'FRESHNESS')]: JSON.stringify({
            ...word,
            loaders: Object.fromEntries([...finding, ...others].map((loader) => [loader, word])),
          }),
        });
        tuned([source], settings);
        const refused = [
          'notFoundMaxAge',
          ...[...new Set(finding)].map((loader) => `loaders.${loader}.notFoundMaxAge`),
        ];
        expect(
          settings.problems
            .map((problem) => /is invalid: (.+) must be/.exec(problem)?.[1] ?? problem)
            .toSorted(),
        ).toEqual(consents !== undefined && seconds > 10 ? refused.toSorted() : []);
      }),
      { examples: sources.flatMap((source) => [[source, 10] as [typeof source, number], [source, 11]]) },
    );
  });

  it('is reported without the value', () => {
    fc.assert(
      fc.property(anyWord, fc.string({ minLength: 12, maxLength: 40 }), (word, value) => {
        for (const what of ['FRESHNESS', 'LIMITS'] as const) {
          const problems = problemsOf(variableOf('kvk', what), { [word]: value });
          expect(problems).toHaveLength(1);
          expect(problems.join(' ')).not.toContain(value);
        }
      }),
    );
  });
});
