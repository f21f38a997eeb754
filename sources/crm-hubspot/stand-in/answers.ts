import { randomUUID } from 'node:crypto';
import type { HttpAnswer } from '../../stand-ins/http.js';

export function ok(body: unknown): HttpAnswer {
  return { status: 200, body: JSON.stringify(body) };
}

export interface PartialFailure {
  status: 'error';
  category: string;
  subCategory?: string;
  message: string;
  context: Record<string, string[]>;
}

/** Status 200 if all requested records were found, otherwise 207 with the missing ids. */
export function batchAnswer(
  results: readonly unknown[],
  errors: readonly PartialFailure[],
  startedAt: Date,
): HttpAnswer {
  const body = {
    status: 'COMPLETE',
    results,
    ...(errors.length > 0 && { numErrors: errors.length, errors }),
    startedAt: startedAt.toISOString(),
    completedAt: new Date().toISOString(),
  };
  return { status: errors.length > 0 ? 207 : 200, body: JSON.stringify(body) };
}

export function failure(
  status: number,
  category: string,
  message: string,
  context?: Record<string, string[]>,
): HttpAnswer {
  const body = {
    status: 'error',
    message,
    correlationId: randomUUID(),
    ...(context !== undefined && { context }),
    category,
  };
  return { status, body: JSON.stringify(body) };
}

export function invalid(message: string, context?: Record<string, string[]>): HttpAnswer {
  return failure(400, 'VALIDATION_ERROR', message, context);
}

export function notFound(): HttpAnswer {
  return failure(404, 'OBJECT_NOT_FOUND', 'resource not found');
}

export function tooMany(policy: 'TEN_SECONDLY_ROLLING' | 'SECONDLY' | 'DAILY'): HttpAnswer {
  const body = {
    status: 'error',
    message: `You have reached your ${policy.toLowerCase()} limit.`,
    errorType: 'RATE_LIMIT',
    correlationId: randomUUID(),
    policyName: policy,
  };
  return { status: 429, body: JSON.stringify(body) };
}

/** The answer to a request that the real system supports, but not this imitation. */
export function notImitated(what: string): HttpAnswer {
  return failure(501, 'NOT_IMITATED', `This stand-in does not imitate ${what}`);
}
