import type { FieldDefinitionNode } from 'graphql';
import type { PageArguments } from '../connection.js';
import type { Client } from '../connectors/connector.js';
import type { Context } from '../customer/customer.js';
import type { Loader } from '../loaders/loader.js';
import type { SourceDefinition } from '../source.js';
import { Calls } from './calls.js';
import { compileCompanies } from './compile-companies.js';
import { CustomerCompiler } from './compile-customer.js';
import { compileRecords, foundByField } from './compile-records.js';
import { compileConsents } from './consents.js';
import type { CallRequest, ConnectorCode, ConnectorKind } from './connector-kind.js';
import { finishOf, type Finish } from './field-type.js';
import type { Declared, Mapping } from './grammar.js';
import { Mappers } from './mapping.js';
import { compileNamespaces } from './namespaces.js';
import type { Report } from './problems.js';
import type { RowMapper } from './row-mapper.js';
import { ROOTS, type SourceSdl } from './source-sdl.js';
import { compileTimeline } from './timeline.js';
import { compileOutbox, compileWebhook } from './webhook.js';

/** Parts of a source that are written in code, beside its declaration. */
export type SourceCode<C extends Client> = Partial<Omit<SourceDefinition<C>, 'name' | 'connector'>>;

type Resolver = (parent: never, args: never, context: Context) => unknown;
type Resolvers = Record<string, Record<string, Resolver>>;

/** Compiles one declaration. `report` receives all of its problems. */
export class SourceCompiler<Connect, Call extends object, C extends Client> {
  readonly #kind: ConnectorKind<Connect, Call, C, CallRequest<C>>;
  readonly #declared: Declared<Connect, Call>;
  readonly #sdl: SourceSdl;
  readonly #code: SourceCode<C>;
  readonly #connectorCode: ConnectorCode | undefined;
  readonly #folder: string | undefined;
  readonly #report: Report;
  readonly #mappers: Mappers;
  readonly #calls: Calls<Call, C>;
  readonly #resolvers: Resolvers = {};

  constructor({
    kind,
    declared,
    sdl,
    code,
    connector,
    folder,
    report,
  }: {
    kind: ConnectorKind<Connect, Call, C, CallRequest<C>>;
    declared: Declared<Connect, Call>;
    sdl: SourceSdl;
    code: SourceCode<C>;
    connector?: ConnectorCode | undefined;
    folder: string | undefined;
    report: Report;
  }) {
    this.#kind = kind;
    this.#declared = declared;
    this.#sdl = sdl;
    this.#code = code;
    this.#connectorCode = connector;
    this.#folder = folder;
    this.#report = report;
    const resolvedInCode = Object.entries((code.resolvers ?? {}) as Resolvers).flatMap(([type, fields]) =>
      Object.keys(fields).map((field) => `${type}.${field}`),
    );
    this.#mappers = new Mappers({
      source: declared.source,
      sdl,
      fields: declared.fields ?? {},
      resolvedInCode: new Set(resolvedInCode),
      report,
    });
    this.#calls = new Calls<Call, C>({
      source: declared.source,
      declared: declared.calls ?? {},
      compileCall: (call, context) => kind.compileCall(call, context, declared.connect),
      ...{ mappers: this.#mappers, sdl, report },
    });
  }

  /** The loaders of calls whose rows code maps. */
  compileCalls(
    mappers: Readonly<Record<string, RowMapper<unknown>>>,
  ): Record<string, Loader<C, string, unknown>> {
    return Object.fromEntries(
      Object.entries(mappers).flatMap(([call, mapper]) => {
        const loader = this.#calls.codeLoader(call, mapper);
        return loader === undefined ? [] : [[call, loader]];
      }),
    );
  }

  compile(): SourceDefinition<C> {
    const {
      source: name,
      connect,
      limits,
      freshness,
      scopes,
      heldIdentifiers,
      webhook,
      outbox,
    } = this.#declared;
    this.#mappers.checkNames();
    const namespaces = compileNamespaces(this.#declared.namespaces, this.#report);
    const inCode = (this.#code.resolvers ?? {}) as Resolvers;
    const shared = {
      ...{ mappers: this.#mappers, calls: this.#calls, report: this.#report },
      finish: (field: FieldDefinitionNode, mapping: Mapping, id: string) => this.#finish(field, mapping, id),
    };
    const customers = new CustomerCompiler<C>({
      ...shared,
      declared: this.#declared,
      sdl: this.#sdl,
      inCode: inCode['Customer'] ?? {},
      add: (field, resolver) => {
        this.#add('Customer', field, resolver);
      },
    });
    const identity = customers.compile(namespaces);
    const timeline = compileTimeline({
      declared: this.#declared.timeline,
      lists: customers.lists,
      ...{ sdl: this.#sdl, mappers: this.#mappers, calls: this.#calls, report: this.#report },
    });
    const companies = compileCompanies({
      companies: this.#declared.companies,
      fields: this.#sdl.objects.get('Company')?.fields ?? [],
      inCode: inCode['Company'] ?? {},
      ...shared,
      add: (field, resolver) => {
        this.#add('Company', field, resolver);
      },
    });
    for (const [type, node] of this.#sdl.objects) {
      if (ROOTS.has(type)) continue;
      for (const field of node.fields ?? []) this.#compileField(type, field, foundByField(node));
    }
    compileRecords<C>({
      declared: this.#declared.records ?? {},
      ...{ sdl: this.#sdl, mappers: this.#mappers, calls: this.#calls, report: this.#report },
      add: (type, field, resolver) => {
        this.#add(type, field, resolver);
      },
    });
    const consents = compileConsents<C>({
      declared: this.#declared.consents,
      hasIdentity: identity !== undefined,
      ...{ calls: this.#calls, sdl: this.#sdl, report: this.#report },
    });
    // Fields that are not shown name calls too.
    const inFields = Object.values(this.#declared.fields ?? {}).flatMap((field) =>
      typeof field === 'string' ? [] : (field.call ?? []),
    );
    this.#calls.checkUse(new Set(inFields));
    const connector = this.#kind.compileConnector(
      connect,
      {
        ...{ source: name, place: ['connect'], report: this.#report },
        ...{ folder: this.#folder, inCode: this.#connectorCode },
      },
      this.#mappers.hasExactNumbers,
    );
    const { resolvers, loaders = [], namespaces: namespacesInCode = [], ...code } = this.#code;
    return {
      name,
      connector,
      limits: { ...this.#kind.limits, ...limits },
      ...(freshness === undefined ? {} : { freshness }),
      ...(scopes === undefined ? {} : { scopes }),
      ...(namespaces.length === 0 ? {} : { namespaces: [...namespaces, ...namespacesInCode] }),
      ...(identity === undefined ? {} : { identity }),
      ...(heldIdentifiers === undefined ? {} : { heldIdentifiers }),
      ...(timeline === undefined ? {} : { timeline }),
      ...(consents === undefined ? {} : { consents }),
      ...(webhook === undefined
        ? {}
        : {
            webhook: compileWebhook(
              webhook,
              Object.keys(identity === undefined ? {} : { ...identity.foundBy, ...identity.yields }),
              this.#report,
            ),
          }),
      ...(companies === undefined ? {} : { companies }),
      ...(outbox === undefined ? {} : { outbox: compileOutbox(outbox, this.#report) }),
      loaders: [...this.#calls.loaders, ...Object.values(companies?.foundBy ?? {}), ...loaders],
      resolvers: mergedResolvers(this.#resolvers, (resolvers ?? {}) as Resolvers),
      ...code,
    };
  }

  /** Adds the resolver of a field of a type that this source returns or extends. */
  #compileField(type: string, field: FieldDefinitionNode, foundBy: string | undefined): void {
    const name = field.name.value;
    const mapping = this.#mappers.mappingOf(type, name);
    if (mapping.call === undefined) return;
    const id = `${type}.${name}`;
    if (this.#isIdentityCall(mapping.call, id)) return;
    const finish = this.#finish(field, mapping, id);
    const keyOf = (parent: Readonly<Record<string, unknown>>): string | undefined => {
      const key = parent[name] ?? (foundBy === undefined ? undefined : parent[foundBy]);
      return typeof key === 'string' || typeof key === 'number' ? String(key) : undefined;
    };
    const list = { from: id, order: mapping.order };
    const readPage = this.#calls.pageField(mapping.call, field, list, undefined);
    if (readPage !== undefined) {
      this.#add(type, name, (parent: Readonly<Record<string, unknown>>, args: PageArguments, { load }) => {
        const key = keyOf(parent);
        return key === undefined ? null : readPage([key], args, load);
      });
      return;
    }
    const loader = this.#calls.fieldLoader(mapping.call, field, id, undefined);
    if (loader === undefined) return;
    this.#add(type, name, (parent: Readonly<Record<string, unknown>>, args: PageArguments, { loadField }) => {
      const key = keyOf(parent);
      if (key === undefined) return finish(null, args);
      return loadField(loader as Loader<Client, string, unknown>, key, (value) => finish(value, args));
    });
  }

  #isIdentityCall(call: string, id: string): boolean {
    const lookups = Object.values(this.#declared.identity?.foundBy ?? {});
    const findsCustomers = lookups.some((lookup) => lookup.call === call);
    if (findsCustomers)
      this.#report(
        ['fields', id, 'call'],
        `The call "${call}" finds customers.`,
        'Use it on fields of Customer, or declare another call.',
      );
    return findsCustomers;
  }

  #finish(field: FieldDefinitionNode, mapping: Mapping, id: string): Finish {
    return finishOf(field, mapping, { id, sdl: this.#sdl, report: this.#report });
  }

  #add(
    type: string,
    field: string,
    resolver: (parent: never, args: never, context: Context) => unknown,
  ): void {
    (this.#resolvers[type] ??= {})[field] = resolver;
  }
}

function mergedResolvers(declared: Resolvers, inCode: Resolvers): Resolvers {
  const types = new Set([...Object.keys(declared), ...Object.keys(inCode)]);
  return Object.fromEntries([...types].map((type) => [type, { ...declared[type], ...inCode[type] }]));
}
