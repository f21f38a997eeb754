import { describe, expect, test } from 'vitest';
import { normalise } from '../../../src/identity/identifiers.js';
import { visitorId } from '../../../src/identity/namespaces/visitor-id.js';

const valueOf = (text: string): string | null => normalise(visitorId, text)?.value ?? null;

describe('the id of a visitor', () => {
  test.each([
    ['0B3F1C52-6E4A-4D5B-9C1E-8F2A7D6B5C4E', '0b3f1c52-6e4a-4d5b-9c1e-8f2a7d6b5c4e'],
    [' 0b3f1c52-6e4a-4d5b-9c1e-8f2a7d6b5c4e\u200b', '0b3f1c52-6e4a-4d5b-9c1e-8f2a7d6b5c4e'],
    ['GA1.2.123456789.1234567890', 'GA1.2.123456789.1234567890'],
    ['aBcDeF', 'aBcDeF'],
    // A repeated digit is a placeholder only in a UUID.
    ['77777777', '77777777'],
  ])('%j is normalised to %s', (text, expected) => {
    expect(valueOf(text)).toBe(expected);
  });

  test.each([
    '00000000-0000-0000-0000-000000000000',
    'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
    'anonymous',
    '0',
    'two words',
    'é',
    'v'.repeat(201),
    '0b3f1c52-6e4a-4d5b-9c1e-8f2a7d6b5c4e\u0000',
  ])('%j is not a valid id', (text) => {
    expect(valueOf(text)).toBeNull();
  });

  test('never links to another system, because people share devices', () => {
    expect(visitorId.mayLink?.('aBcDeF')).toBe(false);
  });
});
