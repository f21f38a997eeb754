import { getNamedType, isObjectType, Kind, parse, type GraphQLSchema } from 'graphql';
import { LimitExceededError } from '../../errors.js';
import type { GraphqlAnswer } from './client.js';
import type { EntryMapping, GraphqlMapping, VendorVariable } from './mapping.js';
import type { KeyFieldOf, Selected } from './collect-fields.js';
import { parsePath } from './path.js';
import { costOfKey, freeName, makePlan, writeFields, type PlannedSelection } from './plan.js';
import { readAnswer } from './read-answer.js';

/** The selection on one entry point, translated to the vendor's schema. */
export interface Translation {
  plan: PlannedSelection;
  /** The maximum number of keys in one request, by the vendor's limits of keys and cost. */
  maxKeys: number;
  requestFor: (keys: readonly string[]) => VendorRequest;
}

/** A request to the vendor, and the function that reads its answer. */
export interface VendorRequest {
  document: string;
  variables: Record<string, unknown>;
  /**
   * The keys' objects in our shape, with the fields under the names of the plan, in the order of the keys; an Error where
   * the vendor failed, null where it knows none.
   */
  read(answer: GraphqlAnswer): unknown[];
}

/** Translates between our schema and the vendor's, for one source. */
export interface Translator {
  translate(entry: string, selected: Selected): Translation;
  /** Translates a plan's own `selection` again. */
  retranslate(entry: string, selection: string): Translation;
}

export function createTranslator(
  schema: GraphQLSchema,
  mapping: GraphqlMapping,
  source: string,
  keyFieldOf: KeyFieldOf = () => undefined,
): Translator {
  const translate = (name: string, { selectionSets, fragments, variables }: Selected): Translation => {
    const entry = mapping.entries[name];
    const definition = schema.getQueryType()?.getFields()[name];
    const type = definition && getNamedType(definition.type);
    if (entry === undefined || !isObjectType(type))
      throw new Error(`${source} maps no entry point "${name}".`);
    const plan = makePlan({ schema, mapping, fragments, variables, keyFieldOf }, type, selectionSets);
    const affordable = Math.floor(((mapping.maxCost ?? Infinity) - 10) / costOfKey(entry, plan));
    const maxKeys = Math.min(affordable, entry.maxKeys ?? Infinity);
    if (maxKeys === 0) {
      throw new LimitExceededError(
        `This is more than ${source} answers at once: select fewer fields or request shorter lists.`,
      );
    }
    return { plan, maxKeys, requestFor: (keys) => makeRequest(entry, plan, keys, mapping, source) };
  };
  return {
    translate,
    retranslate: (entry, selection) => {
      const [operation] = parse(`{ ${selection} }`, { noLocation: true }).definitions;
      if (operation?.kind !== Kind.OPERATION_DEFINITION)
        throw new Error('The selection of a plan is not an operation.');
      return translate(entry, { selectionSets: [operation.selectionSet], fragments: {}, variables: {} });
    },
  };
}

function writePath(path: string): string {
  return path.split('.').reduceRight((inner, name) => (inner === '' ? name : `${name} { ${inner} }`), '');
}

function makeRequest(
  entry: EntryMapping,
  plan: PlannedSelection,
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
  for (const { name, keyed, children } of plan.fields) {
    if (keyed === undefined || children === undefined) continue;
    fragments.push(
      `fragment ${name}_fields on ${mapping.types[children.type.name]?.type ?? children.type.name} { ${freeName('_owner', children)}: ${writePath(keyed.field.owner.path)} ${writeFields(children)} }`,
    );
    for (const [i, key] of keys.entries()) {
      let [first, ...below] = keyed.path.map(({ text }) => text);
      for (const [variable, value] of Object.entries(keyed.field.variables(key))) {
        const variableName = `${name}_${i}_${variable}`;
        declare(variableName, value);
        first = first?.replaceAll(`$${variable}`, `$${variableName}`);
      }
      below = below.filter((text) => !/^\d+$/.test(text));
      const inner = below.reduceRight(
        (selection, text) => ` { ${text}${selection} }`,
        ` { ...${name}_fields }`,
      );
      selections.push(`${name}_${i}: ${first ?? ''}${inner}`);
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
