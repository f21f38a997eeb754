import type { CompanyRecord } from '../../src/index.js';
import type { VatCheck } from './schema.generated.js';
import type { CheckVatResponse } from './wire.js';

export interface VatCheckRecord extends CompanyRecord, Pick<VatCheck, 'isValid' | 'checkedAt'> {
  name: string | null;
  address: string | null;
}

/** VIES returns the day in Brussels without a time, so `checkedAt` is the time of the call. */
export function toVatCheck(
  vatNumber: string,
  { valid, name, address }: CheckVatResponse,
  fetchedAt: Date,
): VatCheckRecord {
  return {
    kvkNumber: null,
    vatNumber,
    isValid: valid,
    name: valid ? name : null,
    address: valid ? address : null,
    checkedAt: fetchedAt.toISOString(),
  };
}
