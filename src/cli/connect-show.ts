import { parse, print } from 'graphql';
import type { Connected } from '../connect/connect.js';
import type { Target } from '../connect/reader.js';
import { ConfigError } from '../errors.js';
import { masked } from '../privacy/masking.js';
import { readCard, renderCard, type CustomerCard } from './customer-card.js';
import { customerQuery } from './customer-query.js';
import type { OwnGateway } from './own-gateway.js';

/** The number of calls for showing a customer. A database also explains the plan of the call. */
export function callsToShow({ url }: Target): number {
  return url === undefined || url.protocol.startsWith('http') ? 1 : 3;
}

export interface Shown {
  lines: readonly string[];
  /** Whether the customer was found, without an error. */
  isShown: boolean;
}

/**
 * Queries the new fields of a sampled customer through a gateway with the new source. Prints the query and
 * the card. Each value is masked, because the output of a command may be stored.
 */
export async function showNewCustomer(
  connected: Connected,
  openGateway: () => Promise<OwnGateway>,
): Promise<Shown> {
  const { source } = connected.draft;
  const { recordKey } = connected.decisions;
  const id = sampledId(connected);
  if (id === undefined)
    return { isShown: true, lines: ['No customer is shown, because there is no sampled record.'] };
  let gateway: OwnGateway;
  try {
    gateway = await openGateway();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const problems = error.problems.map((problem) => `  ${problem}`);
    return {
      isShown: true,
      lines: ['No customer is shown, because the gateway does not start:', ...problems],
    };
  }
  try {
    const { schema, sourceOfField, failures } = gateway;
    const fields = new Set([...sourceOfField].flatMap(([field, owner]) => (owner === source ? [field] : [])));
    const document = customerQuery(schema, { why: false, fields });
    const result = await gateway.query(document, { by: { [recordKey]: id } });
    const card = readCard(result, sourceOfField, failures.recent());
    return {
      isShown: card.customer !== null && card.errors.length === 0,
      lines: linesOf(document, recordKey, card),
    };
  } finally {
    await gateway.close();
  }
}

function linesOf(document: string, namespace: string, card: CustomerCard): string[] {
  return [
    print(parse(document)),
    `$by is the ${namespace} of a sampled record. Values are masked: stekkerdoos ask --by ${namespace}=- shows them.`,
    ...(card.customer === null && card.errors.length === 0
      ? ['The gateway does not find this customer.']
      : []),
    ...renderCard({ ...card, customer: card.customer && maskedMembers(card.customer) }),
  ];
}

/** The id of a sampled record. */
function sampledId({ draft, decisions }: Connected): string | undefined {
  const call = draft.calls[decisions.foundBy[decisions.recordKey]?.call ?? ''];
  const answered = Object.entries(call?.recorded?.answers ?? {}).find(([, rows]) => rows.length === 1);
  if (answered !== undefined) return answered[0];
  const [sample] = draft.customer.fields.find(({ from }) => from === call?.key)?.samples ?? [];
  return typeof sample === 'string' || typeof sample === 'number' ? String(sample) : undefined;
}

/** Hides all values, except the first letter of a text, and booleans. */
function maskedValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskedValue);
  if (typeof value === 'object' && value !== null) return maskedMembers(value);
  return typeof value === 'boolean' ? value : masked(value, 'INITIAL');
}

function maskedMembers(object: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, maskedValue(value)]));
}
