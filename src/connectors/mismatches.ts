import type { z } from 'zod';

/**
 * The first places where an answer does not match its schema, with the expected type. `from`: index of the first item, if
 * only a part of a list was checked.
 */
const MAX_MISMATCHES = 5;

export function mismatchesOf(
  issues: readonly z.core.$ZodIssue[],
  from = 0,
): { path: string; expected: string }[] {
  return issues.slice(0, MAX_MISMATCHES).map((issue) => {
    const [first, ...rest] = issue.path;
    const path = first === undefined ? [] : [typeof first === 'number' ? first + from : first, ...rest];
    return { path: path.map(String).join('.') || '(top)', expected: expectedOf(issue) };
  });
}

function expectedOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected;
    case 'invalid_format':
      return `text of the format ${issue.format}`;
    case 'invalid_value':
      return `one of ${issue.values.length} values`;
    default:
      return issue.code.replaceAll('_', ' ');
  }
}
