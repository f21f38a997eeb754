import { randomBytes } from 'node:crypto';
import { personWith, type Emitter, type WebhookMessage } from '../../stand-ins/emit.js';
import type { World } from '../../stand-ins/world.js';
import type { Org, SalesforceRecord } from './objects.js';
import { organizationId } from './sessions.js';

/** The secret in the address of the outbound message, as configured by the operator. */
export const webhookKey = 'crm-salesforce-stand-in-key';

/**
 * Two outbound messages about contacts: one for any change, and one with the opt-out field for a change of
 * it.
 */
export function createEmitter(world: World, org: Org, now: () => number): Emitter {
  const contacts = org.get('contact');
  const ofContact = (email: string): SalesforceRecord | undefined => {
    const contactId = personWith(world, email, 'salesforce')?.salesforce.contactId;
    return contactId === undefined ? undefined : contacts?.find(contactId);
  };
  const optOut = (value: boolean) => (email: string) => {
    const contact = ofContact(email);
    if (contact === undefined) return undefined;
    contacts?.tick(contact.Id, 'HasOptedOutOfEmail', value);
    return message({ Id: contact.Id, Email: contact['Email'], HasOptedOutOfEmail: value, ...changed() });
  };
  const changed = () => ({ LastModifiedDate: new Date(now()).toISOString() });
  return {
    'contact.changed': (email) => {
      const contact = ofContact(email);
      return contact && message({ Id: contact.Id, Email: contact['Email'], ...changed() });
    },
    'consent.given': optOut(false),
    'consent.withdrawn': optOut(true),
  };
}

function message(fields: Record<string, unknown>): WebhookMessage {
  const written = Object.entries(fields)
    .filter(([, value]) => value != null)
    .map(([name, value]) => `<sf:${name}>${escaped(String(value))}</sf:${name}>`)
    .join('');
  const body =
    '<?xml version="1.0" encoding="UTF-8"?>' +
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">' +
    '<soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound">' +
    `<OrganizationId>${organizationId}</OrganizationId><ActionId>04k5g000000StdIAAS</ActionId><SessionId xsi:nil="true"/>` +
    `<Notification><Id>04l${randomBytes(8).toString('hex').slice(0, 15)}</Id>` +
    `<sObject xsi:type="sf:Contact" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">${written}</sObject>` +
    '</Notification></notifications></soapenv:Body></soapenv:Envelope>';
  return {
    search: `?key=${webhookKey}`,
    body,
    headers: () => ({ 'content-type': 'text/xml; charset=UTF-8', soapaction: '""' }),
  };
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}
