import { randomUUID } from 'node:crypto';

const ids = new WeakMap<Request, string>();

/**
 * The id that names a request in logs, in errors about defects and in the response: the caller's own `X-Request-Id`
 * when it is a plain one, so that ids go on from system to system, else a new one.
 */
export function requestIdOf(request: Request): string {
  let id = ids.get(request);
  if (id === undefined) {
    const given = request.headers.get('x-request-id') ?? '';
    id = /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
    ids.set(request, id);
  }
  return id;
}
