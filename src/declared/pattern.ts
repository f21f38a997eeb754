import type { Place, Report } from './problems.js';

/** Compiles a pattern that must match a whole text. */
export function patternOf(text: string, place: Place, report: Report): RegExp {
  try {
    if (text.startsWith('^') && text.endsWith('$')) return new RegExp(text, 'u');
    report(place, `The pattern "${text}" may match a part of a text only.`, `Write "^${text}$".`);
  } catch {
    report(
      place,
      `"${text}" is not a regular expression.`,
      'Write a pattern of JavaScript, such as ^R\\d{8}$.',
    );
  }
  return /^(?!)/;
}
