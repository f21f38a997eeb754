import { Kind, type FieldDefinitionNode } from 'graphql';
import type { Client } from '../connectors/connector.js';
import { didYouMean } from '../did-you-mean.js';
import type { Namespace } from '../identity/declaration.js';
import { normalise } from '../identity/identifiers.js';
import type { Loader } from '../loaders/loader.js';
import { callLoader } from './call-loader.js';
import type { CallRequest, CompileContext, ListMember } from './connector-kind.js';
import { textConversion } from './conversions.js';
import { objectTypeOf, orderOf } from './field-type.js';
import type { Declared, Mapping } from './grammar.js';
import type { Mappers } from './mapping.js';
import { pageLoader, readPage, type ListPageKey, type ReadPage } from './page-loader.js';
import type { Place, Report } from './problems.js';
import type { RowMapper } from './row-mapper.js';
import { namedTypeOf, type SourceSdl } from './source-sdl.js';
import { readerOf, textReader, toText } from './text-value.js';

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
  readonly #requests = new Map<string, CallRequest<C>>();
  readonly #pageLoaders = new Map<string, Loader<C, ListPageKey, unknown>>();
  readonly #used = new Set<string>();

  constructor(options: CallsOptions<Call, C>) {
    this.#options = options;
    this.#sdl = options.sdl;
    this.#report = options.report;
  }

  /** The loaders of fields. */
  get loaders(): Loader<C, never, unknown>[] {
    return [...[...this.#loaders.values()].map(({ loader }) => loader), ...this.#pageLoaders.values()];
  }

  /** Whether the list of a call may lack rows without an error. */
  acceptsPart(call: string): boolean {
    return this.#requests.get(call)?.acceptsPart === true;
  }

  /** Reports calls that nothing names. `inFields`: the calls that fields name. */
  checkUse(inFields: ReadonlySet<string>): void {
    for (const call of Object.keys(this.#options.declared))
      if (!this.#used.has(call) && !inFields.has(call))
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
      paths,
      about,
      toValue,
    }: {
      namespace: string;
      /** If given, the identifiers in rows are compared in its canonical form. */
      common: Namespace | undefined;
      path: string | undefined;
      idPath: string | undefined;
      /** The paths of a row that `toValue` reads. */
      paths: readonly string[];
      /** The namespace of the keys, unless the loader is one of `identity`. */
      about?: string;
      toValue: (rows: readonly unknown[]) => Value;
    },
  ): Loader<C, string, Value> | undefined {
    const declared = this.#named(call, place);
    if (declared === undefined) return undefined;
    const base = this.#loaderBase(call, declared);
    const key = declared.key ?? base.request.key ?? path;
    if (key === undefined) {
      this.#report(
        ['calls', call],
        `The answer of "${call}" names no ${namespace}.`,
        `Add key: the path of the ${namespace} in a row.`,
      );
      return undefined;
    }
    const { read, keyPlace, keyPaths } = this.#rowKey(key, ['calls', call, 'key']);
    base.request.reads?.([...keyPaths, ...paths]);
    return callLoader<C, Value>({
      ...base,
      keyOf: (row) => {
        const value = read(row);
        return value === null || common === undefined ? value : (normalise(common, value)?.value ?? value);
      },
      keyPlace,
      idOf: idPath === undefined ? undefined : readerOf(idPath, place, () => undefined),
      about,
      toValue,
    });
  }

  /** The loader of a call whose rows code maps. */
  codeLoader<Value>(
    call: string,
    { paths, toValue }: RowMapper<Value>,
    place: Place = ['calls'],
  ): Loader<C, string, Value> | undefined {
    const declared = this.#named(call, place);
    if (declared === undefined) return undefined;
    const { source } = this.#options;
    return callLoader<C, Value>({
      ...this.#readBase(call, declared, paths),
      about: declared.about,
      toValue: (rows) => toValue(rows, source),
    });
  }

  /** The loader of a call whose rows are statements of consent. None of them may be lost. */
  statementLoader<Value>(
    call: string,
    place: Place,
    { paths, toValue }: RowMapper<Value>,
  ): Loader<C, string, Value> | undefined {
    if (this.#used.has(call)) {
      this.#report(
        place,
        `The call "${call}" is used for other data too.`,
        'Declare a call for consents alone: they are cached for five seconds only.',
      );
      return undefined;
    }
    const loader = this.codeLoader(call, { paths, toValue }, place);
    if (this.acceptsPart(call))
      this.#report(
        ['calls', call, 'page', 'acceptPart'],
        `The list of the call "${call}" may be cut off, so a withdrawal may be missing.`,
        'Remove acceptPart from the call.',
      );
    if (this.#options.declared[call]?.freshness !== undefined)
      this.#report(
        ['calls', call, 'freshness'],
        'Consent is cached for five seconds, and never used stale.',
        'Remove freshness from the call.',
      );
    if (this.#options.declared[call]?.id !== undefined)
      this.#report(
        ['calls', call, 'id'],
        'Rows with equal ids are one row, so a withdrawal may be missing.',
        'Remove id from the call.',
      );
    return loader;
  }

  /** The loader of a call for a field. Fields with the same call share it. */
  fieldLoader(
    call: string,
    field: FieldDefinitionNode,
    id: string,
    about: string | undefined,
  ): Loader<C, string, unknown> | undefined {
    return this.objectLoader(call, objectTypeOf(this.#sdl, field), ['fields', id, 'call'], about);
  }

  /**
   * The loader of a call for objects of a type. Uses of the call for the same type share it. `about` is the namespace of the keys
   * if they identify customers, and null if the objects are about no customer.
   */
  objectLoader(
    call: string,
    { type, isList }: { type: string; isList: boolean },
    place: Place,
    about: string | null | undefined,
  ): Loader<C, string, unknown> | undefined {
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
    const declared = this.#named(call, place);
    if (declared === undefined) return undefined;
    const map = this.#options.mappers.of(type);
    const loader = callLoader<C, unknown>({
      ...this.#readBase(call, declared, this.#options.mappers.pathsOf(type)),
      about: declared.about ?? about,
      toValue: isList ? (rows) => rows.map(map) : (rows) => (rows.length === 0 ? null : map(rows[0])),
    });
    this.#loaders.set(call, { loader, type, isList });
    return loader;
  }

  /** Reads pages of a connection, if the system finds the pages of the call itself. */
  pageField(
    call: string,
    field: FieldDefinitionNode,
    { from, order }: { from: string; order: Mapping['order'] },
    about: string | undefined,
  ): ReadPage | undefined {
    const declared = this.#options.declared[call];
    const { type, isConnection } = objectTypeOf(this.#sdl, field);
    if (declared === undefined || !isConnection || order === undefined) return undefined;
    const base = this.#loaderBase(call, declared);
    const { request } = base;
    if (request.pages === undefined) return undefined;
    const known = this.#pageLoaders.get(call);
    if (known !== undefined || this.#loaders.has(call)) {
      this.#report(
        ['fields', from],
        `The call "${call}" is used for another list too.`,
        'Declare a call for each.',
      );
      return undefined;
    }
    const map = this.#options.mappers.of(type);
    const { names, isDescending } = orderOf(order);
    const members = names.map((name) => this.#listMember(type, name)) as [ListMember, ListMember];
    const pages = request.pages({ members, isDescending });
    request.reads?.([...members.map(({ path }) => path), ...this.#options.mappers.pathsOf(type)]);
    const list = { name: from, members, map, pages };
    const loader = pageLoader<C>({ ...base, ...list, about: declared.about ?? about });
    this.#pageLoaders.set(call, loader);
    this.#used.add(call);
    return (keys, args, load) => readPage(loader, list, keys, args, load);
  }

  /** A field that a list is ordered by. */
  #listMember(type: string, name: string): ListMember {
    const field = this.#sdl.objectNamed(type)?.fields?.find((candidate) => candidate.name.value === name);
    if (field !== undefined && field.type.kind !== Kind.NON_NULL_TYPE)
      this.#report(
        ['fields', `${type}.${name}`],
        `A list is ordered by "${type}.${name}", which may be null.`,
        'Make it non-null in the SDL: the system finds no page after a row without a value.',
      );
    const { from = name, jsonata } = this.#options.mappers.mappingOf(type, name);
    if (jsonata !== undefined)
      this.#report(
        ['fields', `${type}.${name}`, 'jsonata'],
        `A list is ordered by "${type}.${name}", which the system does not know.`,
        'Order it by a column.',
      );
    return { path: from, type: field === undefined ? 'String' : namedTypeOf(field.type) };
  }

  /** The options of a loader whose rows may have a key. `paths` are the members of a row that it reads. */
  #readBase(call: string, declared: Call & CallBase, paths: readonly string[]) {
    const base = this.#loaderBase(call, declared);
    const { key = base.request.key, id } = declared;
    if (base.request.takes === 'keys' && key === undefined)
      this.#report(
        ['calls', call],
        'A call for several keys needs key: rows are matched by their key, not by their position.',
        'Add key: the path of the key in a row, such as key: owner.id.',
      );
    const rowKey = key === undefined ? undefined : this.#rowKey(key, ['calls', call, 'key']);
    base.request.reads?.([...(rowKey?.keyPaths ?? []), ...(id === undefined ? [] : [id]), ...paths]);
    return {
      ...base,
      keyOf: rowKey?.read,
      keyPlace: rowKey?.keyPlace ?? '.',
      idOf: id === undefined ? undefined : readerOf(id, ['calls', call, 'id'], this.#report),
    };
  }

  #loaderBase(call: string, declared: Call & CallBase) {
    const { source } = this.#options;
    const request = this.#request(call, declared);
    const { matching = request.matching ?? 'exact', maxBatch = request.maxBatch, freshness } = declared;
    return { source, name: call, request, matching, maxBatch, freshness };
  }

  #request(call: string, declared: Call & CallBase): CallRequest<C> {
    const known = this.#requests.get(call);
    if (known !== undefined) return known;
    const { source, compileCall } = this.#options;
    const request = compileCall(declared, { source, place: ['calls', call], report: this.#report });
    this.#requests.set(call, request);
    return request;
  }

  /** Reads the key of a row. The texts of several paths are the key together. */
  #rowKey(key: NonNullable<CallBase['key']>, place: Place) {
    if (Array.isArray(key)) {
      const reads = key.map((path, i) => textReader(path, [...place, i], this.#report));
      const read = (row: unknown): string | null => {
        const texts = reads.map((readText) => readText(row));
        return texts.includes(null) ? null : texts.join('');
      };
      return { read, keyPlace: key.join(', '), keyPaths: key };
    }
    const { from, text } = typeof key === 'string' ? { from: key, text: undefined } : key;
    const read = readerOf(from, place, this.#report);
    const convert = text === undefined ? undefined : textConversion([text].flat(), from);
    const readText = (row: unknown): string | null => {
      const value = read(row);
      return toText(value == null || convert === undefined ? value : convert(value), from);
    };
    return { read: readText, keyPlace: from, keyPaths: [from] };
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
