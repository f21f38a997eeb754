import {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Node,
} from 'yaml';
import type { DeclarationProblem, Place } from './problems.js';

/** The parser needs too much time for a larger declaration. */
const MAX_CHARACTERS = 16_384;
const MAX_LINES = 1_000;
const MAX_LINE_CHARACTERS = 2_000;
const MAX_FLOW_DEPTH = 12;
const MAX_PROBLEMS = 100;

/** A parsed YAML file. It reports problems with their line and column. */
export class YamlFile {
  /** The content as plain values; undefined if the file could not be parsed. */
  readonly value: unknown;
  readonly problems: DeclarationProblem[] = [];
  readonly #name: string;
  readonly #lines = new LineCounter();
  readonly #contents: Node | null = null;

  constructor(name: string, text: string) {
    this.#name = name;
    const refusal = refusalOf(text);
    if (refusal !== undefined) {
      this.problems.push({ file: name, column: 1, ...refusal });
      return;
    }
    const document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      stringKeys: true,
      // Checked below: the parser's own check takes quadratic time.
      uniqueKeys: false,
    });
    for (const { code, pos, message } of document.errors)
      if (code === 'MULTIPLE_DOCS')
        this.#reportAt(pos[0], 'The file has several documents.', 'Declare one system in a file.');
      else this.#reportAt(pos[0], `The YAML is not valid: ${firstLine(message)}.`, 'Correct the syntax.');
    if (this.problems.length > 0) return;
    this.#contents = document.contents;
    this.#checkNodes();
    if (this.problems.length > 0) return;
    this.value = document.toJS({ maxAliasCount: 0 });
  }

  /** Reports a problem at a value. If the value is missing, at the nearest value around it. */
  report = (place: Place, problem: string, remedy: string): void => {
    this.#reportAt(this.#offsetOf(place), problem, remedy);
  };

  #reportAt(offset: number, problem: string, remedy: string): void {
    if (this.problems.length >= MAX_PROBLEMS) return;
    const { line, col } = this.#lines.linePos(offset);
    this.problems.push({
      file: this.#name,
      line: Math.max(1, line),
      column: Math.max(1, col),
      problem,
      remedy,
    });
  }

  /** Refuses aliases and tags, which would produce values that the text does not show, and repeated keys. */
  #checkNodes(): void {
    visit(this.#contents, (_, node) => {
      if (isAlias(node) || (isNode(node) && (node.tag !== undefined || ('anchor' in node && node.anchor)))) {
        this.#reportAt(
          node.range?.[0] ?? 0,
          'Anchors, aliases and tags are not supported.',
          'Write the value out.',
        );
      } else if (isMap(node)) {
        const seen = new Set<unknown>();
        for (const { key } of node.items) {
          if (!isScalar(key)) continue;
          if (seen.has(key.value))
            this.#reportAt(
              key.range?.[0] ?? 0,
              `"${String(key.value)}" is declared twice.`,
              'Remove one of them.',
            );
          seen.add(key.value);
        }
      }
    });
  }

  #offsetOf(place: Place): number {
    let node: unknown = this.#contents;
    let offset = 0;
    for (const member of place) {
      if (isMap(node)) {
        const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(member));
        if (pair === undefined) break;
        offset = isScalar(pair.key) ? (pair.key.range?.[0] ?? offset) : offset;
        node = pair.value;
      } else if (isSeq(node)) {
        node = node.items[Number(member)];
        if (isPair(node) || !isNode(node)) break;
        offset = node.range?.[0] ?? offset;
      } else break;
    }
    return offset;
  }
}

/** Why a text is not parsed; undefined if it can be. Bounds the time that the parser takes. */
function refusalOf(text: string): { line: number; problem: string; remedy: string } | undefined {
  if (text.length > MAX_CHARACTERS)
    return {
      line: 1,
      problem: `The file has more than ${MAX_CHARACTERS} characters.`,
      remedy: 'Declare one system in a file, and only what it needs.',
    };
  const lines = text.split('\n');
  if (lines.length > MAX_LINES)
    return {
      line: MAX_LINES + 1,
      problem: `The file has more than ${MAX_LINES} lines.`,
      remedy: 'Declare one system in a file, and only what it needs.',
    };
  let depth = 0;
  let unopened = 0;
  for (const [i, line] of lines.entries()) {
    const at = { line: i + 1, problem: 'This line is nested too deeply.' };
    const remedy = 'Write one member on a line, with block style.';
    if (line.length > MAX_LINE_CHARACTERS)
      return { ...at, problem: `This line has more than ${MAX_LINE_CHARACTERS} characters.`, remedy };
    if (/^[\s-]*[?:](\s|$)|[[{,]\s*\?/.test(line) || /^%|^\s*(?:[-:]\s+){5}|^\s{60}|\t/.test(line))
      return {
        ...at,
        problem: 'This line has a tab, a directive, an explicit key or too many levels.',
        remedy,
      };
    for (const character of line) {
      if (character === '[' || character === '{') depth += 1;
      else if (character === ']' || character === '}') {
        unopened += depth === 0 ? 1 : 0;
        depth = Math.max(0, depth - 1);
      }
      // A few brackets may be part of texts.
      if (depth > MAX_FLOW_DEPTH || unopened > MAX_FLOW_DEPTH) return { ...at, remedy };
    }
  }
  return undefined;
}

function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').replace(/[.:]$/, '');
}
