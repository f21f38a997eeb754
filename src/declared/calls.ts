import type { FieldDefinitionNode } from 'graphql';
import type { Client } from '../connectors/connector.js';
import { didYouMean } from '../did-you-mean.js';
import type { Namespace } from '../identity/declaration.js';
import { normalise } from '../identity/identifiers.js';
import type { Loader } from '../loaders/loader.js';
import { callLoader } from './call-loader.js';
import type { CallRequest, CompileContext } from './connector-kind.js';
import { textConversion } from './conversions.js';
import { objectTypeOf } from './field-type.js';
import type { Declared, Mapping } from './grammar.js';
import type { Mappers } from './mapping.js';
import type { Place, Report } from './problems.js';
import type { SourceSdl } from './source-sdl.js';
import { readerOf, toText } from './text-value.js';

type CallBase = NonNullable<Declared<unknown, object>['calls']>[string];

interface CallsOptions<Call, C extends Client> {
  source: string;
  declared: Readonly<Record<string, Call & CallBase>>;
  compileCall: (call: Call, context: CompileContext) => CallRequest<C>;
  mappers: Mappers;
  sdl: SourceSdl;
  report: Report;
}

/** The calls of a declaration, compiled to loaders when a field or an identifier names them. */
export class Calls<Call extends object, C extends Client> {
  readonly #options: CallsOptions<Call, C>;
  readonly #sdl: SourceSdl;
  readonly #report: Report;
  readonly #loaders = new Map<
    string,
    { loader: Loader<C, string, unknown>; type: string; isList: boolean }
  >();
  readonly #used = new Set<string>();

  constructor(options: CallsOptions<Call, C>) {
    this.#options = options;
    this.#sdl = options.sdl;
    this.#report = options.report;
  }

  /** The loaders of fields. */
  get loaders(): Loader<C, string, unknown>[] {
    return [...this.#loaders.values()].map(({ loader }) => loader);
  }

  checkUse(): void {
    for (const call of Object.keys(this.#options.declared))
      if (!this.#used.has(call))
        this.#report(
          ['calls', call],
          `The call "${call}" is not used.`,
          'Name it in foundBy or in a field, or remove it.',
        );
  }

  /** The loader of records by an identifier. `path` is the place of the identifier in a row, unless the call has a key. */
  recordLoader<Value>(
    call: string,
    place: Place,
    {
      namespace,
      common,
      path,
      idPath,
      toValue,
    }: {
      namespace: string;
      /** If given, the identifiers in rows are compared in its canonical form. */
      common: Namespace | undefined;
      path: string | undefined;
      idPath: string | undefined;
      toValue: (rows: readonly unknown[]) => Value;
    },
  ): Loader<C, string, Value> | undefined {
    const declared = this.#named(call, place);
    if (declared === undefined) return undefined;
    const key = declared.key ?? path;
    if (key === undefined) {
      this.#report(
        ['calls', call],
        `The answer of "${call}" names no ${namespace}.`,
        `Add key: the path of the ${namespace} in a row.`,
      );
      return undefined;
    }
    const { read, keyPlace } = this.#rowKey(key, ['calls', call, 'key']);
    return callLoader<C, Value>({
      ...this.#loaderBase(call, declared),
      keyOf: (row) => {
        const value = read(row);
        return value === null || common === undefined ? value : (normalise(common, value)?.value ?? value);
      },
      keyPlace,
      idOf: idPath === undefined ? undefined : readerOf(idPath, place, () => undefined),
      toValue,
    });
  }

  /** The loader of a call for a field. Fields with the same call share it. */
  fieldLoader(
    call: string,
    field: FieldDefinitionNode,
    id: string,
    about: string | undefined,
  ): Loader<C, string, unknown> | undefined {
    const place: Place = ['fields', id];
    const { type, isList } = objectTypeOf(this.#sdl, field);
    const known = this.#loaders.get(call);
    if (known !== undefined) {
      if (known.type !== type || known.isList !== isList)
        this.#report(
          place,
          `The call "${call}" is used for another type or for a list too.`,
          'Declare a call for each.',
        );
      return known.loader;
    }
    const declared = this.#named(call, [...place, 'call']);
    if (declared === undefined) return undefined;
    const map = this.#options.mappers.of(type);
    const base = this.#loaderBase(call, declared);
    if (base.request.takes === 'keys' && declared.key === undefined)
      this.#report(
        ['calls', call],
        'A call for several keys needs key: rows are matched by their key, not by their position.',
        'Add key: the path of the key in a row, such as key: owner.id.',
      );
    const rowKey =
      declared.key === undefined ? undefined : this.#rowKey(declared.key, ['calls', call, 'key']);
    const loader = callLoader<C, unknown>({
      ...base,
      keyOf: rowKey?.read,
      keyPlace: rowKey?.keyPlace ?? '.',
      idOf:
        declared.id === undefined ? undefined : readerOf(declared.id, ['calls', call, 'id'], this.#report),
      about: declared.about ?? about,
      toValue: isList ? (rows) => rows.map(map) : (rows) => (rows.length === 0 ? null : map(rows[0])),
    });
    this.#loaders.set(call, { loader, type, isList });
    return loader;
  }

  #loaderBase(call: string, declared: Call & CallBase) {
    const { maxBatch, freshness, matching = 'exact' } = declared;
    const { source, compileCall } = this.#options;
    const place: Place = ['calls', call];
    const context = { source, place, report: this.#report };
    return { source, name: call, request: compileCall(declared, context), matching, maxBatch, freshness };
  }

  #rowKey(key: string | { from: string; text?: Mapping['text'] }, place: Place) {
    const { from, text } = typeof key === 'string' ? { from: key, text: undefined } : key;
    const read = readerOf(from, place, this.#report);
    const convert = text === undefined ? undefined : textConversion([text].flat(), from);
    const readText = (row: unknown): string | null => {
      const value = read(row);
      return toText(value == null || convert === undefined ? value : convert(value), from);
    };
    return { read: readText, keyPlace: from };
  }

  #named(name: string, place: Place): (Call & CallBase) | undefined {
    const { declared: calls } = this.#options;
    const call = calls[name];
    this.#used.add(name);
    if (call === undefined)
      this.#report(
        place,
        `There is no call "${name}".`,
        didYouMean(name, Object.keys(calls)).trim() || 'Declare it under calls.',
      );
    return call;
  }
}
