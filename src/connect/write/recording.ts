import type { Recording } from '../../recordings/recording.js';
import type { Decisions, Draft } from '../draft.js';

/** PLACEHOLDER */
export function writeRecording(
  draft: Draft,
  _decisions: Decisions,
  { recordedAt }: { seed: number; recordedAt: string },
): Recording {
  return {
    version: 1,
    source: draft.source,
    kind: draft.kind,
    recordedAt,
    system: draft.system ?? {},
    calls: Object.fromEntries(
      Object.entries(draft.calls).flatMap(([n, { recorded }]) => (recorded ? [[n, recorded]] : [])),
    ),
    ...(draft.tables ? { tables: draft.tables } : {}),
    examples: [],
  } as Recording;
}
