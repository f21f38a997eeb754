/**
 * How urgent a request is: a page that somebody looks at (`interactive`), a campaign or a robot (`automation`), or an
 * export (`bulk`). Calls that wait for a source go in this order, and overload refuses the last first.
 */
export type Priority = 'interactive' | 'automation' | 'bulk';

/** The most urgent first. */
export const PRIORITIES = ['interactive', 'automation', 'bulk'] as const satisfies readonly Priority[];
