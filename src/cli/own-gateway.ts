import { sources } from '../../sources/index.js';
import { GATEWAY_SETTINGS } from '../config.js';
import type { Caller } from '../context/caller.js';
import { ROLES } from '../context/roles.js';
import { InvalidInputError } from '../errors.js';
import { createGateway, type Gateway } from '../gateway.js';
import { SettingsReader } from '../settings.js';
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
    maxCost: Number.MAX_SAFE_INTEGER,
    costPerMinute: Number.MAX_SAFE_INTEGER,
    origins: [],
  };
}

/**
 * A gateway with the settings of those that are running, without a port. It has time: what must be in place for
 * callers who wait, and against those who mean harm, is left out.
 */
export function openOwnGateway(): Gateway {
  const auditFile = new SettingsReader(process.env).read(GATEWAY_SETTINGS.auditFile);
  return createGateway({
    sources,
    environment: {
      ...process.env,
      DEADLINE_MS: '60000',
      MAX_DELAY_MS: '60000',
      MAX_DEPTH: '100',
      MAX_TOKENS: '100000',
      // A log is written by one process alone, so the command line has one of its own.
      AUDIT_FILE: auditFile === undefined ? '' : `${auditFile}.command-line`,
      AUDIT_FILE_FILE: '',
    },
    // What is printed is for the operator, and the log of the running gateways lies elsewhere.
    logger: createLogger('silent'),
    caller: operator(),
  });
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
