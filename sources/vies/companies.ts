import type { CompanyDeclaration, SoapClient } from '../../src/index.js';
import { companiesByVatNumber } from './loaders.js';
import type { VatCheckRecord } from './mapping.js';

export const viesCompanies: CompanyDeclaration<SoapClient, VatCheckRecord> = {
  foundBy: { vatNumber: companiesByVatNumber },
  holds: ['vatNumber'],
};
