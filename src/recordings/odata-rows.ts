/** A value of OData without members of the protocol, such as links and ETags. No property has an `@` in its name. */
export function withoutProtocol(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutProtocol);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== '__metadata' && !name.includes('@'))
      .map(([name, inner]) => [name, withoutProtocol(inner)]),
  );
}
