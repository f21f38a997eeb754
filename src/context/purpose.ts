import { requestHeader } from '../request-headers.js';
import type { Purpose } from '../customer/schema.generated.js';
import { ForbiddenError, InvalidInputError } from '../errors.js';
import type { Caller } from './caller.js';

/** The purposes of a request: the values of the schema's enum `Purpose`. */
export const PURPOSES = [
  'SERVICE',
  'PERSONALISATION',
  'MARKETING',
  'ANALYTICS',
  'CUSTOMER_CARE',
] as const satisfies readonly Purpose[];

/** The purpose with a name, in any case; undefined if there is none. */
export function purposeNamed(text: string): Purpose | undefined {
  const name = text.trim().toUpperCase();
  return PURPOSES.find((purpose) => purpose === name);
}

/**
 * The purpose of a request: its `Data-Purpose`, if its caller may have that purpose; else the caller's default. Undefined
 * if there is neither.
 */
export function purposeOf(headers: Pick<Headers, 'get'>, caller: Caller): Purpose | undefined {
  const header = requestHeader(headers, 'data-purpose');
  if (header === null) return caller.defaultPurpose;
  const purpose = purposeNamed(header);
  if (purpose === undefined)
    throw new InvalidInputError(
      `The header Data-Purpose is not a purpose. It must be one of ${PURPOSES.join(', ')}.`,
    );
  if (!caller.purposes.includes(purpose))
    throw new ForbiddenError(
      `This caller may not use the purpose ${purpose}. It may use ${caller.purposes.join(', ')}.`,
      { purposes: caller.purposes },
    );
  return purpose;
}
