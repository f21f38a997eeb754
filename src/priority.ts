/**
 * The urgency of a request: a page that a person waits for (`interactive`), a campaign or a robot (`automation`), or an export
 * (`bulk`). Queued calls to a source are dispatched in this order. Under overload, `bulk` is refused first.
 */
export type Priority = 'interactive' | 'automation' | 'bulk';

/** All priorities, the most urgent first. */
export const PRIORITIES = ['interactive', 'automation', 'bulk'] as const satisfies readonly Priority[];
