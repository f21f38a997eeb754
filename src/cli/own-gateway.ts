import { randomUUID } from 'node:crypto';
import type { ExecutionResult } from '@graphql-tools/utils';
import { sources } from '../../sources/index.js';
import type { Wanted } from '../cache/freshness.js';
import type { Caller } from '../context/caller.js';
import { ROLES } from '../context/roles.js';
import { InvalidInputError } from '../errors.js';
import { createGateway, type Gateway } from '../gateway.js';
import { UNLIMITED } from '../operation/cost-limits.js';
import { createLogger } from '../telemetry/logger.js';

/**
 * The operator at the command line. Whoever can start a process with the secrets of the gateway may do all; what
 * customers ask of their own data is bound to none of the purposes that it was gathered for.
 */
function operator(): Caller {
  const { scopes, purposes, operations, sees, findsBy } = ROLES.operator;
  return {
    name: 'command line',
    roles: ['operator'],
    scopes,
    purposes,
    operations,
    sees,
    findsBy,
    priority: 'automation',
    maxCost: UNLIMITED,
    costPerMinute: UNLIMITED,
    origins: [],
  };
}

/** A command has time. */
const DEADLINE_MS = 60_000;

export interface OwnGateway extends Gateway {
  /** Answers an operation for the operator. */
  ask(
    document: string,
    variables: Readonly<Record<string, unknown>>,
    wanted?: Wanted,
  ): Promise<ExecutionResult>;
}

/**
 * A gateway with the settings of those that are running, without a port.
 */
export function openOwnGateway(): OwnGateway {
  const gateway = createGateway({
    sources,
    // A log is written by one process alone, so the command line has one of its own.
    auditSuffix: '.command-line',
    // What is printed is for the operator, and the log of the running gateways lies elsewhere.
    logger: createLogger('silent'),
  });
  const caller = operator();
  return {
    ...gateway,
    ask: async (document, variables, wanted = {}) => {
      const { result } = await gateway.prepare(document)(caller, {
        requestId: randomUUID(),
        variables,
        wanted,
        shouldReportSources: true,
        deadlineMs: DEADLINE_MS,
      });
      return result;
    },
  };
}

/** The identifier of `--by email=...`. With `-` for its value that is read from standard input, so that no list of processes shows it. */
export async function readBy(text: string): Promise<{ namespace: string; value: string }> {
  const at = text.indexOf('=');
  const [namespace, given] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || given === '')
    throw new InvalidInputError(
      '--by must be <kind>=<value>, such as email=... or customerNumber=...; <kind>=- reads the value from standard input.',
    );
  const value = given === '-' ? await readStandardInput() : given;
  return { namespace, value: value.trim() };
}

async function readStandardInput(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin) text += String(chunk);
  return text;
}
