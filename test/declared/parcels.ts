import type { SourceDefinition } from '../../src/source.js';
import { compiled } from './warranty.js';

/** The example of a declared source with a SOAP service: a parcel service. */
export const PARCELS_YAML = `source: parcels
connect:
  soap: "\${PARCELS_URL}"
  path: /parcels
  wsdl: /parcels?wsdl
  usernameToken: { user: "\${PARCELS_USER}", password: "\${PARCELS_PASSWORD}" }
  faults: { NO_SUCH_CUSTOMER: nothing, CLOSED_AT_NIGHT: unavailable, TOO_MANY: rate-limited }
  ping: { operation: track, parts: { customer: nobody@example.com } }
limits: { timeout: 1 s, concurrency: 5 }
heldIdentifiers: [email]
calls:
  parcels: { operation: track, parts: { customer: "{key}", filter: { status: [SENT, RECEIVED] } }, rows: parcel }
fields:
  Customer.parcels: { call: parcels }
  Parcel.sentOn: { from: sentOn, date: yyyy-mm-dd }
`;

export const PARCELS_SDL = `type Customer {
  "Parcels on their way. Source: the parcel service, queried live."
  parcels: [Parcel!] @personalData(category: TRANSACTION) @requiresScopes(scopes: [["orders:read"]])
}

"A parcel."
type Parcel @personalData(category: TRANSACTION) {
  "The code on the parcel."
  code: ID!
  "In kilograms."
  weight: Decimal
  "The day on which it was sent."
  sentOn: Date
  "The places that it passed, the first one first."
  stop: [String!]
}
`;

/** The example with another connector, call or field. */
export function parcelsWith(
  ...replacements: readonly (readonly [from: string, to: string])[]
): SourceDefinition {
  const yaml = replacements.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`The example has no ${from}.`);
    return text.replace(from, to);
  }, PARCELS_YAML);
  return compiled(yaml, PARCELS_SDL).source;
}
