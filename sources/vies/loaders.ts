import { alignSingle, callEach, defineLoader, type SoapClient } from '../../src/index.js';
import { toVatCheck, type VatCheckRecord } from './mapping.js';
import { checkVatResponse } from './wire.js';

/** Sole traders have VAT numbers, too. */
const about = (vatNumber: string) => [{ namespace: 'vatNumber', value: vatNumber }];

/** Null when VIES does not accept the number. */
export const vatChecks = defineLoader<SoapClient, string, VatCheckRecord | null>({
  name: 'vatChecks',
  about,
  loadEach: (vatNumbers, vies) => callEach(vatNumbers, (vatNumber) => check(vatNumber, vies)),
});

/** Null also for a number that is not valid: it belongs to no company. */
export const companiesByVatNumber = defineLoader<SoapClient, string, VatCheckRecord | null>({
  name: 'companiesByVatNumber',
  about,
  loadEach: (vatNumbers, vies) =>
    callEach(vatNumbers, async (vatNumber) => {
      const found = await check(vatNumber, vies);
      return found?.isValid === true ? found : null;
    }),
});

/** VAT numbers are normalised: they begin with the EU's code of the country. */
async function check(vatNumber: string, vies: SoapClient): Promise<VatCheckRecord | null> {
  const input = { countryCode: vatNumber.slice(0, 2), vatNumber: vatNumber.slice(2) };
  const fetchedAt = new Date();
  const answer = await vies.call(checkVatResponse, 'checkVat', input);
  const found = alignSingle(vatNumber, answer, {
    source: 'vies',
    keyOf: (check) => `${check.countryCode}${check.vatNumber.toUpperCase()}`,
  });
  return found && toVatCheck(vatNumber, found, fetchedAt);
}
