import { describe, expect, it } from 'vitest';
import { envelopeOf } from '../../../src/connect/rest/answers.js';

describe('the envelope of an answer, for a recording', () => {
  it('has no rows, no texts, and no number that may be an id or a time', () => {
    const answer = {
      data: { members: [{ email: 'anna@example.nl' }], total: 12, isLast: true },
      next: 'https://club.example/members?after=anna@example.nl',
      at: 1_764_720_000,
      others: ['anna@example.nl'],
    };
    expect(envelopeOf(answer, 'data.members')).toEqual({
      data: { members: [], total: 12, isLast: true },
      next: '',
      at: 0,
      others: [],
    });
  });

  it.each([
    ['the answer is the row', { email: 'anna@example.nl' }, undefined],
    ['the answer is the list', [{ email: 'anna@example.nl' }], '.'],
  ])('does not exist if %s', (_, answer, rows) => {
    expect(envelopeOf(answer, rows)).toBeUndefined();
  });
});
