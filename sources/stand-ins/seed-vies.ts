import type { World } from './world.js';

/** A valid VAT number in a member state's register. */
export interface VatRegistration {
  name: string;
  /** On lines, as member states write them. */
  address: readonly string[];
}

/**
 * Companies that are not customers. One is from a member state that publishes names, and two are from states that do not. One is
 * from Greece, whose VAT numbers begin with EL. One is from Northern Ireland, which still takes part.
 */
const foreign: Readonly<Record<string, VatRegistration>> = {
  BE0987650040: { name: 'BV Bakkerij De Korrel', address: ['Kerkstraat 12', '2000 Antwerpen'] },
  DE987650001: { name: 'Müller & Söhne GmbH', address: ['Hauptstraße 1', '10115 Berlin'] },
  ESB98765001: { name: 'Hermanos García SL', address: ['Calle Mayor 3', '28013 Madrid'] },
  EL987651008: { name: 'ΑΦΟΙ ΠΑΠΑΔΟΠΟΥΛΟΥ ΟΕ', address: ['ΕΡΜΟΥ 10', '10563 - ΑΘΗΝΑ'] },
  XI987651013: { name: 'O’NEILL & DAUGHTERS LTD', address: ['1 HIGH STREET', 'BELFAST', 'BT1 2AB'] },
};

/** The VAT number of a company that was struck off. The CRM still has it. */
const lapsed = 'NL807518311B01';

/** The companies with a VAT number in the seed data, and some more, by the number with its country. */
export function createVatRegister({ companies, people }: World): ReadonlyMap<string, VatRegistration> {
  const register = new Map(Object.entries(foreign));
  for (const { name, city, vatNumber } of companies)
    if (vatNumber !== undefined && vatNumber !== lapsed) register.set(vatNumber, dutch(name, city));
  for (const { orderSystem, address } of people)
    if (orderSystem?.business !== undefined)
      register.set(orderSystem.business.vatNumber, dutch(orderSystem.business.companyName, address.city));
  return register;
}

/** In upper case with five digits for the number, as the Dutch register writes addresses. */
function dutch(name: string, city: string): VatRegistration {
  const houseNumber = String(1 + ((name.length * 7) % 90)).padStart(5, '0');
  return {
    name: name.toUpperCase(),
    address: [`DORPSSTRAAT ${houseNumber}`, `1234AB ${city.toUpperCase()}`],
  };
}
