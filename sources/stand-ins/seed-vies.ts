import type { World } from './world.js';

/** What a member state's register holds of a VAT number that is valid. */
export interface VatRegistration {
  name: string;
  /** On lines, as member states write them. */
  address: readonly string[];
}

/**
 * Companies that are no customers: of a member state that tells names, of two that do not, of Greece, whose VAT numbers
 * begin with EL, and of Northern Ireland, which is none any more and still takes part.
 */
const foreign: Readonly<Record<string, VatRegistration>> = {
  BE0987650040: { name: 'BV Bakkerij De Korrel', address: ['Kerkstraat 12', '2000 Antwerpen'] },
  DE987650001: { name: 'Müller & Söhne GmbH', address: ['Hauptstraße 1', '10115 Berlin'] },
  ESB98765001: { name: 'Hermanos García SL', address: ['Calle Mayor 3', '28013 Madrid'] },
  EL987651008: { name: 'ΑΦΟΙ ΠΑΠΑΔΟΠΟΥΛΟΥ ΟΕ', address: ['ΕΡΜΟΥ 10', '10563 - ΑΘΗΝΑ'] },
  XI987651013: { name: 'O’NEILL & DAUGHTERS LTD', address: ['1 HIGH STREET', 'BELFAST', 'BT1 2AB'] },
};

/** Of a company that the CRM still knows: it was struck off. */
const lapsed = 'NL807518311B01';

/** By the whole number, country first: the companies that somebody in the seed data holds a VAT number of, and some more. */
export function createVatRegister({ companies, people }: World): ReadonlyMap<string, VatRegistration> {
  const register = new Map(Object.entries(foreign));
  for (const { name, city, vatNumber } of companies)
    if (vatNumber !== undefined && vatNumber !== lapsed) register.set(vatNumber, dutch(name, city));
  for (const { orderSystem, address } of people)
    if (orderSystem?.business !== undefined)
      register.set(orderSystem.business.vatNumber, dutch(orderSystem.business.companyName, address.city));
  return register;
}

/** Upper case, and house numbers of five digits, as the Dutch register tells them. */
function dutch(name: string, city: string): VatRegistration {
  const houseNumber = String(1 + ((name.length * 7) % 90)).padStart(5, '0');
  return {
    name: name.toUpperCase(),
    address: [`DORPSSTRAAT ${houseNumber}`, `1234AB ${city.toUpperCase()}`],
  };
}
