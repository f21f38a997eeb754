import { stepsOf } from '../declared/path.js';

/** The values at a path in some objects: items of lists one by one, and no nulls. */
export function valuesAt(objects: readonly unknown[], path: string): unknown[] {
  return (stepsOf(path) ?? [])
    .reduce<readonly unknown[]>((values, step) => values.flatMap((value) => membersAt(value, step)), objects)
    .filter((value) => value != null);
}

function membersAt(value: unknown, step: string | number): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const member = (value as Readonly<Record<string | number, unknown>>)[step];
  return Array.isArray(member) ? (member as unknown[]) : [member];
}
