import {
  GraphQLError,
  Kind,
  parse,
  print,
  stripIgnoredCharacters,
  visit,
  type FieldNode,
  type SelectionSetNode,
} from 'graphql';
import { didYouMean } from '../did-you-mean.js';
import type { CompileContext } from './connector-kind.js';
import { stepsOf } from './path.js';

/** The field of a call: a chain such as `member(id: $key).orders(first: 50, after: $after)`. */
export interface VendorField {
  /** The names of the chain. */
  names: readonly string[];
  /** The fields of the chain with their arguments, as GraphQL. */
  texts: readonly string[];
  /** The variables in the arguments. */
  variables: ReadonlySet<string>;
}

/** Values that a call has at run time. */
const VARIABLES = ['key', 'keys', 'after'];
/** Bounds the work of parsing. */
const MAX_TOKENS = 2_000;
const EXAMPLE = 'such as members(ids: $keys), or member(id: $key).orders(first: 50, after: $after)';

/** Compiles `field`. Arguments are constants and variables: a key is never part of a text. */
export function compileField(text: string, { place, report }: CompileContext): VendorField {
  const at = [...place, 'field'];
  const none: VendorField = { names: [], texts: [], variables: new Set() };
  if (/\{\s*keys?\s*[|}]/.test(text)) {
    report(at, 'A key in GraphQL is a variable.', 'Write $key, or $keys for a list of all keys of a batch.');
    return none;
  }
  const variables = new Set<string>();
  const fields: FieldNode[] = [];
  for (const part of chainOf(text)) {
    const [field, ...others] =
      parseSelection(`{${part}}`, (problem) => {
        report(
          at,
          `"${part.trim()}" is not a field in GraphQL: ${problem}`,
          `Write a field with its arguments, ${EXAMPLE}.`,
        );
      })?.selections ?? [];
    if (field === undefined) return none;
    if (others.length > 0 || field.kind !== Kind.FIELD || field.selectionSet !== undefined) {
      report(
        at,
        `"${part.trim()}" is more than one field with its arguments.`,
        'Name one field. What is read of it follows from the mapping, or is in select.',
      );
      return none;
    }
    if (field.alias !== undefined || (field.directives ?? []).length > 0)
      report(at, `"${field.name.value}" has an alias or a directive.`, 'Remove it.');
    fields.push(field);
  }
  for (const field of fields)
    visit(field, {
      Variable: ({ name: { value } }) => {
        variables.add(value);
        if (!VARIABLES.includes(value))
          report(
            at,
            `The variable "$${value}" has no value.`,
            didYouMean(value, VARIABLES).trim() || 'Use $key, $keys or $after, or write a constant.',
          );
      },
      StringValue: ({ value }) => {
        if (/\$(keys?|after)\b|\{keys?[|}]/.test(value))
          report(
            at,
            'A key would become part of a text.',
            'Write $key or $keys as the whole value of an argument, without quotes.',
          );
      },
    });
  return {
    names: fields.map(({ name }) => name.value),
    texts: fields.map((field) => stripIgnoredCharacters(print(field))),
    variables,
  };
}

/** Splits a chain at the dots between its fields. */
function chainOf(text: string): string[] {
  const parts: string[] = [];
  let part = '';
  let depth = 0;
  for (const [token] of text.matchAll(/"""[^]*?"""|"(?:\\.|[^"\\\n])*"|[^]/g)) {
    if (/^[([{]$/.test(token)) depth += 1;
    else if (/^[)\]}]$/.test(token)) depth -= 1;
    if (token === '.' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += token;
  }
  return [...parts, part];
}

/** The selection of a text such as `{ id name }`. Undefined if it is not a selection, which is reported. */
function parseSelection(text: string, report: (problem: string) => void): SelectionSetNode | undefined {
  try {
    const { definitions } = parse(text, { noLocation: true, maxLexicalTokens: MAX_TOKENS });
    const [query] = definitions;
    if (
      definitions.length === 1 &&
      query?.kind === Kind.OPERATION_DEFINITION &&
      text.trimStart().startsWith('{')
    )
      return query.selectionSet;
    report('it is not one selection.');
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    report(error.message.endsWith('.') ? error.message : `${error.message}.`);
  }
  return undefined;
}

/** Fields with the fields below them, by name. A field without any is a leaf. */
export type Selection = Map<string, Selection>;

/** The selection as GraphQL, without braces. */
export function printSelection(selection: Selection): string {
  return [...selection]
    .map(([name, below]) => (below.size === 0 ? name : `${name}{${printSelection(below)}}`))
    .join(' ');
}

/** Adds the fields of a path to a selection. Returns the selection below the last one. */
export function addPath(selection: Selection, path: string, { place, report }: CompileContext): Selection {
  // "*": an object that contains its own type.
  if (path.endsWith('.*')) {
    report(
      place,
      `"${path.slice(0, -2)}" is an object of a type that contains itself, so its selection has no end.`,
      'Add select, with the fields to read: { id parent { id } }.',
    );
    return selection;
  }
  return namesIn(path).reduce((at, name) => {
    if (!/^[_A-Za-z]\w*$/.test(name))
      report(
        place,
        `"${name}" is read, and is not a name of GraphQL.`,
        'Map the field to one: { from: name }.',
      );
    const below = at.get(name) ?? (new Map() as Selection);
    at.set(name, below);
    return below;
  }, selection);
}

/** The names in a path. A text that is not a path has been reported where it is read. */
export function namesIn(path: string): string[] {
  return (stepsOf(path) ?? []).filter((step) => typeof step === 'string');
}

/** Compiles `select`: the selection as GraphQL without braces, and a check of the paths that are read. */
export function compileSelect(
  text: string,
  { place, report }: CompileContext,
): { text: string; check: (paths: readonly string[]) => void } {
  const at = [...place, 'select'];
  const set = parseSelection(text, (problem) => {
    report(
      at,
      `"select" is not a selection in GraphQL: ${problem}`,
      'Write fields in braces, such as { id name }.',
    );
  });
  if (set === undefined) return { text: '', check: () => undefined };
  const refuse = (what: string): void => {
    report(at, `"select" has ${what}.`, 'Write fields with constant arguments, and fragments in place.');
  };
  visit(set, {
    Variable: ({ name }) => {
      refuse(`the variable "$${name.value}"`);
    },
    Directive: ({ name }) => {
      refuse(`the directive "@${name.value}"`);
    },
    FragmentSpread: ({ name }) => {
      refuse(`the fragment "${name.value}"`);
    },
  });
  return {
    text: stripIgnoredCharacters(print(set)).slice(1, -1),
    check: (paths) => {
      for (const path of new Set(paths)) {
        const missing = missingIn(set, namesIn(path.replace(/\.\*$/, '')));
        if (missing === undefined) continue;
        const nearest = didYouMean(missing.name, missing.known).trim();
        report(
          at,
          `The mapping reads "${path}", and "select" has no "${missing.name}".`,
          nearest === '' ? 'Add it.' : nearest,
        );
      }
    },
  };
}

/** The first name of a path that a selection does not have. */
function missingIn(
  set: SelectionSetNode,
  [name, ...rest]: readonly string[],
): { name: string; known: string[] } | undefined {
  if (name === undefined) return undefined;
  const fields = fieldsIn(set);
  const found = fields.filter((field) => (field.alias ?? field.name).value === name);
  if (found.length === 0) return { name, known: fields.map((field) => (field.alias ?? field.name).value) };
  // A scalar of the system may have members, such as one of JSON.
  const below = found.flatMap(({ selectionSet }) => selectionSet?.selections ?? []);
  return below.length === 0 ? undefined : missingIn({ kind: Kind.SELECTION_SET, selections: below }, rest);
}

function fieldsIn({ selections }: SelectionSetNode): FieldNode[] {
  return selections.flatMap((selection) => {
    if (selection.kind === Kind.FIELD) return [selection];
    return selection.kind === Kind.INLINE_FRAGMENT ? fieldsIn(selection.selectionSet) : [];
  });
}
