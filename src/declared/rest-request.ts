import { pathPart } from '../connectors/rest.js';
import { patternOf } from './pattern.js';
import type { Place, Report } from './problems.js';
import type { QueryValue } from './rest-grammar.js';

/** Makes a part of a request from the keys of a call. */
type Part<T> = (keys: readonly string[]) => T;

/** The parts of a request that depend on keys. */
export class RequestParts {
  readonly #report: Report;
  readonly #refusals: ((key: string) => boolean)[] = [(key) => key === '' || /\p{Surrogate}/u.test(key)];
  #usesKey = false;
  #usesKeys = false;

  constructor(report: Report) {
    this.#report = report;
  }

  /** `keys` if all keys of a batch are sent in one call. Undefined if no key is sent, or in both ways. */
  get takes(): 'key' | 'keys' | undefined {
    if (this.#usesKey === this.#usesKeys) return undefined;
    return this.#usesKeys ? 'keys' : 'key';
  }

  get sendsKeys(): boolean {
    return this.#usesKey || this.#usesKeys;
  }

  canSend(key: string): boolean {
    return !this.#refusals.some((isRefused) => isRefused(key));
  }

  /** The path of a template such as `/v1/registrations/{key}?expand=all`, with its query. */
  address(
    template: string,
    query: Readonly<Record<string, QueryValue>>,
    place: Place,
    queryPlace: Place,
  ): Part<string> {
    const [path = '', search = ''] = template.split('?', 2);
    const pathOf = this.#path(path, place);
    const parts = [
      ...search
        .split('&')
        .filter((pair) => pair !== '')
        .map((pair) => {
          const [name = '', value = ''] = pair.split('=', 2);
          return this.#parameter(name, value, place, true);
        }),
      ...Object.entries(query).map(([name, value]) =>
        this.#parameter(encodeURIComponent(name), value, [...queryPlace, name], false),
      ),
    ];
    if (parts.length === 0) return pathOf;
    return (keys) => `${pathOf(keys)}?${parts.map((part) => part(keys)).join('&')}`;
  }

  /** The body, with `{key}` and `{keys}` as whole values. */
  body(template: unknown, place: Place): Part<unknown> {
    if (typeof template === 'string') return this.#bodyText(template, place);
    if (Array.isArray(template)) {
      const items = template.map((item, i) => this.body(item, [...place, i]));
      return (keys) => items.map((item) => item(keys));
    }
    if (typeof template !== 'object' || template === null) return () => template;
    const members = Object.entries(template).map(
      ([name, value]) => [name, this.body(value, [...place, name])] as const,
    );
    return (keys) => Object.fromEntries(members.map(([name, part]) => [name, part(keys)]));
  }

  #bodyText(text: string, place: Place): Part<unknown> {
    if (text === '{key}') {
      this.#usesKey = true;
      return ([key]) => key;
    }
    if (text === '{keys}') {
      this.#usesKeys = true;
      return (keys) => keys;
    }
    if (text === '{keys|number}') {
      this.#usesKeys = true;
      this.#refusals.push((key) => !isNumber(key));
      return (keys) => keys.map(Number);
    }
    if (text === '{key|number}') {
      this.#usesKey = true;
      this.#refusals.push((key) => !isNumber(key));
      return ([key]) => Number(key);
    }
    const [, cut, length] = /^\{key\|(first|after) ([1-9]\d?)\}$/.exec(text) ?? [];
    if (cut !== undefined) {
      this.#usesKey = true;
      const at = Number(length);
      this.#refusals.push((key) => /\p{Surrogate}/u.test(key.slice(0, at)));
      return cut === 'first' ? ([key = '']) => key.slice(0, at) : ([key = '']) => key.slice(at);
    }
    if (/\{keys?[|}]/.test(text))
      this.#report(
        place,
        'A key would become part of a text in the body.',
        'Write "{key}", "{keys}", "{key|number}", "{keys|number}", "{key|first 2}" or "{key|after 2}" as the whole value.',
      );
    return () => text;
  }

  #path(template: string, place: Place): Part<string> {
    const pieces = template.split('{key}');
    if (pieces.some((piece) => /[{}]/.test(piece)))
      this.#report(
        place,
        `The path "${template}" has a placeholder that is not {key}.`,
        'Only {key} can be in a path. Send several keys in the query, as {keys|csv} or {keys|repeat}, or in a body.',
      );
    if (pieces.length === 1) return () => template;
    this.#usesKey = true;
    this.#refusals.push((key) => key === '.' || key === '..');
    return ([key = '']) => pieces.join(pathPart(key));
  }

  #parameter(name: string, value: QueryValue, place: Place, isEncoded: boolean): Part<string> {
    if (typeof value === 'object') return this.#embedded(name, value, place);
    if (value === '{key}') {
      this.#usesKey = true;
      return ([key = '']) => `${name}=${encodeURIComponent(key)}`;
    }
    if (value === '{keys|csv}') {
      this.#usesKeys = true;
      this.#refusals.push((key) => key.includes(','));
      return (keys) => `${name}=${encodeURIComponent(keys.join(','))}`;
    }
    if (value === '{keys|repeat}') {
      this.#usesKeys = true;
      return (keys) => keys.map((key) => `${name}=${encodeURIComponent(key)}`).join('&');
    }
    const text = String(value);
    if (/[{}]/.test(text) || /[{}]/.test(name))
      this.#report(
        place,
        `The query parameter "${name}" has a key within a text.`,
        'Write {key}, {keys|csv} or {keys|repeat} as its whole value, or declare it under query with the keys that it allows: { keys: "from:{key}", join: " OR ", allow: ^\\w+$ }.',
      );
    const constant = `${name}=${isEncoded ? text : encodeURIComponent(text)}`;
    return () => constant;
  }

  /** A text in the query language of the system. Only keys that match `allow` become part of it. */
  #embedded(name: string, value: Extract<QueryValue, object>, place: Place): Part<string> {
    const template = 'keys' in value ? value.keys : value.key;
    const pieces = template.split('{key}');
    if (pieces.length < 2)
      this.#report(place, 'The text has no {key}.', 'Write where the key belongs, such as "from:{key}".');
    const allowed = this.#pattern(value.allow, [...place, 'allow']);
    this.#refusals.push((key) => !allowed.test(key));
    if ('keys' in value) {
      this.#usesKeys = true;
      const { join } = value;
      return (keys) => `${name}=${encodeURIComponent(keys.map((key) => pieces.join(key)).join(join))}`;
    }
    this.#usesKey = true;
    return ([key = '']) => `${name}=${encodeURIComponent(pieces.join(key))}`;
  }

  #pattern(text: string, place: Place): RegExp {
    return patternOf(text, place, this.#report);
  }
}

/** Whether a key is a whole number that JSON sends unchanged. */
function isNumber(key: string): boolean {
  return /^(0|-?[1-9]\d{0,15})$/.test(key) && Number.isSafeInteger(Number(key));
}
