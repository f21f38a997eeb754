import { z } from 'zod';

const REFERENCE = /^\$\{([A-Z][A-Z0-9_]*)\}$/;

/** The name of an environment variable, as `${WARRANTY_URL}`. */
export const settingName = z
  .string({ error: 'must be the name of a variable, such as "${WARRANTY_URL}"' })
  .regex(REFERENCE, {
    error:
      'must be the name of a variable, such as "${WARRANTY_URL}": values and secrets are not written in the file',
  });

/** The variable in a reference that `settingName` has checked. */
export function variableIn(reference: string): string {
  return REFERENCE.exec(reference)?.[1] ?? '';
}
