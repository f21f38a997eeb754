import { pageSize } from '../../connection.js';

export interface Segment {
  /** The field with its arguments, as text. */
  text: string;
  /** The maximum number of items in the field, from its `first`. */
  items: number | undefined;
}

/** A vendor's cursor is part of the request's text, so only characters that cannot end a string are accepted. */
export const VENDOR_CURSOR = /^[\w+/=:-]{1,1000}$/;

/** Splits a path at its dots, and replaces `$name` by the value of the field's argument. */
export function parsePath(path: string, args: Readonly<Record<string, unknown>>): Segment[] {
  return (path.match(/[^.(]+(\([^)]*\))?/g) ?? []).map((segment) => {
    const text = segment.replace(/(?<=: )\$(\w+)/g, (whole, name: string) => {
      const value = args[name];
      if (name === 'first' && typeof value === 'number') pageSize(value);
      // Only numbers, booleans and cursors are written into the text, because they cannot end it. Other values are sent as variables.
      if (typeof value === 'number' || typeof value === 'boolean') return String(value);
      if (typeof value === 'string' && VENDOR_CURSOR.test(value)) return `"${value}"`;
      return name in args ? 'null' : whole;
    });
    const first = /\bfirst: (\d+)/.exec(text)?.[1];
    return { text, items: first === undefined ? undefined : Number(first) };
  });
}

/** The steps from the value of the first field to the value of the path. */
export function stepsBelow(segments: readonly Segment[]): (string | number)[] {
  return segments.slice(1).map(({ text }) => (/^\d+$/.test(text) ? Number(text) : text.replace(/\(.*/s, '')));
}

/** A path to a leaf. All steps before it are objects. */
export function objectsIn(path: string): number {
  return path.split('.').length - 1;
}
