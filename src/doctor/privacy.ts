import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { GatewayConfig } from '../config.js';
import { HeadError } from '../privacy/audit-head.js';
import { verifyAudit } from '../privacy/audit-verify.js';
import { codeOf, type Finding } from './finding.js';

type PrivacyConfig = Pick<GatewayConfig, 'auditFile' | 'auditSecret' | 'workers' | 'suppressionFile'>;

/** The audit files: each worker has its own. */
export function auditFiles({ auditFile, workers }: Pick<PrivacyConfig, 'auditFile' | 'workers'>): string[] {
  if (auditFile === undefined) return [];
  return workers === 1
    ? [auditFile]
    : Array.from({ length: workers }, (_, i) => `${auditFile}.worker-${i + 1}`);
}

/** Checks that an audit file can be written, and that none of its lines is missing or changed. */
export async function auditFindings(file: string, { auditSecret }: PrivacyConfig): Promise<Finding[]> {
  const problem = (seen: string, remedy: string, severity: Finding['severity'] = 'error'): Finding[] => [
    { check: 'audit', severity, where: `AUDIT_FILE ${file}`, seen, remedy },
  ];
  try {
    const exists = existsSync(file);
    accessSync(exists ? file : dirname(file), constants.W_OK);
    if (!exists) return [];
    // Older files of the log may have been archived.
    const { problems, problemsOmitted, endIsKnown, lines } = await verifyAudit([file], {
      secret: auditSecret,
      fromBeginning: false,
    });
    const [first] = problems;
    if (first === undefined)
      return endIsKnown || lines === 0
        ? []
        : problem(
            'The file has no head beside it, so missing lines at its end cannot be found.',
            'Restore the head file from the backup. The gateway writes a new one with its next line.',
            'warning',
          );
    return problem(
      `${problems.length + problemsOmitted} lines are missing or changed, the first at line ${first.line}: ${first.damage}.`,
      'Check that AUDIT_SECRET is the secret of these lines. Then find out who wrote to the file: stekkerdoos audit verify names each line.',
    );
  } catch (error) {
    if (error instanceof HeadError)
      return problem('The head of the log cannot be read.', 'Restore the head file from the backup.');
    return problem(
      `The file or its folder cannot be used${codeOf(error)}.`,
      'Create the folder, and let the user of the gateway write to it. Without it, no personal data is returned.',
    );
  }
}

/** Checks that the suppression list can be read and written. */
export async function suppressionFindings(
  { suppressionFile }: PrivacyConfig,
  state: (() => Promise<'up' | 'down'>) | undefined,
): Promise<Finding[]> {
  if (state === undefined) return [];
  const problem = (where: string, seen: string, remedy: string): Finding[] => [
    { check: 'suppression list', severity: 'error', where, seen, remedy },
  ];
  if ((await state()) === 'down')
    return problem(
      'REDIS_URL',
      'The suppression list in Redis cannot be read, so no customer is shown.',
      'Check Redis, and that ID_SECRET is the secret of the list.',
    );
  if (suppressionFile === undefined) return [];
  try {
    accessSync(suppressionFile, constants.W_OK);
    return [];
  } catch (error) {
    return problem(
      'SUPPRESSION_FILE',
      `The file cannot be written${codeOf(error)}, so no customer can be erased.`,
      'Let the user of the gateway write to the file.',
    );
  }
}
