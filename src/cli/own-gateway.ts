import { randomUUID } from 'node:crypto';
import type { ExecutionResult } from '@graphql-tools/utils';
import type { Wanted } from '../cache/freshness.js';
import type { Caller, RolePermissions } from '../context/caller.js';
import { purposeNamed } from '../context/purpose.js';
import { ROLES } from '../context/roles.js';
import type { Purpose } from '../customer/schema.generated.js';
import { didYouMean } from '../did-you-mean.js';
import { InvalidInputError } from '../errors.js';
import { createGateway, type Gateway, type GatewayOptions } from '../gateway.js';
import { UNLIMITED } from '../operation/cost-limits.js';
import { readOptions } from '../process/options.js';
import { createLogger } from '../telemetry/logger.js';

/**
 * The operator at the command line. A person who can start a process with the secrets of the gateway has all permissions. A
 * customer's request about their own data is not limited to the purposes of the data.
 */
function operator(scopes: readonly string[]): Caller {
  const { purposes, operations, sees, findsBy, priority } = ROLES.operator;
  return commandLine('operator', {
    ...{ purposes, operations, sees, findsBy, priority },
    scopes: new Set(scopes.filter((scope) => scope !== 'me:read')),
  });
}

/** The command line with the permissions of a role. It can wait and has no cost budget. */
function commandLine(role: string, permissions: Omit<RolePermissions, 'maxCost' | 'costPerMinute'>): Caller {
  return {
    ...permissions,
    name: 'command line',
    roles: [role],
    priority: 'automation',
    maxCost: UNLIMITED,
    costPerMinute: UNLIMITED,
    origins: [],
  };
}

/** Deadline of a request of a command, which can wait longer than a page. */
const DEADLINE_MS = 60_000;

export interface OwnGateway extends Gateway {
  /** Executes an operation for the operator. */
  query(
    document: string,
    variables: Readonly<Record<string, unknown>>,
    wanted?: Wanted,
  ): Promise<ExecutionResult>;
  /** Executes an operation with the permissions of a caller that `callerAs` returns. */
  queryAs(
    caller: Caller,
    document: string,
    variables: Readonly<Record<string, unknown>>,
    wanted?: Wanted,
  ): Promise<ExecutionResult>;
}

/**
 * Creates a gateway without a port. Default: with the settings of the running gateways.
 */
export async function openOwnGateway(
  options?: GatewayOptions,
  changes: Pick<GatewayOptions, 'logger' | 'readsOnly' | 'auditSuffix'> = {},
): Promise<OwnGateway> {
  const gateway = createGateway({
    ...(options ?? (await readOptions())),
    // Only one process may write an audit file, so the command line has a separate one.
    auditSuffix: '.command-line',
    // Standard output has only the result of the command.
    auditStream: 'stderr',
    // The operator reads this output, not the log of the running gateways.
    logger: createLogger('silent'),
    ...changes,
  });
  const queryAs: OwnGateway['queryAs'] = async (caller, document, variables, wanted = {}) => {
    const { result } = await gateway.prepare(document)(caller, {
      requestId: randomUUID(),
      variables,
      wanted,
      shouldReportSources: true,
      deadlineMs: DEADLINE_MS,
    });
    return result;
  };
  const caller = operator(gateway.scopes);
  return { ...gateway, queryAs, query: (...request) => queryAs(caller, ...request) };
}

/**
 * The caller of a command with `--role` and `--purpose`: the command line with the permissions of that role, for that purpose.
 * Without a purpose: the default purpose of the role.
 */
export function callerAs({ roles }: Pick<Gateway, 'roles'>, role: string, purpose?: string): Caller {
  const permissions = roles.get(role);
  if (permissions === undefined) {
    const names = [...roles.keys()];
    throw new InvalidInputError(
      `There is no role "${role}".${didYouMean(role, names)} The roles are ${names.join(', ')}.`,
    );
  }
  const { purposes, defaultPurpose } = permissions;
  const wanted: Purpose | undefined = purpose === undefined ? defaultPurpose : purposeNamed(purpose);
  if (wanted === undefined || !purposes.includes(wanted))
    throw new InvalidInputError(
      `The role "${role}" has no such purpose. Its purposes are ${purposes.join(', ')}.`,
    );
  return { ...commandLine(role, permissions), defaultPurpose: wanted };
}

/** Parses `--by email=...`. The value `-` reads standard input, so that the process list does not show the identifier. */
export async function readBy(text: string, option = '--by'): Promise<{ namespace: string; value: string }> {
  const at = text.indexOf('=');
  const [namespace, valueOrDash] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || valueOrDash === '')
    throw new InvalidInputError(
      `${option} must be <kind>=<value>, such as email=... or customerNumber=...; <kind>=- reads the value from standard input.`,
    );
  const value = valueOrDash === '-' ? await readStandardInput() : valueOrDash;
  return { namespace, value: value.trim() };
}

export async function readStandardInput(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin) text += String(chunk);
  return text;
}
