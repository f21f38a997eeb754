/**
 * Shopify's global ids. The number can be up to 2^64 and is stored as text, because a JavaScript number would
 * round it.
 */

export interface Gid {
  type: string;
  id: string;
}

export function gid(type: string, id: string): string {
  return `gid://shopify/${type}/${id}`;
}

/** Some ids have a query after the number, such as `?model_name=CustomerAddress` of an address. */
const pattern = /^gid:\/\/shopify\/([A-Za-z]+)\/(\d+)(?:\?.*)?$/;

export function parseGid(text: string): Gid | undefined {
  const [, type, id] = pattern.exec(text) ?? [];
  return type === undefined || id === undefined ? undefined : { type, id };
}

/** Sorts ids by their numbers. */
export function compareIds(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}
