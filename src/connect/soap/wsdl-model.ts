import { InvalidInputError } from '../../errors.js';
import { childrenOf, elementsIn, readXmlTree, type XmlElement } from '../xml-tree.js';

/** Reads a WSDL 1.1 with the schemas that it imports. */

export interface WsdlModel {
  operations: readonly SoapOperation[];
  /** Operations that cannot be called, and why. */
  refused: readonly { operation: string; reason: string }[];
  /** The address of the service in the WSDL. */
  address: string | undefined;
  version: '1.1' | '1.2';
}

export interface SoapOperation {
  name: string;
  input: readonly XmlPart[];
  output: readonly XmlPart[];
}

/** An element of a message. */
export interface XmlPart {
  name: string;
  description?: string;
  isList: boolean;
  isOptional: boolean;
  /** The built-in type of XML Schema, such as `date`. Only for text. */
  type?: string;
  values?: readonly string[];
  /** The elements inside this one. */
  children?: readonly XmlPart[];
}

/** Reads a document that another one imports. */
export type ReadDocument = (location: string, from: string) => Promise<{ text: string; at: string }>;

const XML_SCHEMA = 'http://www.w3.org/2001/XMLSchema';
const SOAP_12 = 'http://schemas.xmlsoap.org/wsdl/soap12/';
const MAX_DOCUMENTS = 8;
const MAX_DEPTH = 6;

export async function readWsdl(text: string, at: string, read: ReadDocument): Promise<WsdlModel> {
  const documents: { root: XmlElement; at: string }[] = [{ root: readXmlTree(text, 'The WSDL'), at }];
  if (documents[0]?.root.name !== 'definitions')
    throw new InvalidInputError(
      'The document is not a WSDL 1.1. Check the address: it often ends with ?wsdl.',
    );
  const seen = new Set([at]);
  for (const { root, at: from } of documents)
    for (const location of importsOf(root)) {
      if (documents.length >= MAX_DOCUMENTS)
        throw new InvalidInputError(`The WSDL imports more than ${MAX_DOCUMENTS} documents.`);
      const found = await read(location, from);
      if (seen.has(found.at)) continue;
      seen.add(found.at);
      documents.push({ root: readXmlTree(found.text, 'A document that the WSDL imports'), at: found.at });
    }
  return new WsdlReader(documents.map(({ root }) => root)).read();
}

function importsOf(root: XmlElement): string[] {
  return ['import', 'include'].flatMap((name) =>
    elementsIn(root, name).flatMap(
      ({ attributes }) => attributes['schemaLocation'] ?? attributes['location'] ?? [],
    ),
  );
}

interface Schema {
  element: XmlElement;
  namespace: string;
  prefixes: Readonly<Record<string, string>>;
}

interface Defined {
  element: XmlElement;
  schema: Schema;
}

class WsdlReader {
  readonly #roots: readonly XmlElement[];
  /** Elements and types of the schemas, by kind, namespace and name. */
  readonly #defined = new Map<string, Defined>();

  constructor(roots: readonly XmlElement[]) {
    this.#roots = roots;
    for (const root of roots)
      for (const element of root.name === 'schema' ? [root] : elementsIn(root, 'schema')) {
        const namespace = element.attributes['targetNamespace'] ?? '';
        const schema = { element, namespace, prefixes: { ...root.attributes, ...element.attributes } };
        for (const child of element.children) {
          const kind = child.name === 'element' ? 'element' : 'type';
          const { name } = child.attributes;
          if (name !== undefined)
            this.#defined.set(`${kind} ${namespace} ${name}`, { element: child, schema });
        }
      }
  }

  read(): WsdlModel {
    const bindings = this.#all('binding').map((element) => ({
      element,
      transport: childrenOf(element, 'binding')[0],
    }));
    const soap = bindings.filter(({ transport }) => transport !== undefined);
    const operations = new Map<string, SoapOperation>();
    const refused = new Map<string, string>();
    for (const { element, transport } of soap)
      for (const bound of childrenOf(element, 'operation')) {
        const name = bound.attributes['name'] ?? '';
        const style =
          childrenOf(bound, 'operation')[0]?.attributes['style'] ??
          transport?.attributes['style'] ??
          'document';
        const isLiteral = elementsIn(bound, 'body').every(
          ({ attributes }) => attributes['use'] !== 'encoded',
        );
        const messages = this.#messagesOf(local(element.attributes['type'] ?? ''), name);
        if (style !== 'document' || !isLiteral) refused.set(name, 'it is not of the style document/literal');
        else if (messages === undefined) refused.set(name, 'its messages are not one element each');
        else operations.set(name, { name, ...messages });
      }
    return {
      operations: [...operations.values()],
      refused: [...refused]
        .filter(([name]) => !operations.has(name))
        .map(([operation, reason]) => ({ operation, reason })),
      address: this.#all('port')
        .flatMap((port) => childrenOf(port, 'address'))
        .find(({ attributes }) => attributes['location'] !== undefined)?.attributes['location'],
      // If the service has both versions, the connector uses SOAP 1.1, as most clients do.
      version:
        this.#roots.some((root) => Object.values(root.attributes).includes(SOAP_12)) && !this.#has11()
          ? '1.2'
          : '1.1',
    };
  }

  #has11(): boolean {
    return this.#roots.some((root) =>
      Object.values(root.attributes).includes('http://schemas.xmlsoap.org/wsdl/soap/'),
    );
  }

  #all(name: string): XmlElement[] {
    return this.#roots
      .flatMap((root) => elementsIn(root, name))
      .filter(({ attributes }) => 'name' in attributes);
  }

  #messagesOf(port: string, operation: string): Pick<SoapOperation, 'input' | 'output'> | undefined {
    const portType = this.#all('portType').find(({ attributes }) => attributes['name'] === port);
    const found =
      portType === undefined
        ? undefined
        : childrenOf(portType, 'operation').find(({ attributes }) => attributes['name'] === operation);
    const [input, output] = ['input', 'output'].map((direction) => {
      const message = local(
        (found === undefined ? undefined : childrenOf(found, direction)[0])?.attributes['message'] ?? '',
      );
      const parts = this.#all('message')
        .filter(({ attributes }) => attributes['name'] === message)
        .flatMap((element) => childrenOf(element, 'part'));
      const [part, ...others] = parts.flatMap(({ attributes }) => attributes['element'] ?? []);
      return part === undefined || others.length > 0 ? undefined : this.#elementNamed(part)?.children;
    });
    return input === undefined || output === undefined ? undefined : { input, output };
  }

  /** An element of a message by its name. The prefix of a message part may be declared anywhere, so only the name decides. */
  #elementNamed(name: string): XmlPart | undefined {
    const [, found] =
      [...this.#defined].find(([key]) => key.startsWith('element ') && key.endsWith(` ${local(name)}`)) ?? [];
    if (found === undefined) return undefined;
    const part = this.#partOf(found, 0);
    return part === undefined ? undefined : { ...part, children: part.children ?? [] };
  }

  #find(kind: 'element' | 'type', name: string, { prefixes, namespace }: Schema): Defined | undefined {
    const rest = local(name);
    const prefix = name.includes(':') ? name.slice(0, name.indexOf(':')) : undefined;
    const uri = prefix === undefined ? (prefixes['xmlns'] ?? namespace) : prefixes[prefix];
    return (
      this.#defined.get(`${kind} ${uri ?? ''} ${rest}`) ?? this.#defined.get(`${kind} ${namespace} ${rest}`)
    );
  }

  /** Undefined if the element cannot be read: it allows any element, or it is circular. */
  #partOf({ element, schema }: Defined, depth: number): XmlPart | undefined {
    const { ref, name, type, minOccurs, maxOccurs = '1', nillable } = element.attributes;
    const occurs = {
      isList: maxOccurs !== '1' && maxOccurs !== '0',
      isOptional: minOccurs === '0' || nillable === 'true',
    };
    if (ref !== undefined) {
      const referred = this.#find('element', ref, schema);
      const part = referred === undefined ? undefined : this.#partOf(referred, depth);
      return part === undefined ? undefined : { ...part, ...occurs };
    }
    if (name === undefined || depth > MAX_DEPTH) return undefined;
    const description = documentationOf(element);
    const base = { name, ...(description === undefined ? {} : { description }), ...occurs };
    const inner = element.children.find(
      (child) => child.name === 'complexType' || child.name === 'simpleType',
    );
    const content =
      inner === undefined
        ? this.#contentOf(type ?? 'anyType', schema, depth)
        : this.#typeOf({ element: inner, schema }, depth);
    return content === undefined ? undefined : { ...base, ...content };
  }

  #contentOf(
    type: string,
    schema: Schema,
    depth: number,
  ): Omit<XmlPart, 'name' | 'isList' | 'isOptional'> | undefined {
    const found = this.#find('type', type, schema);
    if (found !== undefined) return this.#typeOf(found, depth);
    const [prefix] = type.split(':');
    const isBuiltIn = !type.includes(':') || schema.prefixes[prefix ?? ''] === XML_SCHEMA;
    return isBuiltIn ? { type: local(type) } : undefined;
  }

  #typeOf(
    { element, schema }: Defined,
    depth: number,
  ): Omit<XmlPart, 'name' | 'isList' | 'isOptional'> | undefined {
    if (element.name === 'simpleType') {
      const [restriction] = childrenOf(element, 'restriction');
      // A list or a union of types is read as text.
      if (restriction === undefined) return { type: 'string' };
      const values = childrenOf(restriction, 'enumeration').map(
        ({ attributes }) => attributes['value'] ?? '',
      );
      const base = this.#contentOf(restriction.attributes['base'] ?? 'string', schema, depth + 1);
      return { ...base, ...(values.length === 0 ? {} : { values }) };
    }
    const extension = elementsIn(element, 'extension')[0];
    const hasAttributes = elementsIn(element, 'attribute').length > 0;
    if (childrenOf(element, 'simpleContent').length > 0)
      return hasAttributes || extension === undefined
        ? undefined
        : this.#contentOf(extension.attributes['base'] ?? 'string', schema, depth + 1);
    const inherited =
      extension === undefined
        ? []
        : (this.#contentOf(extension.attributes['base'] ?? '', schema, depth + 1)?.children ?? []);
    return { children: [...inherited, ...this.#particles(extension ?? element, schema, depth + 1, false)] };
  }

  #particles(holder: XmlElement, schema: Schema, depth: number, isChoice: boolean): XmlPart[] {
    return holder.children.flatMap((child): XmlPart[] => {
      if (child.name === 'element') {
        const part = this.#partOf({ element: child, schema }, depth);
        return part === undefined ? [] : [isChoice ? { ...part, isOptional: true } : part];
      }
      if (/^(sequence|all|choice|complexContent)$/.test(child.name))
        return this.#particles(child, schema, depth, isChoice || child.name === 'choice');
      return [];
    });
  }
}

function local(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

function documentationOf(element: XmlElement): string | undefined {
  const text = childrenOf(element, 'annotation')
    .flatMap((annotation) => childrenOf(annotation, 'documentation'))[0]
    ?.text.replace(/\s+/g, ' ')
    .trim();
  return text === '' ? undefined : text;
}
