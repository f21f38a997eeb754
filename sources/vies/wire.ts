import { z } from 'zod';

/**
 * What VIES sends(only the parts that are read):
 * https://ec.europa.eu/taxation_customs/vies/services/checkVatService.wsdl
 */

/** VIES returns dashes where a country discloses nothing. */
const disclosed = z
  .string()
  .nullish()
  .transform((text) => {
    const lines = (text ?? '').split('\n').map((line) => line.trim());
    const whole = lines.filter((line) => line !== '').join('\n');
    return whole === '' || /^-+$/.test(whole) ? null : whole;
  });

export const checkVatResponse = z.object({
  countryCode: z.string(),
  vatNumber: z.string(),
  valid: z.boolean(),
  name: disclosed,
  address: disclosed,
});
export type CheckVatResponse = z.infer<typeof checkVatResponse>;
