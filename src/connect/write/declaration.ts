import type { Decisions, Draft } from '../draft.js';

export function writeDeclaration(_draft: Draft, _decisions: Decisions): string {
  throw new Error('placeholder');
}
