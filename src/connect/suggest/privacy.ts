import type { Decisions, Draft, Finding } from '../draft.js';

/** PLACEHOLDER */
export function suggestPrivacy({ customer, types }: Draft): {
  privacy: Decisions['privacy'];
  findings: readonly Finding[];
} {
  const privacy: Record<string, Decisions['privacy'][string]> = {};
  for (const type of [customer, ...Object.values(types)])
    for (const { name } of type.fields)
      privacy[`${type.name}.${name}`] = {
        category: 'TRAIT',
        purposes: ['SERVICE'],
        scopes: [['profile:read']],
        isRecognised: false,
        evidence: 'none',
      };
  return { privacy, findings: [] };
}
