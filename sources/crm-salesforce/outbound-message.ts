import sax from 'sax';
import { InvalidInputError, readText } from '../../src/index.js';

/** One record in an outbound message. */
export interface Notification {
  /** The notification's id, which stays the same if the message is sent again. */
  id: string;
  /** The object's name, such as Contact. */
  object: string;
  /** The configured fields of the message. An empty field is an empty text. */
  fields: ReadonlyMap<string, string>;
}

export interface OutboundMessage {
  organisationId: string;
  notifications: readonly Notification[];
}

const OUTBOUND = 'http://soap.sforce.com/2005/09/outbound';
const NOTIFICATION = ['Envelope', 'Body', 'notifications', 'Notification'].join('/');
const MAX_DEPTH = 16;

/**
 * Reads an outbound message:
 * https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging.htm
 *
 * A document type is refused. So only the five entities of XML exist, and no external entity is fetched.
 * Throws an InvalidInputError for any other text, without quoting it.
 */
export function readOutboundMessage(body: Uint8Array): OutboundMessage {
  const text = readText(body);
  const refuse = (): never => {
    throw new InvalidInputError('The body is not an outbound message of Salesforce.');
  };
  const parser = sax.parser(true, { xmlns: true });
  const path: string[] = [];
  let value = '';
  let organisationId = '';
  const notifications: (Notification & { fields: Map<string, string> })[] = [];
  parser.onerror = refuse;
  parser.ondoctype = refuse;
  parser.onopentag = ({ local, uri, attributes }: sax.QualifiedTag) => {
    path.push(local);
    if (path.length > MAX_DEPTH || (local === 'notifications' && uri !== OUTBOUND)) refuse();
    value = '';
    const place = path.join('/');
    if (place === NOTIFICATION) notifications.push({ id: '', object: '', fields: new Map() });
    const current = notifications.at(-1);
    if (place === `${NOTIFICATION}/sObject` && current !== undefined)
      current.object = (attributes['xsi:type']?.value ?? '').replace(/^.*:/, '');
  };
  parser.ontext = parser.oncdata = (piece) => {
    value += piece;
  };
  parser.onclosetag = () => {
    const place = path.join('/');
    const name = path.pop() ?? '';
    const current = notifications.at(-1);
    if (place === 'Envelope/Body/notifications/OrganizationId') organisationId = value.trim();
    else if (current !== undefined && place === `${NOTIFICATION}/Id`) current.id = value.trim();
    else if (current !== undefined && place === `${NOTIFICATION}/sObject/${name}`)
      current.fields.set(name, value);
    value = '';
  };
  parser.write(text).close();
  if (organisationId === '' || notifications.length === 0 || notifications.some(({ id }) => id === ''))
    refuse();
  return { organisationId, notifications };
}
