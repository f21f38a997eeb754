import { defineCommand } from 'citty';
import { isInputObjectType } from 'graphql';
import { didYouMean } from '../did-you-mean.js';
import { InvalidInputError } from '../errors.js';
import { normalise } from '../identity/identifiers.js';
import { readCard, renderCard, type CustomerCard } from './customer-card.js';
import { customerQuery } from './customer-query.js';
import { callerAs, openOwnGateway, readBy, readStandardInput, type OwnGateway } from './own-gateway.js';
import { enterProject } from './start.js';

/** Kinds with a distinctive form: a value in this form is of this kind. */
const DISTINCT_FORMS: Readonly<Record<string, RegExp>> = {
  email: /@.+\./,
  phone: /^\s*\+/,
  vatNumber: /^\s*[A-Za-z]{2}/,
  emailHash: /^\s*[\da-f]{64}\s*$/i,
  visitorId: /^\s*[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\s*$/i,
};

export const showCustomer = defineCommand({
  meta: {
    name: 'ask',
    description:
      'Shows a customer in all systems. Exit code 1: no customer is shown. Example: stekkerdoos ask eva@example.nl --why',
  },
  args: {
    identifier: {
      type: 'positional',
      required: false,
      description: 'An identifier whose form shows its kind, or kind=value; - reads it from standard input',
    },
    by: {
      type: 'string',
      valueHint: 'kind=value',
      description: 'An identifier of a kind, such as customerNumber=1042; kind=- reads standard input',
    },
    role: {
      type: 'string',
      default: 'operator',
      description:
        'The role that decides permissions and masks (src/context/roles.ts, and the setting ROLES)',
    },
    purpose: {
      type: 'string',
      description: 'The purpose of the query. Default: the default purpose of the role',
    },
    why: {
      type: 'boolean',
      default: false,
      description: 'Adds which identifier and rule found each record, and the values that were not chosen',
    },
    json: { type: 'boolean', default: false, description: 'Prints JSON, in which long values are complete' },
    project: {
      type: 'string',
      valueHint: 'folder',
      description: 'A project folder. Default: the current folder, if it has a gateway.yaml',
    },
  },
  run: async ({ args }) => {
    const { identifier, by, role, purpose, why, json, project } = args;
    if ((identifier === undefined) === (by === undefined))
      throw new InvalidInputError(
        'Name one identifier: stekkerdoos ask <identifier>, or --by <kind>=<value>.',
      );
    if (project !== undefined) enterProject(project);
    const gateway = await openOwnGateway();
    try {
      const caller = callerAs(gateway, role, purpose);
      const { namespace, value } =
        by === undefined ? await recognise(gateway, identifier ?? '') : await readBy(by);
      checkKind(namespace, kindsOf(gateway));
      const document = customerQuery(gateway.schema, { why });
      const result = await gateway.queryAs(caller, document, { by: { [namespace]: value } });
      const card = readCard(result, gateway.sourceOfField, gateway.failures.recent());
      const title = `The customer by ${namespace}, for the role ${role} and the purpose ${String(caller.defaultPurpose)}`;
      print(card, title, json);
      process.exitCode = exitCodeOf(card);
    } finally {
      await gateway.close();
    }
  },
});

function print(card: CustomerCard, title: string, isJson: boolean): void {
  const lines = isJson
    ? // JSON.stringify does not escape control characters above U+007F, and some terminals execute them.
      [
        JSON.stringify(card, null, 2).replace(
          /[\u007f-\u009f]/g,
          (c) => `\\u00${c.charCodeAt(0).toString(16)}`,
        ),
      ]
    : [
        title,
        ...(card.customer === null && card.errors.length === 0 ? ['No system knows this customer.'] : []),
        ...renderCard(card),
      ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/**
 * Exit code 0: a customer is shown. 1: no customer is found, or several may be meant. 2: the request failed.
 */
function exitCodeOf({ customer, errors }: CustomerCard): number {
  if (customer !== null) return 0;
  return errors.every(({ code }) => code === 'AMBIGUOUS_IDENTITY') ? 1 : 2;
}

/** The kinds by which customers can be found. */
function kindsOf({ schema }: OwnGateway): string[] {
  const key = schema.getType('CustomerKey');
  return isInputObjectType(key) ? Object.keys(key.getFields()) : [];
}

function checkKind(kind: string, kinds: readonly string[]): void {
  if (!kinds.includes(kind))
    throw new InvalidInputError(
      `No plugged-in system finds customers by "${kind}".${didYouMean(kind, kinds)} The kinds are ${kinds.join(', ')}.`,
    );
}

/** Finds the kind of a value by its form. A value that may be of several kinds is refused. */
async function recognise(gateway: OwnGateway, text: string): Promise<{ namespace: string; value: string }> {
  const kinds = kindsOf(gateway);
  // An e-mail address may contain "=", but it is unlikely to begin with the name of a kind.
  if (kinds.some((kind) => text.startsWith(`${kind}=`))) return readBy(text);
  const value = (text === '-' ? await readStandardInput() : text).trim();
  const possible = kinds.filter((kind) => {
    const namespace = gateway.namespaces.get(kind);
    return namespace !== undefined && normalise(namespace, value) !== null;
  });
  const [first, ...others] = possible;
  const distinct = possible.find((kind) => DISTINCT_FORMS[kind]?.test(value) === true);
  const namespace = distinct ?? (others.length === 0 ? first : undefined);
  if (namespace !== undefined) return { namespace, value };
  throw new InvalidInputError(
    first === undefined
      ? `The kind of this identifier was not recognised. Name it with --by <kind>=<value>. The kinds are ${kinds.join(', ')}.`
      : `This identifier may be of several kinds: ${possible.join(', ')}. Name one of them, such as --by ${first}=<value>.`,
  );
}
