import type { SourceDefinition } from '../src/index.js';
import { contactCentre } from './contact-centre/index.js';
import { crmHubspot } from './crm-hubspot/index.js';
import { orderSystem } from './order-system/index.js';
import { webshop } from './webshop/index.js';

/**
 * The sources that this gateway serves, those that are plugged in by their settings. Their order is the order in which
 * they are believed: the first that has a customer's name gives it.
 */
export const sources: readonly SourceDefinition[] = [orderSystem, webshop, crmHubspot, contactCentre];
