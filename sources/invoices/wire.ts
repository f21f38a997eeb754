import { z } from 'zod';
import { odataDecimalText } from '../../src/index.js';

/**
 * The parts of answers of Business Central (API v2.0) that are read:
 * https://learn.microsoft.com/dynamics365/business-central/dev-itpro/api-reference/v2.0/
 */

/** Business Central writes an empty text for no value. */
const text = z
  .string()
  .nullish()
  .transform((value) => (value == null || value === '' ? null : value));

/** Business Central writes "no day" as a day of the year 1. */
const day = z.iso
  .date()
  .nullish()
  .transform((value) => (value == null || value.startsWith('0001-') ? null : value));

export const customerCard = z.object({
  number: z.string(),
  displayName: text,
  addressLine1: text,
  city: text,
  /** Business Central's own code, usually that of ISO 3166-1. */
  country: text,
  postalCode: text,
  phoneNumber: text,
  email: text,
  taxRegistrationNumber: text,
  lastModifiedDateTime: z.iso.datetime({ offset: true }).nullish(),
});
export type CustomerCard = z.infer<typeof customerCard>;

export const salesInvoice = z.object({
  number: z.string(),
  invoiceDate: z.iso.date(),
  dueDate: day,
  billToCustomerNumber: z.string(),
  currencyCode: z.string().regex(/^[A-Z]{3}$/),
  orderNumber: text,
  totalAmountIncludingTax: odataDecimalText,
  remainingAmount: odataDecimalText,
  status: z.enum(['Open', 'Paid', 'Canceled', 'Corrective']),
});
export type SalesInvoice = z.infer<typeof salesInvoice>;

export const openInvoice = salesInvoice.pick({
  number: true,
  billToCustomerNumber: true,
  currencyCode: true,
  remainingAmount: true,
});
export type OpenInvoice = z.infer<typeof openInvoice>;
