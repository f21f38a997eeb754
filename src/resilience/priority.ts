/**
 * Who goes first when calls wait for one source: a page that somebody looks at (`interactive`) before a campaign or a
 * robot (`automation`) before an export (`bulk`).
 */
export type Priority = 'interactive' | 'automation' | 'bulk';

/** First comes first. */
export const PRIORITIES = ['interactive', 'automation', 'bulk'] as const satisfies readonly Priority[];
