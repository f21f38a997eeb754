/** `stekkerdoos/testing` tests a source. It needs Vitest. */

// The contract that every source must meet
export { describeSource, type SourceContractOptions } from './source-contract.js';
export { endedCalls } from './ended-calls.js';
export type {
  AnsweredOperation as AnsweredQuestion,
  ExpectedError,
  HttpPeculiarities,
  NonHttpPeculiarities,
  SystemState,
  ClientOperation as Question,
  SourceSubject,
  SystemAnswer,
} from './source-subject.js';
export { hostileKeys } from '../recordings/hostile-keys.js';

// A gateway without a port
export { createTestGateway, LONG_TIMEOUT, type Answer, type TestGateway } from './test-gateway.js';

// Imitated systems, and faults in front of them
export {
  createFaultControl,
  type ConditionChange,
  type FaultControl,
} from '../../sources/stand-ins/fault-control.js';
export type { StandIn } from '../../sources/stand-ins/world.js';
export { sendJson, sendWithoutEnd, startServer, type SeenRequest, type SmallServer } from './small-server.js';
