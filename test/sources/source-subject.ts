export type { OwnState, SystemAnswer } from '../../src/testing/source-subject.js';
