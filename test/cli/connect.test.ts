import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { sendJson, startServer, type SmallServer } from '../../src/testing/small-server.js';
import { CLUB_MEMBERS, CLUB_TOKEN, clubSystem, type ClubRules } from '../connect/graphql/club.js';
import { stekkerdoosHere, type Ran } from './cli-process.js';

const FILES = [
  'schema/sources/club.graphql',
  'sources/club.md',
  'sources/club.recording.json',
  'sources/club.yaml',
];
const servers: SmallServer[] = [];
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-connect-'));
  await stekkerdoosHere(['init', folder], {});
  // The files of the project without the example source.
  for (const path of [
    'sources/loyalty.yaml',
    'sources/loyalty.recording.json',
    'schema/sources/loyalty.graphql',
  ])
    rmSync(join(folder, path));
  write('gateway.yaml', 'auth: off\n');
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const write = (path: string, text: string) => {
  writeFileSync(join(folder, path), text);
};
const read = (path: string) => readFileSync(join(folder, path), 'utf8');
const filesNow = () =>
  ['schema/sources', 'sources'].flatMap((place) => {
    const names = readdirSync(join(folder, place));
    return names.filter((name) => !name.startsWith('.')).map((name) => `${place}/${name}`);
  });

async function serve(answer: Parameters<typeof startServer>[0]): Promise<SmallServer> {
  const server = await startServer(answer);
  servers.push(server);
  return server;
}

async function club(rules: ClubRules = {}): Promise<SmallServer> {
  const answer = clubSystem(rules);
  return serve((request, response) => void answer(request, response));
}

const connect = (what: string, words: readonly string[] = [], environment = {}): Promise<Ran> =>
  stekkerdoosHere(['connect', 'club', what, '--project', folder, '--interval', '0 ms', '--yes', ...words], {
    CLUB_TOKEN,
    ...environment,
  });

/** The queries that a system received. */
const queriesOf = ({ seen }: SmallServer) =>
  seen.map(({ body }) => (JSON.parse(body) as { query: string }).query);

describe('stekkerdoos connect', { timeout: 60_000 }, () => {
  it('plugs a system in: the files pass the test, and a query shows the new field', async () => {
    const system = await club();
    const { code, out, err } = await connect(`${system.url}/graphql`);
    expect(code, out + err).toBe(0);
    expect(err).toBe('');
    expect(filesNow()).toEqual(FILES);
    expect(system.seen.length).toBeLessThanOrEqual(20);
    for (const query of queriesOf(system)) expect(query).toMatch(/^\s*(query\b|\{)/);

    const steps = [...out.matchAll(/^(look|measure|identity|privacy|write|show): /gm)].map(
      ([, step]) => step,
    );
    expect(steps).toEqual(['look', 'measure', 'identity', 'privacy', 'write', 'show']);
    expect(out).toContain('membersByIds(ids: $keys) accepts 40 keys in one call.');
    expect(out).toMatch(/customer\(by: \$by\) \{\n +club \{/);
    expect(out).toMatch(/^club: live, 1 call in \d+ ms\n +club +.*email r\*\*\*/m);

    const settings = { CLUB_URL: `${system.url}/graphql`, CLUB_TOKEN };
    const tested = await stekkerdoosHere(['test', 'club', '--project', folder], {});
    expect(tested.code, tested.out).toBe(0);
    const shown = await stekkerdoosHere(
      ['ask', 'reader7@example.nl', '--project', folder, '--purpose', 'service', '--json'],
      settings,
    );
    expect(shown.code, shown.out + shown.err).toBe(0);
    expect(JSON.parse(shown.out)).toMatchObject({
      customer: { name: 'Anna de Vries 7', club: { id: 'M-10038', points: 7, status: 'ACTIVE' } },
    });
  });

  it('writes nothing with --dry-run, and prints the files', async () => {
    const system = await club();
    const before = filesNow();
    const { code, out } = await connect(`${system.url}/graphql`, ['--dry-run']);
    expect(code).toBe(0);
    expect(filesNow()).toEqual(before);
    for (const path of FILES) expect(out).toContain(`\n${path}:\n`);
    expect(out).toContain('  CLUB_TOKEN  ');
    expect(out).toContain('Nothing was written');
  });

  it('replaces existing files only with --force, and otherwise sends no call', async () => {
    const system = await club();
    write('sources/club.md', 'mine');
    const refused = await connect(`${system.url}/graphql`);
    expect(refused.code).toBe(2);
    expect(refused.err).toContain('sources/club.md. Use another name, or --force to replace them.');
    expect(system.seen).toEqual([]);
    expect(filesNow()).toEqual(['sources/club.md']);
    expect((await connect(`${system.url}/graphql`, ['--force'])).code).toBe(0);
    expect(read('sources/club.md')).not.toBe('mine');
  });

  it('takes the answers of flags', async () => {
    const system = await club();
    const { code, err } = await connect(`${system.url}/graphql`, [
      ...[
        '--by',
        'member(id: $key)',
        '--uniqueness',
        'email=verified',
        '--uniqueness',
        'clubMemberId=enforced',
      ],
      ...['--leave-out', 'ClubMember.points, ClubMember.badges'],
    ]);
    expect(code, err).toBe(0);
    expect(parse(read('sources/club.yaml'))).toMatchObject({
      identity: {
        foundBy: {
          clubMemberId: { call: 'byId', uniqueness: 'enforced' },
          email: { call: 'byEmail', uniqueness: 'verified' },
        },
      },
      calls: { byId: { field: 'member(id: $key)' } },
    });
    expect(read('schema/sources/club.graphql')).not.toMatch(/points|badges/i);
  });

  it('sends no more calls than --calls allows', async () => {
    const system = await club();
    const { code, out, err } = await connect(`${system.url}/graphql`, ['--calls', '9']);
    expect(code, err).toBe(0);
    expect(system.seen.length).toBeLessThanOrEqual(9);
    expect(out).toContain('because too few calls were left. Allow more with --calls.');
  });

  it('compares the samples with what the plugged-in sources know', async () => {
    const system = await club();
    const loyalty = await loyaltySystem();
    const { code, out, err } = await connect(`${system.url}/graphql`, [], { LOYALTY_URL: loyalty.url });
    expect(code, err).toBe(0);
    expect(out).toContain('15 of 20 known to loyalty, 2 to two people');
    expect(out).not.toContain('@example.nl');
  });

  it('connects without the comparison if the other sources are unavailable', async () => {
    const system = await club();
    const loyalty = await loyaltySystem();
    await loyalty.close();
    const { code, out } = await connect(`${system.url}/graphql`, [], { LOYALTY_URL: loyalty.url });
    expect(code).toBe(0);
    expect(out).not.toContain('known to loyalty');
  });

  it('writes no credential of the address, and uses it in this process', async () => {
    const answer = clubSystem();
    const basic = `Basic ${Buffer.from('reader:pa:ss-word-7').toString('base64')}`;
    const system = await serve((request, response) => {
      const authorization = request.headers.authorization === basic ? `Bearer ${CLUB_TOKEN}` : undefined;
      void answer({ ...request, headers: { ...request.headers, authorization } }, response);
    });
    const address = `${system.url.replace('http://', 'http://reader:pa%3Ass-word-7@')}/graphql`;
    const { code, out, err } = await connect(address, [], { CLUB_TOKEN: undefined });
    expect(code, err).toBe(0);
    expect(out).toMatch(/^club: live, 1 call/m);
    expect(out).toMatch(/CLUB_PASSWORD +The password/);
    for (const text of [out, err, ...everyFile().map(read)]) expect(text).not.toMatch(/pa(:|%3A)ss-word/);
  });

  it('refuses a system that returns a record for an unknown key, with the reason', async () => {
    const system = await club({ returnsOtherRecord: true });
    const { code, err } = await connect(`${system.url}/graphql`, ['--by', 'member(id: $key)']);
    expect(code).toBe(2);
    expect(err).toContain('returned a record for an unknown key');
    expect(filesNow()).toEqual([]);
  });

  it.each([
    [['--dryrum'], 'Did you mean "--dry-run"?'],
    [['--uniqueness', 'email=sometimes'], '--uniqueness must be <identifier>=<enforced|usual|verified|none>'],
    [['--key', 'email'], '--key must be <kind>=<value>'],
    [['--calls', '2'], '--calls must be a whole number'],
    [['--interval', 'soon'], '--interval must be a duration'],
    [['--kind', 'grapql'], 'There is no kind "grapql".'],
  ])('refuses %j before the first call', async (words, message) => {
    const system = await club();
    const { code, err } = await connect(`${system.url}/graphql`, words);
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(system.seen).toEqual([]);
  });

  it.each([
    [['--by', 'member(ids: $key)'], 'Did you mean "member(id: $key)"?'],
    [['--uniqueness', 'emial=usual'], 'Did you mean "email"?'],
    [['--leave-out', 'ClubMember.pints'], 'Did you mean "ClubMember.points"?'],
  ])('refuses %j, and writes nothing', async (words, message) => {
    const system = await club();
    const { code, err } = await connect(`${system.url}/graphql`, words);
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(filesNow()).toEqual([]);
  });

  it.each([
    ['ftp://reader:pass-word-7@127.0.0.1/', 'Addresses of the scheme ftp:// are not supported.'],
    ['http://reader:pass-word-7@127.0.0.1:port/', 'The address is invalid.'],
    ['curl -H "token: pass-word-7" http://127.0.0.1', 'A curl command is read from standard input'],
    ['pass-word-7.yaml', 'There is no such file or folder.'],
  ])('refuses the target %s without repeating it', async (what, message) => {
    const { code, out, err } = await connect(what);
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(out + err).not.toContain('pass-word-7');
  });

  it('calls an address once if its form does not show the kind, and lists the kinds', async () => {
    const system = await serve((_, response) => {
      sendJson(response, { hello: 'world' });
    });
    const { code, err } = await connect(system.url);
    expect(code).toBe(2);
    expect(err).toContain('Add --kind:\n');
    expect(err).toContain('  graphql: a GraphQL endpoint');
    expect(system.seen.map(({ method }) => method)).toEqual(['GET']);
  });

  it.each([
    [['order-system', 'http://127.0.0.1/graphql'], 'is the name of a source of the package'],
    [['Club', 'http://127.0.0.1/graphql'], 'in lower case with dashes'],
  ])('refuses %j', async (words, message) => {
    const { code, err } = await stekkerdoosHere(['connect', ...words, '--project', folder, '--yes'], {});
    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  it('takes suggestions only with --yes if there is no terminal', async () => {
    const { code, err } = await stekkerdoosHere(['connect', 'club', 'http://127.0.0.1/graphql'], {});
    expect(code).toBe(2);
    expect(err).toContain('Questions need a terminal. Add --yes');
  });
});

const everyFile = () =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));

/** A declared source that knows 15 of the members by their addresses, and two people with one of two addresses. */
async function loyaltySystem(): Promise<SmallServer> {
  write(
    'sources/loyalty.yaml',
    `source: loyalty
connect: { rest: "\${LOYALTY_URL}", ping: / }
namespaces:
  loyaltyId: { pattern: '^L\\d+$', description: "The number of a card." }
identity:
  recordKey: loyaltyId
  id: number
  foundBy:
    loyaltyId: { call: byNumber, uniqueness: enforced }
    email: { call: byEmail, uniqueness: usual }
  yields: { email: { one: mail } }
calls:
  byNumber: { get: "/cards/{key}" }
  byEmail: { get: "/cards?mail={keys|csv}", maxBatch: 50, rows: cards, key: mail }
fields:
  Customer.loyaltyTier: tier
`,
  );
  write(
    'schema/sources/loyalty.graphql',
    `type Customer {
  "The tier. Source: the loyalty club."
  loyaltyTier: String @personalData(category: RELATION) @requiresScopes(scopes: [["relation:read"]])
}
`,
  );
  const cards = CLUB_MEMBERS.slice(0, 15).flatMap(({ email }, i) => [
    { number: `L${i}`, mail: email, tier: 'GOLD' },
    ...(i < 2 ? [{ number: `L9${i}`, mail: email, tier: 'SILVER' }] : []),
  ]);
  return serve(({ url }, response) => {
    const mails = new URL(url, 'http://localhost').searchParams.get('mail')?.split(',') ?? [];
    sendJson(response, { cards: cards.filter(({ mail }) => mails.includes(mail)) });
  });
}
