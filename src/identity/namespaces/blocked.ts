/** The reason why a value is a placeholder in every namespace. Undefined if it may identify a person. */
export function placeholderIn(value: string, blockedValues: ReadonlySet<string>): string | undefined {
  if (/^0+$/.test(value) || /^[\p{P}\p{S}\s]*$/u.test(value))
    return 'it has no letter, and no digit but zeros';
  return blockedValues.has(value.toLowerCase()) ? 'it is a placeholder (IDENTITY_BLOCKED_VALUES)' : undefined;
}

/** The refusal of numbers such as 11111111: valid, but invented to get past a form. */
export const MADE_UP_DIGITS = 'its digits look made up, such as 11111111 or 12345678';

/** Whether a number repeats one digit. */
export function isOneDigit(number: string): boolean {
  return /^(\d)\1+$/.test(number);
}
