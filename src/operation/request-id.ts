import { randomUUID } from 'node:crypto';
import { stateOf, type RequestHead } from './request-state.js';

const MAX_CHARACTERS = 64;

/** The id of what is done for an event: an event's own id is its system's text, of any length. */
export function requestIdOfEvent({ source, id }: { source: string; id: string }): string {
  return `${source}-${id.replace(/[^\w.-]/g, '_')}`.slice(0, MAX_CHARACTERS);
}

/**
 * The id that names a request in logs, in errors about defects and in the response: the caller's own `X-Request-Id`
 * when it is a plain one, so that ids go on from system to system, else a new one.
 */
export function requestIdOf(request: RequestHead): string {
  const state = stateOf(request);
  if (state.id === undefined) {
    const given = request.headers.get('x-request-id') ?? '';
    state.id = /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
  }
  return state.id;
}
