import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { createGateway, type Gateway } from '../../src/gateway.js';
import { declaredSource, describeProblem, type DeclarationProblem } from '../../src/index.js';
import { sendJson, startServer, type SmallServer } from '../connectors/server.js';

/** A register of companies, in YAML and SDL. */
const YAML = `source: register
connect: { rest: "\${REGISTER_URL}", ping: /status }
companies:
  foundBy: { kvkNumber: byNumber }
  holds: { kvkNumber: number, vatNumber: tax.vat }
calls:
  byNumber: { get: "/companies?numbers={keys|csv}", rows: found, key: number, maxBatch: 10 }
  sites: { get: "/companies/{key}/sites", rows: . }
fields:
  Company.tradeName: names[0]
  Company.founded: { from: since, date: dd-mm-yyyy }
  Company.sites: { call: sites }
`;
const SDL = `type Company @foundBy(field: "kvkNumber") @personalData(category: COMPANY) {
  "The number."
  kvkNumber: String @personalData(category: COMPANY, mask: LAST_FOUR)
  "The name."
  tradeName: String
  "The day on which it began."
  founded: Date
  "Its sites."
  sites: [Site!]
}

"A site of a company."
type Site @personalData(category: COMPANY) {
  "The town."
  town: String
}
`;

function compile(yaml: string, sdl = SDL) {
  return declaredSource({ file: 'register.yaml', yaml, sdlFile: 'register.graphql', sdl });
}

function problemsOf(yaml: string): readonly DeclarationProblem[] {
  const result = compile(yaml);
  return 'problems' in result ? result.problems : [];
}

describe('companies of a declared source', () => {
  let system: SmallServer;
  let gateway: Gateway;
  beforeAll(async () => {
    system = await startServer(({ url }, response) => {
      const { pathname, searchParams } = new URL(url, 'http://register');
      if (pathname.endsWith('/sites')) sendJson(response, [{ town: 'Delft' }, { town: 'Ede' }]);
      else {
        const numbers = (searchParams.get('numbers') ?? '').split(',');
        const found = ['69599084', '07322969']
          .filter((number) => numbers.includes(number))
          .map((number) => ({
            ...{ number, names: [`Shop ${number}`], since: '01-02-2003', tax: { vat: 'NL858100009B14' } },
          }));
        sendJson(response, { found });
      }
    });
    const result = compile(YAML);
    if ('problems' in result) throw new Error(result.problems.map(describeProblem).join('\n'));
    gateway = createGateway({
      sources: [result.source],
      sdl: { register: result.sdl },
      environment: {
        ...{ ID_SECRET: 'a secret of the tests', AUTH: 'off', LOG_LEVEL: 'silent', MAX_DELAY_MS: '60000' },
        REGISTER_URL: system.url,
      },
    });
  });
  afterAll(async () => {
    await gateway.close();
    await system.close();
  });

  const query = async (text: string): Promise<unknown> => {
    const answer = await gateway.fetch(`/graphql?query=${encodeURIComponent(text)}`);
    return answer.json();
  };

  it('are found by number, in one call, with their fields and other numbers', async () => {
    system.seen.length = 0;
    expect(
      await query(`{
        a: company(by: { kvkNumber: "69599084" }) { kvkNumber vatNumber tradeName founded }
        b: company(by: { kvkNumber: "07322969" }) { tradeName }
      }`),
    ).toEqual({
      data: {
        a: {
          kvkNumber: '69599084',
          vatNumber: 'NL858100009B14',
          tradeName: 'Shop 69599084',
          founded: '2003-02-01',
        },
        b: { tradeName: 'Shop 07322969' },
      },
    });
    expect(system.seen.map(({ url }) => decodeURIComponent(url))).toEqual([
      '/companies?numbers=69599084,07322969',
    ]);
  });

  it('have lists, such as their sites', async () => {
    expect(await query('{ company(by: { kvkNumber: "69599084" }) { sites { town } } }')).toEqual({
      data: { company: { sites: [{ town: 'Delft' }, { town: 'Ede' }] } },
    });
  });

  it('are null if the system does not know them', async () => {
    expect(await query('{ company(by: { kvkNumber: "68750110" }) { tradeName } }')).toEqual({
      data: { company: null },
    });
  });
});

test.each([
  [
    'fields of a company without companies',
    YAML.replace(/companies:\n.*\n.*\n/, '').replace('{ call: sites }', 'sites'),
    '"Company.tradeName" has no record, because the source finds no companies.',
  ],
  [
    'a key that is not a number of companies',
    YAML.replace('{ call: sites }', '{ call: sites, key: rsin }'),
    '"rsin" is not a number of companies.',
  ],
  ['an invalid path', YAML.replace('tax.vat', 'tax..vat'), '"tax..vat" is not a path.'],
])('a declaration is refused with %s', (_, yaml, problem) => {
  expect(problemsOf(yaml).map((found) => found.problem)).toContain(problem);
});

describe('an outbox of a declared source', () => {
  const OUTBOX = `${YAML}outbox:
  url: "\${REGISTER_OUTBOX_URL}"
  table: changes
  id: id
  time: at
  subject: number
  type: kind
  types: { changed: contact.changed }
  identifiers: { kvkNumber: number }
`;
  const outbox = () => {
    const result = compile(OUTBOX);
    if ('problems' in result || result.source.outbox === undefined)
      throw new Error('The source has no outbox.');
    return result.source.outbox;
  };
  const ROW = { id: '7', at: new Date('2026-05-01T10:00:00Z'), number: '69599084', kind: 'changed' };

  it('is read from its table, and each row becomes an event', () => {
    const declared = outbox();
    expect([declared.url.variable, declared.table]).toEqual(['REGISTER_OUTBOX_URL', 'changes']);
    expect(declared.event(ROW)).toEqual({
      id: '7 2026-05-01T10:00:00.000Z',
      type: 'contact.changed',
      time: '2026-05-01T10:00:00.000Z',
      subject: '69599084',
      identifiers: { kvkNumber: ['69599084'] },
      data: {},
    });
  });

  it('ignores types of events that the declaration does not name, and refuses rows of another shape', () => {
    const declared = outbox();
    expect(declared.event({ ...ROW, kind: 'removed' })).toBeUndefined();
    expect(() => declared.event({ ...ROW, at: 'soon' })).toThrow(
      'The row is not as the declaration has it: at.',
    );
  });
});
