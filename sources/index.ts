import type { SourceDefinition } from '../src/index.js';
import { buienradar } from './buienradar/index.js';
import { facebook } from './facebook/index.js';
import { x } from './x/index.js';
import { clickstream } from './clickstream/index.js';
import { contactCentre } from './contact-centre/index.js';
import { crmHubspot } from './crm-hubspot/index.js';
import { crmSalesforce } from './crm-salesforce/index.js';
import { invoices } from './invoices/index.js';
import { kvk } from './kvk/index.js';
import { orderSystem } from './order-system/index.js';
import { vies } from './vies/index.js';
import { webshop } from './webshop/index.js';

/**
 * The sources that this gateway serves, those that are plugged in by their settings. Their order is the order of
 * trust: the first source that has a name of the customer provides it.
 */
export const sources: readonly SourceDefinition[] = [
  orderSystem,
  webshop,
  crmHubspot,
  contactCentre,
  buienradar,
  x,
  facebook,
  invoices,
  clickstream,
  kvk,
  vies,
  crmSalesforce,
];
