import shared from './vitest.config.js';

// These need Chromium, so `npm test` leaves them out.
export default {
  ...shared,
  test: { ...shared.test, include: ['test/browser/*.browser.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
};
