import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  getDirectiveValues,
  GraphQLError,
  Kind,
  OperationTypeNode,
  parse,
  Source,
  validate,
  visit,
  type DocumentNode,
  type GraphQLDirective,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import type { Purpose } from '../customer/schema.generated.js';
import { GatewayError, InvalidInputError } from '../errors.js';
import { durationMs, readInterest, type SubscriptionRules, type Interest } from './interest.js';
import { readQuietHours, type QuietHours } from './quiet-hours.js';

/** A subscription whose results are sent to an endpoint. */
export interface Trigger {
  /** The name of its file. */
  name: string;
  /** The subscription, without `@deliver`. */
  document: DocumentNode;
  interest: Interest;
  endpoint: string;
  purpose: Purpose;
  /** Sends only once for each customer or record within a time. */
  once: { per: 'CUSTOMER' | 'RECORD'; withinMs: number } | undefined;
  quietHours: QuietHours | undefined;
}

export interface TriggersOptions {
  folder?: URL;
  schema: GraphQLSchema;
  /** `@deliver`, as schema/directives.graphql declares it. */
  deliver: GraphQLDirective;
  endpoints: Pick<ReadonlySet<string>, 'has'>;
  subscriptionRules: SubscriptionRules;
  /** Returns the fields that the trigger may not read for its purpose, as `Type.field`. */
  forbidden: (document: DocumentNode, purpose: Purpose) => readonly string[];
  /** Whether the trigger may read data of an enum value for its purpose. */
  maySee: (place: string, purpose: Purpose) => boolean;
}

interface Deliver {
  to: string;
  purpose: Purpose;
  oncePer?: 'CUSTOMER' | 'RECORD' | null;
  within: string;
  quietHours?: string | null;
}

const FOLDER = new URL('../../schema/triggers/', import.meta.url);

/** Subscriptions about one customer: a trigger would name a person in a file. */
const NOT_FOR_TRIGGERS = new Set(['meChanged', 'customerChanged']);

/** Reads all triggers. An invalid trigger is omitted and reported with its file and line. */
export function readTriggers({ folder = FOLDER, ...options }: TriggersOptions): {
  triggers: Trigger[];
  problems: string[];
} {
  const triggers: Trigger[] = [];
  const problems: string[] = [];
  for (const file of filesIn(folder)) {
    const read = readTrigger(file, readFileSync(fileURLToPath(new URL(file, folder)), 'utf8'), options);
    if ('problems' in read)
      problems.push(...read.problems.map((problem) => `${fileURLToPath(folder)}${problem}`));
    else triggers.push(read);
  }
  return { triggers, problems };
}

function filesIn(folder: URL): string[] {
  try {
    return readdirSync(fileURLToPath(folder))
      .filter((name) => name.endsWith('.graphql'))
      .sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

function readTrigger(
  file: string,
  text: string,
  { schema, deliver, endpoints, subscriptionRules, forbidden, maySee }: Omit<TriggersOptions, 'folder'>,
): Trigger | { problems: string[] } {
  const at = (line: number | undefined, what: string) => ({
    problems: [`${file} line ${line ?? 1}: ${what}`],
  });
  let parsed: DocumentNode;
  try {
    parsed = parse(new Source(text, file));
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    return at(error.locations?.[0]?.line, error.message);
  }
  const operations = parsed.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const [operation] = operations;
  if (operation?.operation !== OperationTypeNode.SUBSCRIPTION || operations.length > 1)
    return at(operation?.loc?.startToken.line, 'it must hold one subscription.');
  const line = operation.loc?.startToken.line;
  let delivery: Deliver | undefined;
  try {
    delivery = getDirectiveValues(deliver, operation) as Deliver | undefined;
  } catch (error) {
    return at(line, `@deliver: ${error instanceof Error ? error.message : 'it cannot be read'}`);
  }
  if (delivery === undefined) return at(line, 'the subscription needs @deliver, which names its endpoint.');
  const unknown = (operation.directives ?? [])
    .filter(({ name }) => name.value === deliver.name)
    .flatMap(({ arguments: args }) => args ?? [])
    .find(({ name }) => deliver.args.every((arg) => arg.name !== name.value));
  if (unknown !== undefined)
    return at(unknown.loc?.startToken.line, `@deliver: it has no argument "${unknown.name.value}".`);
  const document = withoutDeliver(parsed);
  const invalid = validate(schema, document).map(
    (error) => `${file} line ${error.locations?.[0]?.line ?? line ?? 1}: ${error.message}`,
  );
  if (invalid.length > 0) return { problems: invalid };
  if ((operation.variableDefinitions ?? []).length > 0)
    return at(line, 'it has variables. Write the values in the trigger.');
  const { to: endpoint, purpose, oncePer, within, quietHours } = delivery;
  if (!endpoints.has(endpoint)) return at(line, `there is no endpoint "${endpoint}" in WEBHOOK_ENDPOINTS.`);
  const refused = forbidden(document, purpose);
  if (refused.length > 0) return at(line, `not allowed for ${purpose}: ${refused.join(', ')}.`);
  try {
    const interest = readInterest({
      schema,
      document,
      subscriptionRules,
      readKey: refuseKey,
      maySee: (place) => maySee(place, purpose),
    });
    if (NOT_FOR_TRIGGERS.has(interest.field))
      return at(line, `${interest.field} is about one customer, so a trigger cannot use it.`);
    return {
      name: file.replace(/\.graphql$/, ''),
      document,
      interest,
      endpoint,
      purpose,
      once: oncePer == null ? undefined : { per: oncePer, withinMs: durationMs(within) },
      quietHours: quietHours == null ? undefined : readQuietHours(quietHours),
    };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return at(line, error.message);
  }
}

function withoutDeliver(document: DocumentNode): DocumentNode {
  // Locations stay for the messages of validation.
  return visit<DocumentNode>(document, {
    OperationDefinition: (node: OperationDefinitionNode) => ({
      ...node,
      directives: (node.directives ?? []).filter(({ name }) => name.value !== 'deliver'),
    }),
  });
}

function refuseKey(): never {
  throw new InvalidInputError('A trigger is about all customers, so it cannot name one.');
}
