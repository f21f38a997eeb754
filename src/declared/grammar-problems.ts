import { z } from 'zod';
import { didYouMean } from '../did-you-mean.js';
import type { Place, Report } from './problems.js';

const KNOWN_MEMBERS = 'known members: ';

/** An object with these members and no others. */
export function members<S extends z.core.$ZodLooseShape>(shape: S, what = 'must be a map of members') {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? `${KNOWN_MEMBERS}${known.join(' ')}` : what),
  });
}

/** Reports the issues of a value that does not have the declared shape. */
export function reportIssues(
  issues: readonly z.core.$ZodIssue[],
  value: unknown,
  report: Report,
  start: Place = [],
): void {
  for (const issue of issues) {
    const place = [...start, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
    if (issue.code === 'unrecognized_keys') {
      const known = issue.message.startsWith(KNOWN_MEMBERS)
        ? issue.message.slice(KNOWN_MEMBERS.length).split(' ')
        : [];
      for (const key of issue.keys) {
        const nearest = didYouMean(key, known).trim();
        report(
          [...place, key],
          `"${key}" is not known here.`,
          nearest === '' ? `Known are: ${known.join(', ')}.` : nearest,
        );
      }
      continue;
    }
    if (issue.code === 'invalid_union') {
      const nearest = issue.errors.find((option) =>
        option.every(({ code, path }) => path.length > 0 || code === 'unrecognized_keys'),
      );
      if (nearest !== undefined) {
        reportIssues(nearest, value, report, place);
        continue;
      }
    }
    const name = place.length === 0 ? 'The file' : `"${place.join('.')}"`;
    const isMissing = valueAt(value, place) === undefined;
    // For keys of maps, zod wraps the issue of the key.
    const message =
      issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
    report(place, `${name} is ${isMissing ? 'missing' : 'invalid'}.`, `It ${message}.`);
  }
}

function valueAt(value: unknown, place: Place): unknown {
  return place.reduce<unknown>(
    (at, member) =>
      typeof at === 'object' && at !== null
        ? (at as Readonly<Record<string | number, unknown>>)[member]
        : undefined,
    value,
  );
}
