import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { declaredSource } from '../../src/index.js';
import { sendJson, startServer, type SmallServer } from '../connectors/server.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { createTestGateway, LONG_TIMEOUT, type TestGateway } from '../support/gateway.js';
import { at } from '../support/read.js';
import { answerAsWarranty, compiled, WARRANTY_SDL, WARRANTY_SETTINGS, WARRANTY_YAML } from './warranty.js';

const CONSENTS = `consents:
  call: consentsById
  statements:
    - purpose: { from: goal, enum: { mail: MARKETING, advice: PERSONALISATION } }
      channel: { from: by, enum: { e: EMAIL, s: SMS } }
      status: { from: answer, enum: { "yes": GRANTED, "no": DENIED, open: REQUESTED, withdrawn: REVOKED } }
      until: { from: ends, date: dd-mm-yyyy }
      updatedAt: { from: changed, dateTime: seconds }
`;
const YAML = `${WARRANTY_YAML.replace(
  'calls:\n',
  'calls:\n  consentsById: { get: "/v1/registrations/{key}/consents", rows: consents, notFound: 404 }\n',
)}${CONSENTS}`;
const SDL = WARRANTY_SDL.replace(
  /(warrantyContact[^]*?)@purpose\([^)]*\)/,
  '$1@purpose(any: [MARKETING], channel: EMAIL)',
);

const YES = { goal: 'mail', by: 'e', answer: 'yes', ends: null, changed: 1_767_225_600 };

describe('consent that a declared source holds', () => {
  let system: SmallServer;
  let gateway: TestGateway;
  let consents: unknown;

  const open = (yaml: string): TestGateway => {
    const { source, sdl } = compiled(yaml, SDL);
    return createTestGateway(
      { WARRANTY_URL: system.url, ...WARRANTY_SETTINGS, ...CALLER_SETTINGS, AUDIT_FILE: '/dev/null' },
      {
        sources: [{ ...source, limits: { ...source.limits, timeout: LONG_TIMEOUT, retries: 0 } }],
        sdl: { warranty: sdl },
      },
    );
  };
  beforeAll(async () => {
    system = await startServer((request, response) => {
      if (request.url.includes('consents')) sendJson(response, { consents });
      else answerAsWarranty(request, response);
    });
  });
  afterAll(() => system.close());

  /** Returns the contact for marketing, or the code of the error. */
  async function contactWith(rows: unknown, yaml = YAML): Promise<unknown> {
    consents = rows;
    gateway = open(yaml);
    try {
      const { data, errors } = await gateway.query(
        '{ customer(by: { registrationId: "R00000002" }) { warrantyContact } }',
        {},
        await headersOf('operator', { purpose: 'MARKETING' }),
      );
      return at(data, 'customer', 'warrantyContact') ?? errors[0]?.extensions['code'];
    } finally {
      await gateway.close();
    }
  }

  it('shows a field with a yes for its channel', async () => {
    expect(await contactWith([YES])).toBe('Owner2@Example.nl');
  });

  it.each([
    ['there is no statement', []],
    ['the answer is no', [{ ...YES, answer: 'no' }]],
    ['the answer was withdrawn', [{ ...YES, answer: 'withdrawn' }]],
    ['the answer is open', [{ ...YES, answer: 'open' }]],
    ['the yes is for another channel', [{ ...YES, by: 's' }]],
    ['the yes is for another purpose', [{ ...YES, goal: 'advice' }]],
    ['the yes has expired', [{ ...YES, ends: '01-01-2020' }]],
    ['one of two answers is no', [YES, { ...YES, answer: 'no' }]],
  ])('withholds it if %s', async (_, rows) => {
    expect(await contactWith(rows)).toBe('CONSENT_REQUIRED');
  });

  it.each([
    ['the answer is unknown', [{ ...YES, answer: 'perhaps' }]],
    ['the answer is of another type', [{ ...YES, answer: ['yes'] }]],
    ['the answer is null', [{ ...YES, answer: null }]],
    ['the answer is missing', [{ goal: 'mail', by: 'e' }]],
    ['the channel is missing', [{ ...YES, by: null }]],
    ['the channel is unknown', [{ ...YES, by: 'x' }]],
    ['the purpose is missing', [{ ...YES, goal: null }]],
    ['the end is not a date', [{ ...YES, ends: 'never' }]],
    ['the list has a yes and an unknown answer', [YES, { ...YES, answer: 'perhaps' }]],
    ['the answer has another shape', 'yes'],
    ['the list is missing', undefined],
  ])('withholds it with an error if %s', async (_, rows) => {
    expect(await contactWith(rows)).toBe('SOURCE_CONTRACT');
  });

  it.each([
    ['status', 'withdrawn: REVOKED }', 'withdrawn: REVOKED }, ifMissing: UNKNOWN', { ...YES, answer: null }],
    ['status', 'withdrawn: REVOKED }', 'withdrawn: REVOKED }, ifMissing: DENIED', { ...YES, answer: null }],
  ])('withholds it without an error if a missing %s is declared', async (_, from, to, row) => {
    expect(await contactWith([row], YAML.replace(from, to))).toBe('CONSENT_REQUIRED');
  });

  it('applies to all channels if it has no channel, if that is declared', async () => {
    const yaml = YAML.replace('s: SMS } }', 's: SMS }, ifMissing: ALL }');
    expect(await contactWith([{ ...YES, by: null }], yaml)).toBe('Owner2@Example.nl');
    expect(await contactWith([YES, { ...YES, by: null, answer: 'no' }], yaml)).toBe('CONSENT_REQUIRED');
  });

  it('is shown with its source and time', async () => {
    consents = [YES, { ...YES, goal: 'advice', by: 's', answer: 'no', ends: '01-01-2020' }];
    gateway = open(YAML);
    const { data, errors } = await gateway.query(
      '{ customer(by: { registrationId: "R00000002" }) { consents { purpose channel status source updatedAt } } }',
      {},
      await headersOf('operator'),
    );
    await gateway.close();
    expect(errors).toEqual([]);
    const updatedAt = '2026-01-01T00:00:00.000Z';
    expect(at(data, 'customer', 'consents')).toEqual([
      { purpose: 'MARKETING', channel: 'EMAIL', status: 'GRANTED', source: 'WARRANTY', updatedAt },
      { purpose: 'PERSONALISATION', channel: 'SMS', status: 'DENIED', source: 'WARRANTY', updatedAt },
    ]);
  });

  it('concerns the purposes that its statements can have', () => {
    expect(compiled(YAML, SDL).source.consents?.purposes).toEqual(['PERSONALISATION', 'MARKETING']);
  });
});

describe('a declaration of consents', () => {
  const problemsOf = (yaml: string) => {
    const result = declaredSource({ file: 'a.yaml', yaml, sdlFile: 'a.graphql', sdl: SDL });
    return 'problems' in result ? result.problems : [];
  };

  test.each([
    {
      what: 'no statement',
      replace: [/ {2}statements:[^]*/, '  statements: []\n'],
      problem: /"consents\.statements" is invalid/,
      remedy: /must have a statement/,
    },
    {
      what: 'a call that does not exist',
      replace: ['call: consentsById', 'call: consentById'],
      problem: /no call "consentById"/,
      remedy: /Did you mean "consentsById"\?/,
    },
    {
      what: 'a call that also loads other data',
      replace: ['call: consentsById', 'call: byId'],
      problem: /call "byId" is used for other data too/,
      remedy: /for consents alone/,
    },
    {
      what: 'an unknown purpose',
      replace: ['{ from: goal, enum: { mail: MARKETING, advice: PERSONALISATION } }', 'MARKETNG'],
      problem: /"MARKETNG" is not a value of Purpose/,
      remedy: /Did you mean "MARKETING"\?/,
    },
    {
      what: 'an unknown purpose of a value',
      replace: ['mail: MARKETING', 'mail: MARKETNG'],
      problem: /"MARKETNG" is not a value of Purpose/,
      remedy: /Use one of SERVICE/,
    },
    {
      what: 'an unknown channel',
      replace: ['e: EMAIL', 'e: MAIL'],
      problem: /"MAIL" is not a value of ConsentChannel/,
      remedy: /EMAIL, SMS/,
    },
    {
      what: 'an unknown status',
      replace: ['"yes": GRANTED', '"yes": YES'],
      problem: /"YES" is not a value of ConsentStatus/,
      remedy: /GRANTED, DENIED/,
    },
    {
      what: 'a yes for a missing value',
      replace: ['withdrawn: REVOKED }', 'withdrawn: REVOKED }, ifMissing: GRANTED'],
      problem: /status\.ifMissing" is invalid/,
      remedy: /UNKNOWN or DENIED/,
    },
    {
      what: 'a status that is not a path',
      replace: ['from: answer', 'from: answer..code'],
      problem: /"answer\.\.code" is not a path/,
      remedy: /owner\.mail/,
    },
    {
      what: 'a freshness',
      replace: ['notFound: 404 }', 'notFound: 404, freshness: { maxAge: 1 day } }'],
      problem: /Consent is cached for five seconds/,
      remedy: /Remove freshness/,
    },
    {
      what: 'an id of its rows',
      replace: ['notFound: 404 }', 'notFound: 404, id: number }'],
      problem: /Rows with equal ids are one row/,
      remedy: /Remove id/,
    },
    {
      what: 'a list that may be truncated',
      replace: ['notFound: 404 }', 'notFound: 404, page: { link: header, maxItems: 10, acceptPart: true } }'],
      problem: /a withdrawal may be missing/,
      remedy: /Remove acceptPart/,
    },
    {
      what: 'no identity',
      replace: [/identity:[^]*?calls:/, 'heldIdentifiers: [email]\ncalls:'],
      problem: /has consents and no identity/,
      remedy: /Add identity/,
    },
  ])('is refused with its line and a remedy if it has $what', ({ replace, problem, remedy }) => {
    const [from = '', to = ''] = replace;
    const yaml = YAML.replace(from, String(to));
    expect(yaml).not.toBe(YAML);
    const problems = problemsOf(yaml);
    const found = problems.find((reported) => problem.test(reported.problem) && remedy.test(reported.remedy));
    expect(found, JSON.stringify(problems, null, 1)).toMatchObject({
      line:
        typeof from === 'string'
          ? YAML.slice(0, YAML.indexOf(from)).split('\n').length
          : (expect.any(Number) as number),
    });
  });
});
