import { createRandom } from './random.js';
import { createServiceTickets } from './seed-hubspot.js';
import { shopifyId } from './seed-ids.js';
import {
  cities,
  companyForms,
  companyNames,
  industries,
  lastNames,
  productColours,
  productKinds,
} from './seed-words.js';
import type { SeedCompany, SeedProduct } from './world.js';

const companyCount = 40;

export function createProducts(): SeedProduct[] {
  return productKinds.flatMap((kind, kindIndex) =>
    productColours.map((colour, colourIndex) => {
      const index = kindIndex * productColours.length + colourIndex;
      const random = createRandom('product', index);
      const sku = `${kind.code}-${colour.code}`;
      return {
        productId: shopifyId('product', index),
        variantId: shopifyId('variant', index),
        sku,
        title: `${kind.title} ${colour.name}`,
        description: `${kind.title} in het ${colour.name}, uit eigen magazijn geleverd.`,
        priceCents: kind.priceCents + random.integer(0, 4) * 50,
        // Some products are sold out, and one in twenty is oversold, as shops allow.
        stock: random.chance(0.1) ? 0 : random.chance(0.05) ? -2 : random.integer(1, 400),
        imageUrl: `https://cdn.webshop.example.nl/products/${sku.toLowerCase()}.jpg`,
      };
    }),
  );
}

export function createCompanies(): SeedCompany[] {
  return Array.from({ length: companyCount }, (_, index) => {
    const random = createRandom('company', index);
    const name = `${random.pick(companyNames)} ${random.pick(lastNames)} ${random.pick(companyForms)}`;
    return {
      id: String(20_400_000_000 + index * 1_009 + random.integer(0, 1_000)),
      name,
      domain: `bedrijf-${index + 1}.example.nl`,
      city: random.pick(cities).name,
      // Every fourth number begins with a zero. A system that stores it as a number loses the zero.
      kvkNumber:
        (index % 4 === 0 ? '0' : '') + String(10_482_917 + index * 1_710_013).slice(index % 4 === 0 ? 1 : 0),
      // Every third company has one, as in most CRMs.
      ...(index % 3 === 0 && { vatNumber: `NL${rsinOf(index)}B01` }),
      industry: random.pick(industries),
      numberOfEmployees: random.pick([1, 3, 8, 25, 60, 140, 480]),
      updatedAt: `2026-0${random.integer(1, 9)}-${random.integer(10, 28)}T0${random.integer(6, 9)}:15:00Z`,
      serviceTickets: createServiceTickets(index),
    };
  });
}

/** The number of the legal person behind a company: nine digits, by the check of eleven. */
export function rsinOf(index: number): string {
  for (let number = 80_123_456 + index * 104_729; ; number += 1) {
    const digits = String(number).padStart(8, '0');
    const sum = Array.from(digits, Number).reduce((before, digit, i) => before + digit * (9 - i), 0);
    if (sum % 11 < 10) return `${digits}${sum % 11}`;
  }
}
