/**
 * Identifiers as the systems assign them. Each is a permutation of a serial number. So it is unique, does not look
 * sequential, and does not depend on other people's data.
 */

/** The first two of sixteen digits. All ids are above 2^53, where a JavaScript number no longer represents each integer. */
const shopifyPrefixes = {
  customer: '92',
  product: '93',
  variant: '94',
  draftOrder: '95',
  draftOrderLine: '96',
  order: '97',
  fulfillment: '98',
};

export function shopifyId(kind: keyof typeof shopifyPrefixes, number: number): string {
  // The id is odd, because above 2^53 a JavaScript number cannot represent an odd integer.
  const digits = 2 * scatter(number, 10_000_000, 7_654_321) + 1;
  return shopifyPrefixes[kind] + String(digits).padStart(14, '0');
}

export function zendeskUserId(number: number): number {
  return 1_900_000_000_000 + scatter(number, 10_000_000, 3_141_593) * 97;
}

/** The id of a company's organisation, by the place in the list of companies. */
export function zendeskOrganizationId(number: number): number {
  return 17_200_000_000_000 + scatter(number, 10_000_000, 2_236_067) * 79;
}

export function zendeskTicketId(number: number): number {
  return 4_400_000_000_000 + scatter(number, 10_000_000, 2_718_281) * 89;
}

export function zendeskCommentId(number: number): number {
  return 14_100_000_000_000 + scatter(number, 100_000_000, 1_414_213) * 83;
}

export function hubspotContactId(number: number): string {
  return String(51_000_000_000 + scatter(number, 10_000_000, 5_772_157) * 71);
}

export function hubspotDealId(number: number): string {
  return String(9_300_000_000 + scatter(number, 10_000_000, 1_618_033) * 7);
}

export function hubspotTicketId(number: number): string {
  return String(3_100_000_000 + scatter(number, 10_000_000, 1_732_051) * 11);
}

export function customerNumber(number: number): string {
  return 'K' + String(scatter(number, 1_000_000, 618_033)).padStart(6, '0');
}

export function orderNumber(year: string, number: number): string {
  return `ORD-${year}-` + String(scatter(number, 10_000_000, 4_142_137)).padStart(7, '0');
}

/** In the format of Business Central's number series. */
export function businessCentralNumber(kind: 'customer' | 'invoice' | 'order', number: number): string {
  const prefix = { customer: 'D', invoice: 'PS-INV', order: 'S-ORD' }[kind];
  return prefix + String(scatter(number, 10_000_000, 2_302_591)).padStart(7, '0');
}

/** Mobile numbers begin with 06-1 to 06-5. */
export function mobilePhone(number: number): string {
  return `+316${10_000_000 + scatter(number, 50_000_000, 16_180_339)}`;
}

/** A permutation of 0 <= number < size, because no step in this file shares a divisor with its size. */
function scatter(number: number, size: number, step: number): number {
  if (number < 0 || number >= size) throw new RangeError(`no identifier left for number ${number}`);
  return (number * step + 437_119) % size;
}
