import type { Recording } from '../../recordings/recording.js';
import type { Decisions, Draft } from '../draft.js';

export function writeRecording(
  _draft: Draft,
  _decisions: Decisions,
  _options: { seed: string; recordedAt: string },
): Recording {
  throw new Error('placeholder');
}
