export type { SystemState, SystemAnswer } from '../../src/testing/source-subject.js';
