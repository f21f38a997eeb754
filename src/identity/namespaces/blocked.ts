/** Why a value identifies nobody in any namespace; undefined when it may identify somebody. */
export function placeholderIn(value: string, blockedValues: ReadonlySet<string>): string | undefined {
  if (/^0+$/.test(value) || /^[\p{P}\p{S}\s]*$/u.test(value))
    return 'it has no letter, and no digit but zeros';
  return blockedValues.has(value.toLowerCase()) ? 'it is a placeholder (IDENTITY_BLOCKED_VALUES)' : undefined;
}

/** The refusal of numbers such as 11111111, which are valid and typed to get past a form. */
export const MADE_UP_DIGITS = 'its digits look made up, such as 11111111 or 12345678';

/** Whether a number is one digit, repeated. */
export function isOneDigit(number: string): boolean {
  return /^(\d)\1+$/.test(number);
}
