import type { Recording } from '../../recordings/recording.js';
import type { Decisions, Draft } from '../draft.js';
import { examplesOf } from './examples.js';
import { replacePersonal } from './replace-personal.js';
import { writtenSource } from './written-source.js';

/**
 * Writes the recording of a source, with made-up personal values and with examples. `seed` decides the
 * made-up values. It must be secret: with it, others can test whether the records had a value.
 */
export function writeRecording(
  draft: Draft,
  decisions: Decisions,
  { seed, recordedAt }: { seed: number; recordedAt: string },
): Recording {
  const written = writtenSource(draft, decisions);
  const { system, calls, tables } = replacePersonal(draft, decisions, { written, seed });
  const { source, kind } = draft;
  const recorded = {
    ...{ version: 1 as const, source, kind, recordedAt, system, calls },
    ...(tables === undefined ? {} : { tables }),
  };
  return { ...recorded, examples: examplesOf(draft, decisions, { written, recorded }) };
}
