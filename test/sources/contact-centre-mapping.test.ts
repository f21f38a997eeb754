import { describe, expect, it } from 'vitest';
import {
  toComment,
  toCustomer,
  toOrganisation,
  toSatisfaction,
  toTicket,
} from '../../sources/contact-centre/mapping.js';
import { comment, organization, ticket, user } from '../../sources/contact-centre/wire.js';
import { SourceContractError } from '../../src/errors.js';

const moments = { created_at: '2026-10-01T12:00:00+02:00', updated_at: '2026-10-02T12:00:00Z' };
const plain = { id: 7, requester_id: 1, status: 'new', ...moments };
const ticketOf = (fields: object) => toTicket(ticket.parse({ ...plain, ...fields }));

it('a user of Zendesk has each field in its place', () => {
  const fields = {
    ...{ id: 7, name: 'Anna', email: 'a@example.nl', phone: '06', verified: true, locale: 'nl' },
    ...{ organization_id: 8, updated_at: '2026-10-02T12:00:00Z' },
  };
  const profile = { name: 'Anna', language: 'nl', updatedAt: '2026-10-02T12:00:00Z' };
  expect(toCustomer(user.parse(fields))).toEqual({
    id: '7',
    identifiers: [
      { namespace: 'email', value: 'a@example.nl', verified: true },
      { namespace: 'phone', value: '06' },
    ],
    profile,
    organisationId: '8',
  });
  expect(toCustomer(user.parse({ id: 7, email: 'a@example.nl', organization_id: null }))).toMatchObject({
    identifiers: [{ namespace: 'email', value: 'a@example.nl', verified: false }, { namespace: 'phone' }],
    profile: { name: null, language: null, updatedAt: null },
    organisationId: null,
  });
});

describe('a ticket of Zendesk', () => {
  it('has each field in its place', () => {
    const satisfaction_rating = { score: 'good', comment: 'Fine' };
    const fields = {
      ...{ subject: 'Broken', status: 'hold', priority: 'normal', via: { channel: 'email' } },
      ...{ satisfaction_rating, email_cc_ids: [3], collaborator_ids: [4], follower_ids: [5] },
    };
    expect(ticketOf(fields)).toEqual({
      ...{ source: 'contact-centre', recordId: '7', number: null, requesterId: '1', copiedIds: ['3', '4'] },
      ...{ rating: satisfaction_rating, subject: 'Broken', status: 'HOLD', statusText: 'hold', isOpen: true },
      ...{ priority: 'NORMAL', priorityText: 'normal', channel: 'email', closedAt: null },
      ...{ createdAt: '2026-10-01T10:00:00.000Z', updatedAt: '2026-10-02T12:00:00.000Z' },
    });
    expect(ticketOf({})).toMatchObject({
      ...{
        copiedIds: [],
        rating: undefined,
        subject: null,
        priority: null,
        priorityText: null,
        channel: null,
      },
    });
  });

  it.each([
    ['new', 'NEW', true],
    ['open', 'OPEN', true],
    ['pending', 'PENDING', true],
    ['hold', 'HOLD', true],
    ['solved', 'SOLVED', false],
    ['closed', 'CLOSED', false],
  ])('with the status %s is %s, and open: %j', (text, status, isOpen) => {
    expect(ticketOf({ status: text })).toMatchObject({ status, isOpen });
  });

  it.each([
    ['low', 'LOW'],
    ['normal', 'NORMAL'],
    ['high', 'HIGH'],
    ['urgent', 'URGENT'],
  ])('with the priority %s has %s', (text, priority) => {
    expect(ticketOf({ priority: text }).priority).toBe(priority);
  });

  it.each<[object, string[]]>([
    [{ email_cc_ids: [3, 2], collaborator_ids: [2, 4], follower_ids: [4, 5] }, ['3', '2']],
    [{ collaborator_ids: [2, 4, 2], follower_ids: [4] }, ['2']],
    [{ collaborator_ids: [2, 4], follower_ids: null }, ['2', '4']],
    [{ email_cc_ids: [4], follower_ids: [4] }, ['4']],
    [{ follower_ids: [4] }, []],
  ])('with %j has the copies %j', (fields, copiedIds) => {
    expect(ticketOf(fields).copiedIds).toEqual(copiedIds);
  });
});

describe('a satisfaction rating of Zendesk', () => {
  it.each<[{ score?: unknown; comment?: string | null } | null | undefined, unknown]>([
    [undefined, null],
    [null, null],
    [{}, null],
    [{ score: null }, null],
    [{ score: 'unoffered' }, null],
    [{ score: 'offered', comment: 'x' }, null],
    [{ score: 'good' }, { score: 'GOOD', comment: null }],
    [
      { score: 'good', comment: '  ' },
      { score: 'GOOD', comment: null },
    ],
    [
      { score: 'bad', comment: ' Slow ' },
      { score: 'BAD', comment: 'Slow' },
    ],
  ])('of %j is %j', (rating, expected) => {
    expect(toSatisfaction(rating)).toEqual(expected);
  });

  it.each(['best', 'GOOD', 5])('of the score %j is refused', (score) => {
    expect(() => toSatisfaction({ score })).toThrow(SourceContractError);
  });
});

it('an organisation of Zendesk has each field in its place', () => {
  const none = { website: null, kind: null, industry: null, city: null, employeeCount: null };
  const domain_names = ['a.example', 'b.example'];
  expect(toOrganisation(organization.parse({ id: 7, name: 'Bakker', domain_names }))).toEqual({
    ...{ source: 'contact-centre', recordId: '7', name: 'Bakker', domains: domain_names, ...none },
  });
  expect(toOrganisation(organization.parse({ id: 7 }))).toEqual({
    ...{ source: 'contact-centre', recordId: '7', name: null, domains: [], ...none },
  });
});

describe('a comment of Zendesk', () => {
  const commentOf = (fields: object) =>
    toComment(
      comment.parse({ id: 9, author_id: 1, public: true, created_at: moments.created_at, ...fields }),
      '1',
    );

  it.each<[object, object]>([
    [
      { plain_body: 'Plain', body: 'Body' },
      { body: 'Plain', isByCustomer: true },
    ],
    [{ plain_body: null, body: 'Body' }, { body: 'Body' }],
    [{}, { body: null }],
    [{ author_id: 2 }, { isByCustomer: false }],
    [{ author_id: 11 }, { isByCustomer: false }],
  ])('with %j is %j', (fields, expected) => {
    expect(commentOf(fields)).toMatchObject({
      ...{ source: 'contact-centre', recordId: '9', createdAt: '2026-10-01T10:00:00.000Z' },
      ...expected,
    });
  });
});
