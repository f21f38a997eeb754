import { REMEDIES, type FailureKind } from '../diagnosis.js';
import { SourceError } from '../errors.js';
import type { FailureReport } from '../telemetry/source-failures.js';

/**
 * `error`: a part of the installation does not work or is not safe. `warning`: it works, but may soon fail.
 */
export type Severity = 'error' | 'warning';

/** A problem of the installation. It contains no secret and no personal value. */
export interface Finding {
  check: string;
  severity: Severity;
  /** The source, setting or file. */
  where: string;
  seen: string;
  remedy: string;
}

/** The check that reports each kind of failure of a system. All other kinds belong to `reachability`. */
const CHECK_OF_KIND: Partial<Record<FailureKind, string>> = {
  certificate: 'certificates',
  credentials: 'credentials',
  'token-refused': 'credentials',
  forbidden: 'permissions',
  'missing-grant': 'permissions',
  'table-scan': 'indexes',
  'rate-limited': 'quotas',
  'own-limit': 'quotas',
  'no-room': 'quotas',
  'missing-table': 'contract',
  'missing-column': 'contract',
  'wrong-format': 'contract',
  'wrong-shape': 'contract',
  'wrong-record': 'contract',
  'graphql-error': 'contract',
  'not-found': 'contract',
  'request-refused': 'contract',
  incomplete: 'contract',
  'too-large': 'contract',
};

/** Returns the finding of a failed call to a system. */
export function failedCall(where: string, error: unknown): Finding {
  if (error instanceof SourceError) {
    const { kind, requested, received } = error.failure;
    return failure({ source: where, kind, requested, received, remedy: REMEDIES[kind] });
  }
  return {
    check: 'reachability',
    severity: 'error',
    where,
    // The message of an unexpected error may quote values.
    seen: `A call failed with an unexpected ${error instanceof Error ? error.name : 'error'}${codeOf(error)}.`,
    remedy: 'Check the settings of the source. If they are correct, report a defect of the source.',
  };
}

/** Returns the finding of a reported failure. */
export function failure({
  source,
  kind,
  requested,
  received,
  remedy,
}: Pick<FailureReport, 'source' | 'kind' | 'requested' | 'received' | 'remedy'>): Finding {
  const { mismatches = [], ...codes } = received;
  const request = [requested.method, requested.path, requested.operation, requested.tables?.join(', ')];
  const parts = [
    request.filter((part) => part !== undefined).join(' '),
    ...Object.entries(codes).flatMap(([name, value]) =>
      value === undefined ? [] : `${name} ${String(value)}`,
    ),
    ...mismatches.map(({ path, expected }) => `${path} is not ${expected}`),
  ].filter((part) => part !== '');
  return {
    check: CHECK_OF_KIND[kind] ?? 'reachability',
    severity: 'error',
    where: source,
    seen: `A call failed: ${kind}${parts.length === 0 ? '' : ` (${parts.join('; ')})`}.`,
    remedy,
  };
}

/** The code of an error of Node.js or a driver, such as ECONNREFUSED or 28P01, with a leading space. */
export function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[A-Z\d_]{2,40}$/.test(code) ? ` ${code}` : '';
}
