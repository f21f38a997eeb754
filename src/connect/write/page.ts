import type { Decisions, Draft, Finding } from '../draft.js';

export function writePage(
  _draft: Draft,
  _decisions: Decisions,
  _findings: readonly Finding[],
  _measuredAt: Date,
): string {
  throw new Error('placeholder');
}
