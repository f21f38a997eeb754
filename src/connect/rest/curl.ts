import { InvalidInputError } from '../../errors.js';

/** Parses a curl command. It is never run, and nothing in it is read from a file or from the environment. */

export interface CurlCommand {
  method: 'GET' | 'POST';
  url: URL;
  /** By name in lower case. */
  headers: Readonly<Record<string, string>>;
  body?: string;
}

const MAX_LENGTH = 100_000;

/** Options without a value that do not change the request. */
const FLAGS = new Set([
  ...[
    'silent',
    'show-error',
    'fail',
    'fail-with-body',
    'include',
    'verbose',
    'location',
    'compressed',
    'globoff',
    'no-progress-meter',
  ],
  ...[
    'http1.0',
    'http1.1',
    'http2',
    'http2-prior-knowledge',
    'http3',
    'ipv4',
    'ipv6',
    'tlsv1.2',
    'tlsv1.3',
    'no-buffer',
    'basic',
  ],
  ...['path-as-is', 'progress-bar', 'no-keepalive', 'tcp-nodelay', 'insecure', 'get'],
]);
/** Options with a value that do not change the request. */
const IGNORED = new Set([
  'user-agent',
  'referer',
  'max-time',
  'connect-timeout',
  'output',
  'retry',
  'retry-delay',
  'write-out',
  'limit-rate',
  'stderr',
]);
const DATA = new Set(['data', 'data-raw', 'data-binary', 'data-ascii', 'data-urlencode', 'json']);
const OTHERS = new Set(['request', 'header', 'user', 'url', 'oauth2-bearer']);
const SHORT: Readonly<Record<string, string>> = {
  ...{
    s: 'silent',
    S: 'show-error',
    f: 'fail',
    i: 'include',
    v: 'verbose',
    L: 'location',
    g: 'globoff',
    N: 'no-buffer',
  },
  ...{ k: 'insecure', G: 'get', '4': 'ipv4', '6': 'ipv6', '#': 'progress-bar' },
  ...{ A: 'user-agent', e: 'referer', m: 'max-time', o: 'output', w: 'write-out' },
  ...{ X: 'request', H: 'header', u: 'user', d: 'data' },
};

export function isCurl(text: string): boolean {
  return /^\s*(\$ )?curl\s/.test(text.slice(0, 200));
}

export function parseCurl(text: string): CurlCommand {
  if (text.length > MAX_LENGTH) throw refusal(`it has more than ${MAX_LENGTH} characters`);
  const [program, ...words] = shellWords(text.trim().replace(/^\$ /, ''));
  if (program !== 'curl') throw refusal('it does not begin with "curl"');
  const { options, urls } = optionsOf(words);
  const [address, ...others] = urls;
  if (address === undefined || others.length > 0) throw refusal('it must have one address');
  return commandOf(options, address);
}

interface Option {
  name: string;
  value: string;
}

function optionsOf(words: readonly string[]): { options: Option[]; urls: string[] } {
  const options: Option[] = [];
  const urls: string[] = [];
  const rest = [...words];
  const add = (name: string, written: string, inline?: string): void => {
    if (FLAGS.has(name)) {
      options.push({ name, value: '' });
      return;
    }
    if (!IGNORED.has(name) && !DATA.has(name) && !OTHERS.has(name))
      throw refusal(`the option ${written} is not supported. Remove it, or use an OpenAPI document`);
    const value = inline ?? rest.shift();
    if (value === undefined) throw refusal(`the option ${written} has no value`);
    if (name === 'url') urls.push(value);
    else options.push({ name, value });
  };
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word.startsWith('--')) {
      const [, name = '', inline] = /^--([\w.-]+)(?:=([\s\S]*))?$/.exec(word) ?? [];
      add(name, /^[\w.-]+$/.test(name) ? `--${name}` : 'that begins with --', inline);
    } else if (word.startsWith('-') && word.length > 1) addShort(word.slice(1), add);
    else urls.push(word);
  }
  return { options, urls };
}

/** Short options may be combined, such as `-sS`, and may contain their value, such as `-XPOST`. */
function addShort(letters: string, add: (name: string, written: string, inline?: string) => void): void {
  for (let at = 0; at < letters.length; at += 1) {
    const letter = letters.charAt(at);
    const name = SHORT[letter] ?? '';
    const rest = letters.slice(at + 1);
    const written = /^[\w#]$/.test(letter) ? `-${letter}` : 'that begins with -';
    if (FLAGS.has(name)) add(name, written);
    else {
      add(name, written, rest === '' ? undefined : rest);
      return;
    }
  }
}

function commandOf(options: readonly Option[], address: string): CurlCommand {
  const all = (name: string) => options.filter((option) => option.name === name).map(({ value }) => value);
  const url = urlOf(address);
  const headers: Record<string, string> = {};
  for (const line of all('header')) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) throw refusal('a header is not "Name: value"');
    if (value.startsWith('@')) throw refusal('a header is read from a file');
    headers[name.toLowerCase()] = value;
  }
  const user =
    all('user').at(-1) ??
    (url.username === ''
      ? undefined
      : `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`);
  if (user !== undefined)
    headers['authorization'] ??=
      `Basic ${Buffer.from(user.includes(':') ? user : `${user}:`).toString('base64')}`;
  const token = all('oauth2-bearer').at(-1);
  if (token !== undefined) headers['authorization'] ??= `Bearer ${token}`;
  if (headers['cookie'] !== undefined) throw refusal('a cookie ends with its session. Use a token');
  url.username = '';
  url.password = '';
  const data = options.filter(({ name }) => DATA.has(name));
  for (const { name, value } of data)
    if (value.startsWith('@') && name !== 'data-raw')
      throw refusal('the data is read from a file. Write it in the command');
  const isQuery = all('get').length > 0;
  if (isQuery) for (const part of data) addToQuery(url, part);
  const hasBody = data.length > 0 && !isQuery;
  if (data.some(({ name }) => name === 'json')) headers['content-type'] ??= 'application/json';
  const method = (all('request').at(-1) ?? (hasBody ? 'POST' : 'GET')).toUpperCase();
  if (method !== 'GET' && method !== 'POST')
    throw refusal(`its method is not GET or POST, so it may change something`);
  if (method === 'GET' && hasBody) throw refusal('a GET has no body. Use -G to send the data in the address');
  return { method, url, headers, ...(hasBody ? { body: data.map(({ value }) => value).join('&') } : {}) };
}

function urlOf(address: string): URL {
  const text = /^[a-z][a-z\d+.-]*:\/\//i.test(address) ? address : `http://${address}`;
  if (!URL.canParse(text)) throw refusal('its address is not valid');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw refusal('its address is not one of http or https');
  url.hash = '';
  return url;
}

function addToQuery(url: URL, { name, value }: Option): void {
  for (const pair of value.split('&')) {
    const at = pair.indexOf('=');
    const [key, text] = at === -1 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
    url.searchParams.append(key, name === 'data-urlencode' ? text : decoded(text));
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ n: '\n', t: '\t', r: '\r', a: '\u0007', b: '\b', e: '\u001b', f: '\f', v: '\v' },
  ...{ '\\': '\\', "'": "'", '"': '"', '?': '?' },
};

/** The words of a command as a POSIX shell reads them. Text that a shell would run or replace is refused. */
function shellWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  const take = (piece: string): void => {
    word = (word ?? '') + piece;
  };
  for (let at = 0; at < text.length;) {
    const char = text.charAt(at);
    const rest = text.slice(at);
    const continued = /^(?:\\|\^)\r?\n/.exec(rest);
    const ansi = /^\$'((?:[^'\\]|\\[\s\S])*)'/.exec(rest);
    const single = /^'([^']*)'/.exec(rest);
    const double = /^"((?:[^"\\]|\\[\s\S])*)"/.exec(rest);
    if (continued !== null) at += continued[0].length;
    else if (/\s/.test(char)) {
      if (char === '\n' && text.slice(at).trim() !== '')
        throw refusal('it has several lines without a backslash at their ends');
      if (word !== undefined) words.push(word);
      word = undefined;
      at += 1;
    } else if (ansi !== null) {
      take(ansiText(ansi[1] ?? ''));
      at += ansi[0].length;
    } else if (single !== null) {
      take(single[1] ?? '');
      at += single[0].length;
    } else if (double !== null) {
      take(doubleText(double[1] ?? ''));
      at += double[0].length;
    } else if (char === '\\' && at + 1 < text.length) {
      take(text.charAt(at + 1));
      at += 2;
    } else if (/['"]/.test(char)) throw refusal('a quote is not closed');
    else if (/[;|<>()`$]/.test(char) || (char === '&' && /^&(&|\s|$)/.test(rest)))
      throw refusal('a shell would run or replace a part of it. Write the values themselves, in quotes');
    else {
      take(char);
      at += 1;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

function doubleText(text: string): string {
  if (/(^|[^\\])(\\\\)*[$`]/.test(text))
    throw refusal('a shell would replace a part of it. Write the values themselves, in single quotes');
  return text.replaceAll(/\\([$`"\\]|\r?\n)/g, (_, escaped: string) =>
    escaped.endsWith('\n') ? '' : escaped,
  );
}

function ansiText(text: string): string {
  return text.replaceAll(
    /\\(?:x([\da-fA-F]{1,2})|u([\da-fA-F]{1,4})|U([\da-fA-F]{1,8})|([0-7]{1,3})|([\s\S]))/g,
    (whole, ...groups: (string | undefined)[]) => {
      const [hex, unicode, long, octal, letter = ''] = groups;
      const code = hex ?? unicode ?? long;
      if (code !== undefined) {
        const point = parseInt(code, 16);
        if (point > 0x10ffff) throw refusal('it has a character that does not exist');
        return String.fromCodePoint(point);
      }
      if (octal !== undefined) return String.fromCodePoint(parseInt(octal, 8));
      return ESCAPES[letter] ?? whole;
    },
  );
}

/** An error that quotes no part of the command, because any part may be a secret. */
function refusal(reason: string): InvalidInputError {
  return new InvalidInputError(`The curl command cannot be used: ${reason}.`);
}
