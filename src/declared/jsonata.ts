import { createRequire } from 'node:module';
import type jsonata from 'jsonata';
import { didYouMean } from '../did-you-mean.js';
import { Mismatch, type Read } from './path.js';
import type { Place, Report } from './problems.js';

/** Expressions of mappings, in a part of JSONata whose work is bounded. */

const MAX_CHARACTERS = 1_000;
/** The work for one value, in units: a value that is read costs one, an evaluated part of the expression ten. About 4 ms. */
const MAX_WORK = 10_000;
const WORK_OF_STEP = 10;
const CHARACTERS_OF_UNIT = 100;
/** Some functions compare each item with each other. */
const MAX_ITEMS = 1_000;
const MAX_TEXT_CHARACTERS = 10_000;
const MAX_PAD_WIDTH = 100;

/** Functions that call no other function, and whose result is bounded by their arguments. */
const FUNCTIONS = new Set(
  (
    'abs append average boolean ceil contains count distinct exists floor formatNumber join keys length lowercase max merge min ' +
    'not number pad replace reverse round sort split spread string substring substringAfter substringBefore sum trim type ' +
    'uppercase zip'
  ).split(' '),
);
/** Functions and operators whose results are rounded. */
const ROUNDING = new Set('+ - * / % abs average ceil floor max min number round sum'.split(' '));
const NODES = new Set(
  'apply binary bind block condition filter function index name number path sort string unary value variable'.split(
    ' ',
  ),
);
const REFUSED: Readonly<Record<string, string>> = {
  lambda: 'A function definition',
  partial: 'A partial function',
  transform: 'A transformation',
  regex: 'A regular expression',
  wildcard: '"*"',
  descendant: '"**"',
  parent: '"%"',
};
/** Named conversions that do the same as a function. */
const CONVERSIONS: Readonly<Record<string, string>> = {
  lowercase: 'text: lower',
  uppercase: 'text: upper',
  trim: 'text: trim',
  number: 'number: fromText',
};

interface JsonataOptions {
  /** Whether the field is a list. */
  isList: boolean;
  /** Whether the field is a decimal or a large whole number. */
  isExact: boolean;
  place: Place;
  report: Report;
}

type AstNode = Readonly<Record<string, unknown>> & { type: string };

/** Compiles an expression. `paths` are the members of the record that it reads. Undefined if it is refused, which is reported. */
export function compileJsonata(
  text: string,
  options: JsonataOptions,
): { read: Read; paths: readonly string[] } | undefined {
  const { isList, place, report } = options;
  if (text.length > MAX_CHARACTERS) {
    report(
      place,
      `The expression has more than ${MAX_CHARACTERS} characters.`,
      'Map the field in code: see sources/README.md.',
    );
    return undefined;
  }
  const library = loadLibrary();
  if (library === undefined) {
    report(place, 'The package "jsonata" is not installed.', 'Install it: npm install jsonata@1.8.9.');
    return undefined;
  }
  let expression: jsonata.Expression;
  try {
    expression = library(text);
  } catch (error) {
    const { message = 'it is nested too deeply', position } = error as {
      message?: string;
      position?: number;
    };
    report(
      place,
      `The JSONata is not valid${position === undefined ? '' : ` at character ${position}`}: ${message}.`,
      'Correct the expression.',
    );
    return undefined;
  }
  const ast = expression.ast() as unknown as AstNode;
  const checked = new CheckedExpression(ast, options);
  const simpler = simplerMapping(ast, isList);
  if (simpler !== undefined)
    report(place, 'The expression does what a mapping without JSONata does.', `Write ${simpler}.`);
  if (!checked.isAllowed || simpler !== undefined) return undefined;
  return { read: reader(expression, isList), paths: checked.paths };
}

/** Version 1 evaluates synchronously, as rows are mapped. In version 2 each part of an expression is a promise. */
function loadLibrary(): typeof jsonata | undefined {
  try {
    return createRequire(import.meta.url)('jsonata') as typeof jsonata;
  } catch {
    return undefined;
  }
}

function reader(expression: jsonata.Expression, isList: boolean): Read {
  let work = 0;
  const spend = (units: number): void => {
    work += units;
    if (work > MAX_WORK) throw new Mismatch('JSONata', 'a record that needs less work');
  };
  const spendOn = (value: unknown): void => {
    if (typeof value === 'string') {
      if (value.length > MAX_TEXT_CHARACTERS)
        throw new Mismatch('JSONata', `a text of at most ${MAX_TEXT_CHARACTERS} characters`);
      spend(1 + value.length / CHARACTERS_OF_UNIT);
    } else if (Array.isArray(value)) {
      if (value.length > MAX_ITEMS) throw new Mismatch('JSONata', `a list of at most ${MAX_ITEMS} items`);
      spend(1);
      for (const item of value) spendOn(item);
    } else if (typeof value === 'object' && value !== null) {
      spend(1);
      for (const member of Object.values(value)) spendOn(member);
    } else spend(1);
  };
  // The library calls these for each part of the expression. A wall clock would refuse records of a busy process.
  const bindings = {
    __evaluate_entry: () => {
      spend(WORK_OF_STEP);
    },
    __evaluate_exit: (part: AstNode, _input: unknown, _environment: unknown, result: unknown) => {
      // "$" and "$$" are the current value and the record. Their members are counted when they are read.
      if (part.type !== 'variable' || (part['value'] !== '' && part['value'] !== '$')) spendOn(result);
    },
  };
  return (record) => {
    work = 0;
    let value: unknown;
    try {
      value = expression.evaluate(record, bindings);
    } catch (error) {
      if (error instanceof Mismatch) throw error;
      // The message of the library may have values of the record.
      const { code = 'JSONata' } = error as { code?: string };
      throw new Mismatch('JSONata', `a record that the expression can read (${code})`);
    }
    // JSONata makes no difference between a value and a list of one.
    if (isList) return value === undefined ? [] : Array.isArray(value) ? [...(value as unknown[])] : [value];
    return value;
  };
}

/** The path of the value that has the named member. Undefined if the value is not part of the record. */
type At = readonly string[] | undefined;

/** Checks all parts of an expression, and collects the members of the record that it reads. */
class CheckedExpression {
  isAllowed = true;
  readonly #paths = new Map<string, readonly string[]>();
  readonly #variables: ReadonlySet<string>;
  readonly #options: JsonataOptions;

  constructor(ast: AstNode, options: JsonataOptions) {
    this.#options = options;
    this.#variables = boundVariables(ast);
    for (const name of this.#variables)
      // The hooks of the library are such variables.
      if (FUNCTIONS.has(name) || name.startsWith('_'))
        this.#refuse(ast, `The variable "$${name}" cannot be bound`, 'Use another name.');
    this.#check(ast, []);
  }

  /** Without the path of an object if paths of its members are read too. */
  get paths(): readonly string[] {
    const all = [...this.#paths.values()];
    const isLeaf = (path: readonly string[]) =>
      !all.some((other) => other.length > path.length && path.every((name, i) => name === other[i]));
    return all.filter(isLeaf).map((path) => path.map(nameInPath).join('.'));
  }

  #refuse({ position }: AstNode, what: string, remedy: string): void {
    this.isAllowed = false;
    const where = typeof position === 'number' ? ` (at character ${position})` : '';
    this.#options.report(this.#options.place, `${what}${where}.`, remedy);
  }

  #check(node: AstNode, at: At): void {
    const { type, value } = node;
    if (!NODES.has(type)) {
      this.#refuse(
        node,
        `${REFUSED[type] ?? `"${type}"`} is not allowed in a mapping`,
        'Its work would have no bound. Use paths, conditions, predicates and functions, or map the field in code.',
      );
      return;
    }
    if (type === 'binary' && value === '..')
      this.#refuse(node, 'A range is not allowed in a mapping', 'Use the lists of the record.');
    if (type === 'binary' || type === 'function') this.#checkRounding(node);
    switch (type) {
      case 'name':
        this.#checkName(node, at);
        return;
      case 'variable':
        this.#checkVariable(node, at);
        return;
      case 'path':
        this.#checkPath(node, at);
        return;
      case 'function':
        this.#checkCall(node, at);
        break;
      case 'apply':
        this.#checkApplication(node, at);
        return;
      case 'bind':
        this.#check(node['rhs'] as AstNode, at);
        return;
    }
    this.#checkParts(node, at, ['procedure']);
  }

  #checkParts(node: AstNode, at: At, except: readonly string[] = []): void {
    for (const [member, part] of Object.entries(node))
      if (!except.includes(member)) {
        // A predicate is evaluated on the result of its expression. Only that of a path has a place in the record.
        const isOfResult = ['stages', 'predicate', 'group'].includes(member);
        const isOfPath = node.type === 'name' || node.type === 'path';
        for (const child of nodesIn(part)) this.#check(child, isOfResult && !isOfPath ? undefined : at);
      }
  }

  /** Each step, and its predicates, are evaluated on the values of the step before. */
  #checkPath(node: AstNode, at: At): void {
    const steps = node['steps'] as readonly AstNode[];
    let current = at;
    steps.forEach((step, i) => {
      const isReference = step.type === 'variable' && (step['value'] === '$' || step['value'] === '');
      if (i === 0 && isReference && steps.length > 1) {
        if (step['value'] === '$') current = [];
        this.#checkParts(step, current);
        return;
      }
      this.#check(step, current);
      if (step.type === 'name') current = current && [...current, String(step['value'])];
      else if (step.type !== 'sort') current = undefined;
    });
    this.#checkParts(node, current, ['steps']);
  }

  #checkName(node: AstNode, at: At): void {
    const name = String(node['value']);
    const path = at && [...at, name];
    if (name in Object.prototype || /["\\]/.test(name))
      this.#refuse(node, `"${name}" is not a name of a member`, 'Use the names of members.');
    else if (path !== undefined) this.#paths.set(JSON.stringify(path), path);
    this.#checkParts(node, path);
  }

  #checkVariable(node: AstNode, at: At): void {
    const name = String(node['value']);
    if (name === '$' || (name === '' && at?.length === 0))
      this.#refuse(node, 'The record as a whole is not a value', 'Name members, such as $$.status.');
    else if (name !== '' && !this.#variables.has(name))
      this.#refuse(
        node,
        `The variable "$${name}" has no value`,
        FUNCTIONS.has(name) ? `Call it: $${name}(...).` : 'Bind it with :=, or remove it.',
      );
    this.#checkParts(node, undefined);
  }

  /** The call on the right of "~>" has the value on the left as its first argument. */
  #checkApplication(node: AstNode, at: At): void {
    const [left, right] = [node['lhs'] as AstNode, node['rhs'] as AstNode];
    this.#check(left, at);
    if (right.type === 'function') {
      this.#checkCall(right, undefined);
      this.#checkParts(right, at, ['procedure']);
    } else {
      this.#refuse(node, '"~>" needs a call on its right', 'Write a call, such as name ~> $trim().');
      this.#check(right, at);
    }
  }

  #checkCall(node: AstNode, at: At): void {
    const procedure = node['procedure'] as AstNode;
    const name = String(procedure['value']);
    const [first, width] = node['arguments'] as readonly AstNode[];
    if (procedure.type !== 'variable') this.#check(procedure, at);
    else if (!FUNCTIONS.has(name))
      this.#refuse(
        node,
        `The function "$${name}" is not allowed in a mapping`,
        didYouMean(name, [...FUNCTIONS]).trim() || `Use one of ${[...FUNCTIONS].join(', ')}.`,
      );
    else if (
      name === 'pad' &&
      !(width?.type === 'number' && Math.abs(Number(width['value'])) <= MAX_PAD_WIDTH)
    )
      this.#refuse(node, 'The width of $pad is not a small number', `Write a number up to ${MAX_PAD_WIDTH}.`);
    else if (first === undefined && at?.length === 0)
      this.#refuse(node, `The function "$${name}" has no argument`, 'Write a value that it takes.');
  }

  #checkRounding(node: AstNode): void {
    const name = String(node.type === 'binary' ? node['value'] : (node['procedure'] as AstNode)['value']);
    if (this.#options.isExact && ROUNDING.has(name))
      this.#refuse(
        node,
        `"${name}" may round numbers, and the field is exact`,
        'Use a value of the system, or the type Float.',
      );
  }
}

function nodesIn(part: unknown): AstNode[] {
  if (Array.isArray(part)) return part.flatMap(nodesIn);
  if (typeof part !== 'object' || part === null) return [];
  return 'type' in part && typeof part.type === 'string'
    ? [part as AstNode]
    : Object.values(part).flatMap(nodesIn);
}

/** The variables that an expression binds: by `:=`, and by `@` and `#` of a path. */
function boundVariables(node: AstNode): Set<string> {
  const { focus, index } = node;
  const assigned = node.type === 'bind' ? (node['lhs'] as AstNode)['value'] : undefined;
  const names = [assigned, focus, index].filter((name) => typeof name === 'string');
  return new Set([
    ...names,
    ...Object.values(node)
      .flatMap(nodesIn)
      .flatMap((child) => [...boundVariables(child)]),
  ]);
}

/** The mapping that does the same as an expression. Undefined if there is none. */
function simplerMapping(ast: AstNode, isList: boolean): string | undefined {
  // A path of JSONata goes through lists, and one of a mapping does not.
  if (isList) return undefined;
  const path = plainPath(ast);
  if (path !== undefined) return `from: ${path}`;
  if (ast.type !== 'function') return undefined;
  const conversion = CONVERSIONS[String((ast['procedure'] as AstNode)['value'])];
  const [argument, ...others] = ast['arguments'] as readonly AstNode[];
  const from = argument === undefined || others.length > 0 ? undefined : plainPath(argument);
  return conversion === undefined || from === undefined ? undefined : `{ from: ${from}, ${conversion} }`;
}

function nameInPath(name: string): string {
  return /[.[\]]/.test(name) ? `"${name}"` : name;
}

/** The text of a path that has names and indexes only. */
function plainPath({ type, steps, group }: AstNode): string | undefined {
  if (type !== 'path' || group !== undefined) return undefined;
  const parts = (steps as readonly AstNode[]).map(({ type: step, value, stages = [], ...rest }) => {
    const indexes = (stages as readonly AstNode[]).map((stage) => stage['expr'] as AstNode | undefined);
    const isPlain =
      step === 'name' &&
      !('group' in rest || 'focus' in rest || 'index' in rest) &&
      indexes.every((expr) => expr?.type === 'number' && Number(expr['value']) >= 0);
    const name = nameInPath(String(value));
    return isPlain ? `${name}${indexes.map((expr) => `[${String(expr?.['value'])}]`).join('')}` : undefined;
  });
  return parts.includes(undefined) ? undefined : parts.join('.');
}
