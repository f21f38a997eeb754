import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCallBudget } from '../../../src/connect/call-budget.js';
import type { Decisions, Draft } from '../../../src/connect/draft.js';
import { graphqlReaderKind } from '../../../src/connect/graphql/graphql-kind.js';
import { startServer, type SmallServer } from '../../../src/testing/small-server.js';
import { CLUB_MEMBERS, CLUB_TOKEN, clubSystem } from '../graphql/club.js';
import { classified, testWritten, writeProject } from './write-project.js';

let server: SmallServer;
beforeEach(async () => {
  const answer = clubSystem();
  server = await startServer((request, response) => void answer(request, response));
});
afterEach(() => server.close());

async function clubDraft(): Promise<Draft> {
  const what = `${server.url}/graphql`;
  const reader = await graphqlReaderKind.open({
    source: 'club',
    target: { what, url: new URL(what) },
    environment: { CLUB_TOKEN, CLUB_URL: what },
    budget: createCallBudget({ maxCalls: 20, intervalMs: 0 }),
    questions: { keys: () => Promise.resolve([]) },
  });
  const { candidates } = await reader.look();
  const [best] = candidates;
  if (best === undefined) throw new Error('There is no candidate.');
  return (await reader.measure(best)).draft;
}

const trait = classified('TRAIT');
const CLUB: Decisions = {
  recordKey: 'clubMemberId',
  namespaces: {
    clubMemberId: { pattern: '^M-\\d{5}$', description: 'The id of a member, such as M-00000.' },
  },
  foundBy: {
    clubMemberId: { call: 'byId', uniqueness: 'enforced' },
    email: { call: 'byEmail', uniqueness: 'usual' },
  },
  yields: { email: { path: 'email', kind: 'one' }, phone: { path: 'phone', kind: 'shown' } },
  name: ['name.given', 'name.family'],
  privacy: {
    'ClubMember.id': classified('IDENTITY', 'INITIAL'),
    'ClubMember.email': classified('CONTACT', 'EMAIL'),
    'ClubMember.phone': classified('CONTACT', 'LAST_FOUR'),
    'ClubMember.nameGiven': classified('IDENTITY', 'INITIAL'),
    'ClubMember.nameFamily': classified('IDENTITY', 'INITIAL'),
    'ClubMember.status': trait,
    'ClubMember.joinedAt': trait,
    'ClubMember.birthDate': classified('TRAIT', 'YEAR'),
    'ClubMember.points': { ...trait, isRecognised: false },
    'ClubMember.clubName': classified('NONE'),
    'ClubAddress.id': { leftOutBecause: '--leave-out names it' },
    'ClubAddress.street': classified('CONTACT', 'ALL'),
    'ClubAddress.postcode': classified('CONTACT', 'INITIAL'),
    'ClubAddress.city': classified('CONTACT'),
    'ClubPayment.number': classified('TRANSACTION'),
    'ClubPayment.paidAt': classified('FINANCIAL'),
    'ClubPayment.total': classified('FINANCIAL'),
    'ClubPayment.note': { ...classified('FINANCIAL', 'ALL'), isRecognised: false },
    'ClubBadge.code': classified('TRANSACTION'),
    'ClubBadge.awardedOn': classified('TRANSACTION'),
    'ClubBadge.tags': classified('TRANSACTION'),
  },
};

describe('the files of a GraphQL system', () => {
  it(
    'are read without a problem, and break no promise of stekkerdoos test',
    { timeout: 60_000 },
    async () => {
      const written = await writeProject(await clubDraft(), CLUB);
      expect(written.project.problems).toEqual([]);
      expect(written.project.warnings).toEqual([]);
      const { promises, notTested } = await testWritten(written);
      expect(notTested).toBeUndefined();
      expect(promises.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
      expect(promises.filter(({ outcome }) => outcome === 'ok').length).toBeGreaterThan(20);
    },
  );

  it('have no value of a member', async () => {
    const { yaml, sdl, page, recording } = await writeProject(await clubDraft(), CLUB);
    const text = `${yaml}${sdl}${page}${JSON.stringify(recording)}`.toLowerCase();
    for (const { id, email, phone, name, birthDate, address } of CLUB_MEMBERS)
      for (const value of [id, email, phone, name.family, birthDate, address.street])
        expect(text).not.toContain(value.toLowerCase());
  });
});
