import {
  getArgumentValues,
  getNamedType,
  isObjectType,
  Kind,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
} from 'graphql';
import { LimitExceededError } from '../../errors.js';
import type { GraphqlAnswer } from './client.js';
import type { EntryMapping, GraphqlMapping, VendorVariable } from './mapping.js';
import { costOfKey, freeName, makePlan, parsePath, selectionText, writeFields, type Plan } from './plan.js';
import { readAnswer } from './read-answer.js';

/** An operation in our words that asks one entry point, as stitching makes them. */
export interface OurRequest {
  document: DocumentNode;
  variables: Readonly<Record<string, unknown>>;
}

/** What an operation of ours asks, in the vendor's words. */
export interface Translation {
  /** The entry point's name. */
  entry: string;
  keys: readonly string[];
  /** All that is asked about each key, arguments included: who asks the same asks by the same text. */
  selection: string;
  /** The most keys of one request: what the vendor takes, and what it costs there. */
  maxKeys: number;
  requestFor: (keys: readonly string[]) => VendorRequest;
}

/** A request in the vendor's words, and how to read its answer. */
export interface VendorRequest {
  document: string;
  variables: Record<string, unknown>;
  /** The keys' objects in our shape, in the order of the keys; an Error where the vendor failed, null where it knows none. */
  read(answer: GraphqlAnswer): unknown[];
}

/** Translates between our words and the vendor's, for one source. */
export function createTranslator(schema: GraphQLSchema, mapping: GraphqlMapping, source: string) {
  return {
    translate(request: OurRequest): Translation {
      const { entryField, fragments } = readDocument(request.document);
      const entry = mapping.entries[entryField.name.value];
      const definition = schema.getQueryType()?.getFields()[entryField.name.value];
      const type = definition && getNamedType(definition.type);
      if (entry === undefined || definition === undefined || !isObjectType(type)) {
        throw new Error(`${source} maps no entry point "${entryField.name.value}".`);
      }
      const planner = { schema, mapping, fragments, variables: request.variables };
      const plan = makePlan(
        planner,
        type,
        entryField.selectionSet === undefined ? [] : [entryField.selectionSet],
      );
      const keys = (getArgumentValues(definition, entryField, request.variables)[entry.keysArgument] ??
        []) as string[];
      const affordable = Math.floor(((mapping.maxCost ?? Infinity) - 10) / costOfKey(entry, plan));
      const mostKeys = Math.min(affordable, entry.maxKeys ?? Infinity);
      if (mostKeys === 0) {
        throw new LimitExceededError(
          `This is more than ${source} answers at once: select fewer fields or ask for shorter lists.`,
        );
      }
      return {
        entry: entryField.name.value,
        keys,
        selection: selectionText(plan),
        maxKeys: mostKeys,
        requestFor: (some) => makeRequest(entry, plan, some, mapping, source),
      };
    },
  };
}

function readDocument(document: DocumentNode) {
  const fragments = new Map<string, FragmentDefinitionNode>();
  let entryField: FieldNode | undefined;
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
    if (definition.kind === Kind.OPERATION_DEFINITION) {
      const [first] = definition.selectionSet.selections;
      if (first?.kind === Kind.FIELD) entryField = first;
    }
  }
  if (entryField === undefined) throw new Error('A request to a GraphQL source asks one entry point.');
  return { entryField, fragments };
}

function writePath(path: string): string {
  return path.split('.').reduceRight((inner, name) => (inner === '' ? name : `${name} { ${inner} }`), '');
}

function makeRequest(
  entry: EntryMapping,
  plan: Plan,
  keys: readonly string[],
  mapping: GraphqlMapping,
  source: string,
): VendorRequest {
  const declared: string[] = [];
  const variables: Record<string, unknown> = {};
  const declare = (name: string, { type, value }: VendorVariable) => {
    declared.push(`$${name}: ${type}`);
    variables[name] = value;
  };
  const selections: string[] = [];
  const fragments: string[] = [];
  const found = plan.fields.filter(({ keyed }) => keyed === undefined);
  const findPath = parsePath(entry.find, {});
  if (found.length > 0) {
    for (const [name, variable] of Object.entries(entry.variables(keys))) declare(name, variable);
    const vendorType = mapping.types[plan.type.name]?.type ?? plan.type.name;
    const fields = found.map(({ text }) => text).join(' ');
    const body = ` { ... on ${vendorType} { ${freeName('_key', plan)}: ${entry.key.field} ${fields} } }`;
    const more = entry.more === undefined ? '' : ` ${writePath(entry.more)}`;
    const list = findPath.reduceRight((inner, { text }, i) => {
      const beside = i === findPath.length - 1 ? more : '';
      return i === 0 ? `${text}${inner}` : ` { ${text}${inner}${beside} }`;
    }, body);
    selections.push(`found: ${list}`);
  }
  for (const { responseKey, keyed, children } of plan.fields) {
    if (keyed === undefined || children === undefined) continue;
    fragments.push(
      `fragment ${responseKey}_fields on ${mapping.types[children.type.name]?.type ?? children.type.name} { ${freeName('_owner', children)}: ${writePath(keyed.field.owner.path)} ${writeFields(children)} }`,
    );
    for (const [i, key] of keys.entries()) {
      let [first, ...below] = keyed.path.map(({ text }) => text);
      for (const [name, variable] of Object.entries(keyed.field.variables(key))) {
        const own = `${responseKey}_${i}_${name}`;
        declare(own, variable);
        first = first?.replaceAll(`$${name}`, `$${own}`);
      }
      below = below.filter((text) => !/^\d+$/.test(text));
      const inner = below.reduceRight(
        (selection, text) => ` { ${text}${selection} }`,
        ` { ...${responseKey}_fields }`,
      );
      selections.push(`${responseKey}_${i}: ${first ?? ''}${inner}`);
    }
  }
  const text = [...selections, ...fragments].join(' ');
  for (const [name, type] of Object.entries(mapping.settings ?? {}))
    if (new RegExp(`\\$${name}\\b`).test(text)) declared.push(`$${name}: ${type}`);
  const head = declared.length === 0 ? 'query' : `query(${declared.join(', ')})`;
  return {
    document: [`${head} { ${selections.join(' ')} }`, ...fragments].join('\n'),
    variables,
    read: (answer) =>
      readAnswer(answer, {
        entry,
        plan,
        keys,
        source,
        found,
        findBelow: findPath.slice(1).map(({ text }) => text),
      }),
  };
}
