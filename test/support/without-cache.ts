export { withoutCache } from '../../src/testing/without-cache.js';
