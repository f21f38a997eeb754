import type { Decisions, Draft, Finding } from '../draft.js';

/** PLACEHOLDER */
export function writePage(
  draft: Draft,
  _decisions: Decisions,
  findings: readonly Finding[],
  measuredAt: Date,
): string {
  return `# ${draft.source}\n\nMeasured ${measuredAt.toISOString()}\n\n${findings.map(({ text }) => `- ${text}`).join('\n')}\n`;
}
