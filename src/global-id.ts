/**
 * An id for the field `id: ID!` that is unique over all types, as caches of clients need it: the type's name
 * and the object's key in its system. Opaque to clients, but not encrypted: the key must not be masked or
 * secret. The same object always has the same id.
 */
export function globalId(type: string, ...key: readonly string[]): string {
  return Buffer.from(JSON.stringify([type, ...key])).toString('base64url');
}
