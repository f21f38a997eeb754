import sax from 'sax';
import { InvalidInputError } from '../errors.js';

/** Reads the XML of a description: `$metadata`, or a WSDL. */

export interface XmlElement {
  /** The name without its prefix. */
  name: string;
  /** By name, without the prefix if it has one. */
  attributes: Readonly<Record<string, string>>;
  children: readonly XmlElement[];
  /** The text in it, without that of its children. */
  text: string;
}

const MAX_ELEMENTS = 500_000;
const MAX_DEPTH = 100;

interface OpenElement extends XmlElement {
  children: OpenElement[];
}

/** Only a document type can declare entities, internal or external, so it is refused. */
export function readXmlTree(text: string, what: string): XmlElement {
  const refuse = (reason: string, cause?: unknown) =>
    new InvalidInputError(`${what} cannot be read: ${reason}.`, { cause });
  const root: OpenElement = { name: '', attributes: {}, children: [], text: '' };
  const open: OpenElement[] = [root];
  let count = 0;
  const parser = sax.parser(true);
  parser.onerror = (error) => {
    throw refuse('it is not XML', error);
  };
  parser.ondoctype = () => {
    throw refuse('it has a document type');
  };
  parser.onopentag = ({ name, attributes }) => {
    count += 1;
    if (count > MAX_ELEMENTS) throw refuse(`it has more than ${MAX_ELEMENTS} elements`);
    if (open.length > MAX_DEPTH) throw refuse(`its elements are more than ${MAX_DEPTH} deep`);
    const element: OpenElement = {
      name: withoutPrefix(name),
      attributes: Object.fromEntries(
        Object.entries(attributes).map(([attribute, value]) => [withoutPrefix(attribute), String(value)]),
      ),
      children: [],
      text: '',
    };
    open.at(-1)?.children.push(element);
    open.push(element);
  };
  parser.onclosetag = () => {
    open.pop();
  };
  const addText = (part: string): void => {
    const element = open.at(-1);
    if (element !== undefined) element.text += part;
  };
  parser.ontext = addText;
  parser.oncdata = addText;
  parser.write(text.replace(/^\uFEFF/, '')).close();
  const [document] = root.children;
  if (document === undefined) throw refuse('it has no element');
  return document;
}

function withoutPrefix(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

export function childrenOf(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => child.name === name);
}

/** All elements of a name, at any depth. */
export function elementsIn(element: XmlElement, name: string): XmlElement[] {
  return element.children.flatMap((child) => [
    ...(child.name === name ? [child] : []),
    ...elementsIn(child, name),
  ]);
}
