import { describe, expect, it } from 'vitest';
import { toConversation, toFormSubmission, toMessage, toUser } from '../../sources/facebook/mapping.js';
import { conversation, form, lead, message, nextCursor, user } from '../../sources/facebook/wire.js';

const moment = '2026-10-01T12:00:00+0200';
const utc = '2026-10-01T10:00:00.000Z';

describe('a user of Facebook', () => {
  it('has each field in its place', () => {
    const fields = {
      name: 'A. Vries',
      first_name: 'Anna',
      last_name: 'Vries',
      profile_pic: 'p',
      locale: 'nl_NL',
    };
    const profile = { name: 'A. Vries', language: 'nl-NL' };
    const item = { recordId: '7', firstName: 'Anna', lastName: 'Vries', pictureUrl: 'p' };
    expect(toUser(user.parse({ id: '7', ...fields }))).toEqual({
      ...{ id: '7', identifiers: [], profile, facebookProfile: { ...item, ...profile } },
    });
  });

  it.each<[object, object]>([
    [{}, { name: null, firstName: null, lastName: null, pictureUrl: null, language: null }],
    [{ first_name: 'Anna', last_name: 'Vries' }, { name: 'Anna Vries' }],
    [{ last_name: 'Vries' }, { name: 'Vries', firstName: null }],
    [{ locale: 'nl' }, { language: 'nl' }],
  ])('with only %j has %j', (fields, expected) => {
    const { profile, facebookProfile } = toUser(user.parse({ id: '7', ...fields }));
    expect(facebookProfile).toMatchObject(expected);
    expect(profile).toEqual({ name: facebookProfile.name, language: facebookProfile.language });
  });
});

it('a conversation of Facebook has each field in its place', () => {
  const counts = { message_count: 5, unread_count: 0, can_reply: false };
  const plain = { id: 't', updated_time: moment };
  expect(toConversation(conversation.parse({ ...plain, link: '/inbox/1?a=2', ...counts }), '7')).toEqual({
    ...{ recordId: 't', userId: '7', url: 'https://www.facebook.com/inbox/1?a=2', updatedAt: utc },
    ...{ messageCount: 5, unreadCount: 0, canReply: false },
  });
  expect(toConversation(conversation.parse(plain), '7')).toEqual({
    ...{ recordId: 't', userId: '7', url: null, updatedAt: utc },
    ...{ messageCount: null, unreadCount: null, canReply: null },
  });
});

it.each<[object, object]>([
  [
    { message: 'Hi', from: { id: '7' } },
    { text: 'Hi', isByCustomer: true },
  ],
  [
    { message: '', from: { id: '77' } },
    { text: null, isByCustomer: false },
  ],
  [
    { message: null, from: null },
    { text: null, isByCustomer: false },
  ],
])('a message of Facebook with %j has %j', (fields, expected) => {
  expect(toMessage(message.parse({ id: 'm', created_time: moment, ...fields }), '7')).toEqual({
    ...{ recordId: 'm', createdAt: utc, ...expected },
  });
});

it('a form submission of Facebook has each field in its place, and the addresses of two questions', () => {
  const field_data = [
    { name: 'email', values: [' A@Example.nl ', 'b@example.nl'] },
    { name: 'size', values: ['c@example.nl'] },
    { name: 'work_email', values: ['D@example.nl'] },
    { name: 'colour', values: null },
  ];
  const plain = { id: 'l', created_time: moment };
  expect(
    toFormSubmission(
      lead.parse({ ...plain, form_id: 'f', campaign_name: 'Spring', field_data }),
      form.parse({ id: 'f', name: 'Contact' }),
    ),
  ).toEqual({
    ...{ recordId: 'l', formName: 'Contact', campaign: 'Spring', submittedAt: utc },
    answers: [
      { question: 'email', values: [' A@Example.nl ', 'b@example.nl'] },
      { question: 'size', values: ['c@example.nl'] },
      { question: 'work_email', values: ['D@example.nl'] },
      { question: 'colour', values: [] },
    ],
    emails: ['a@example.nl', 'b@example.nl', 'd@example.nl'],
  });
  expect(toFormSubmission(lead.parse(plain), form.parse({ id: 'f' }))).toEqual({
    ...{ recordId: 'l', formName: null, campaign: null, submittedAt: utc, answers: [], emails: [] },
  });
});

it.each<[object | null | undefined, string | null]>([
  [undefined, null],
  [null, null],
  [{ cursors: { after: 'c' } }, null],
  [{ cursors: { after: 'c' }, next: 'https://graph.example' }, 'c'],
  [{ next: 'https://graph.example' }, null],
])('the next page after one with the paging %j is at %j', (paging, cursor) => {
  expect(nextCursor({ data: [], paging })).toBe(cursor);
});
