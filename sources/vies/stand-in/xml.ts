/** As much of reading XML as requests need: elements with namespaces, and text. */

export interface Element {
  namespace: string;
  name: string;
  children: Element[];
  text: string;
}

export class NotXmlError extends Error {
  override name = 'NotXmlError';
}

const token =
  /<\?[^]*?\?>|<!--[^]*?-->|<!\[CDATA\[([^]*?)\]\]>|<(\/?)([\w.-]+(?::[\w.-]+)?)((?:\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/gy;
const attribute = /([\w.:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The root element. Throws a NotXmlError for what is not well-formed, or has a document type. */
export function readXml(source: string): Element {
  const root: Element = { namespace: '', name: '', children: [], text: '' };
  const open: { element: Element; tag: string; scope: ReadonlyMap<string, string> }[] = [
    { element: root, tag: '', scope: new Map([['', '']]) },
  ];
  token.lastIndex = 0;
  const text = source.replace(/^\uFEFF/, '');
  while (token.lastIndex < text.length) {
    const found = token.exec(text);
    const top = open.at(-1);
    if (found === null || top === undefined) throw new NotXmlError('not well-formed');
    const [, cdata, slash, tag, attributes = '', isEmpty, characters] = found;
    if (cdata !== undefined) top.element.text += cdata;
    else if (characters !== undefined) top.element.text += unescape(characters);
    else if (tag === undefined) continue;
    else if (slash === '/') {
      if (top.tag !== tag || open.length === 1) throw new NotXmlError(`unexpected </${tag}>`);
      open.pop();
    } else {
      const scope = new Map(top.scope);
      for (const [, name = '', inDouble, inSingle] of attributes.matchAll(attribute))
        if (/^xmlns(:|$)/.test(name)) scope.set(name.slice(6), unescape(inDouble ?? inSingle ?? ''));
      const [local = '', prefix = ''] = tag.split(':').reverse();
      const namespace = scope.get(prefix);
      if (namespace === undefined) throw new NotXmlError(`the prefix ${prefix} is not declared`);
      const element = { namespace, name: local, children: [], text: '' };
      top.element.children.push(element);
      if (isEmpty !== '/') open.push({ element, tag, scope });
    }
  }
  const [only] = root.children;
  if (open.length > 1 || only === undefined || root.children.length > 1 || root.text.trim() !== '')
    throw new NotXmlError('not one whole element');
  return only;
}

function unescape(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (_, decimal?: string, hex?: string, name = '') => {
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    if (hex !== undefined) return String.fromCodePoint(parseInt(hex, 16));
    const character = named[name as string];
    if (character === undefined) throw new NotXmlError(`the entity &${name as string}; is not declared`);
    return character;
  });
}

export function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
