import { describe, expect, test } from 'vitest';
import { normalise } from '../../../src/identity/identifiers.js';
import { facebookUserId } from '../../../src/identity/namespaces/facebook-user-id.js';

const valueOf = (text: string): string | null => normalise(facebookUserId, text)?.value ?? null;

describe('the id of a Facebook user', () => {
  test.each(['24091234567890123', ' 24091234567890123\n'])('%j is a valid id', (text) => {
    expect(valueOf(text)).toBe('24091234567890123');
  });

  test.each(['0', '024091234567890123', '1111111111111111', '2.4e16', 'eva.jansen', '9'.repeat(21)])(
    '%j is not a valid id',
    (text) => {
      expect(valueOf(text)).toBeNull();
    },
  );
});
