import { describeSource as describeContract } from '../../src/testing/source-contract.js';
import type { SourceSubject } from '../../src/testing/source-subject.js';
import { createTestGateway } from '../support/gateway.js';
import { faultControl } from '../support/stand-ins.js';

export { endedCalls } from '../../src/testing/ended-calls.js';

/** Tests the contract of every source, with the stand-ins and the HTTP front of this run. */
export function describeSource(subject: SourceSubject): void {
  describeContract(subject, { faultControl: () => faultControl(), createGateway: createTestGateway });
}
