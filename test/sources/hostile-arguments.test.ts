import { describe, expect, it } from 'vitest';
import { toNameFilter } from '../../sources/clickstream/loaders.js';
import { positionOfCursor } from '../../sources/contact-centre/loaders.js';
import { readCursor } from '../../sources/facebook/walk.js';
import { encodeCursor } from '../../src/connection.js';

// Requests of several callers share a batch. So an argument that would make the call invalid is refused before it.
const refused = expect.objectContaining({ code: 'BAD_USER_INPUT' }) as Error;

describe('an argument that would make a call invalid', () => {
  it.each(['.', '..'])('is refused: "%s" as a cursor of Meta', (page) => {
    const after = encodeCursor('Conversation.messages', [page, '2026-11-01T12:00:00Z', 'm_1']);
    expect(() => readCursor('Conversation.messages', after)).toThrow(refused);
  });

  it('is not found in other cursors of Meta, which are accepted', () => {
    const after = encodeCursor('Conversation.messages', ['QVFI.x', '2026-11-01T12:00:00Z', 'm_1']);
    expect(readCursor('Conversation.messages', after)).toEqual({
      page: 'QVFI.x',
      at: '2026-11-01T12:00:00Z',
      id: 'm_1',
    });
  });

  it.each(['', '-1', '1.5', 'x', '1000'])(
    'is refused: "%s" as the position of a comment on its page',
    (skip) => {
      const after = encodeCursor('Ticket.comments 7', ['', skip]);
      expect(() => positionOfCursor('7', after)).toThrow(refused);
    },
  );

  it('is refused: a cursor of the comments of another ticket', () => {
    const after = encodeCursor('Ticket.comments 7', ['c1', '2']);
    expect(positionOfCursor('7', after)).toEqual({ page: 'c1', skip: 2 });
    expect(() => positionOfCursor('8', after)).toThrow(refused);
  });

  it.each([
    ['a NUL', 'page_view\0'],
    ['a lone surrogate', 'page_view\ud800'],
  ])('is refused: the name of an event with %s', (_, name) => {
    expect(() => toNameFilter(['add_to_cart', name])).toThrow(refused);
    expect(toNameFilter(['page_view', 'add_to_cart'])).toEqual(['add_to_cart', 'page_view']);
  });
});
