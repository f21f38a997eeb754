import { Kind, type FieldDefinitionNode } from 'graphql';
import type { PageArguments } from '../connection.js';
import type { Client } from '../connectors/connector.js';
import type { Context, Customer } from '../customer/customer.js';
import type { IdentityDeclaration, Namespace } from '../identity/declaration.js';
import type { Loader } from '../loaders/loader.js';
import type { SourceDefinition } from '../source.js';
import { Calls } from './calls.js';
import { compileCompanies } from './compile-companies.js';
import type { ConnectorKind } from './connector-kind.js';
import {
  customerRecordMapper,
  identifierPaths,
  isSameCustomer,
  recordPaths,
  yieldKinds,
  type DeclaredRecord,
} from './customer-record.js';
import { finishOf, objectTypeOf, type Finish } from './field-type.js';
import type { Declared, Identity, Mapping } from './grammar.js';
import { Mappers, type MapRecord } from './mapping.js';
import { COMMON, compileNamespaces } from './namespaces.js';
import type { Place, Report } from './problems.js';
import type { RowMapper } from './row-mapper.js';
import { ROOTS, type SourceSdl } from './source-sdl.js';
import { compileOutbox, compileWebhook } from './webhook.js';

/** Parts of a source that are written in code, beside its declaration. */
export type SourceCode<C extends Client> = Partial<Omit<SourceDefinition<C>, 'name' | 'connector'>>;

type Resolver = (parent: never, args: never, context: Context) => unknown;
type Resolvers = Record<string, Record<string, Resolver>>;

/** Compiles one declaration. `report` receives all of its problems. */
export class SourceCompiler<Connect, Call extends object, C extends Client> {
  readonly #kind: ConnectorKind<Connect, Call, C>;
  readonly #declared: Declared<Connect, Call>;
  readonly #sdl: SourceSdl;
  readonly #code: SourceCode<C>;
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
    folder,
    report,
  }: {
    kind: ConnectorKind<Connect, Call, C>;
    declared: Declared<Connect, Call>;
    sdl: SourceSdl;
    code: SourceCode<C>;
    folder: string | undefined;
    report: Report;
  }) {
    this.#kind = kind;
    this.#declared = declared;
    this.#sdl = sdl;
    this.#code = code;
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
    const identity = this.#compileIdentity(namespaces);
    const companies = compileCompanies({
      companies: this.#declared.companies,
      fields: this.#sdl.objects.get('Company')?.fields ?? [],
      inCode: ((this.#code.resolvers ?? {}) as Resolvers)['Company'] ?? {},
      ...{ mappers: this.#mappers, calls: this.#calls, report: this.#report },
      finish: (field, mapping, id) => this.#finish(field, mapping, id),
      add: (field, resolver) => {
        this.#add('Company', field, resolver);
      },
    });
    for (const [type, { fields = [], directives = [] }] of this.#sdl.objects) {
      if (ROOTS.has(type)) continue;
      const key = directives
        .find((directive) => directive.name.value === 'foundBy')
        ?.arguments?.find((argument) => argument.name.value === 'field')?.value;
      for (const field of fields)
        this.#compileField(type, field, key?.kind === Kind.STRING ? key.value : undefined);
    }
    // Fields that are not shown name calls too.
    const inFields = Object.values(this.#declared.fields ?? {}).flatMap((field) =>
      typeof field === 'string' ? [] : (field.call ?? []),
    );
    this.#calls.checkUse(new Set(inFields));
    const connector = this.#kind.compileConnector(
      connect,
      { source: name, place: ['connect'], report: this.#report, folder: this.#folder },
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

  #compileIdentity(namespaces: readonly Namespace[]): IdentityDeclaration<C, DeclaredRecord> | undefined {
    const { identity } = this.#declared;
    const customerFields = this.#sdl.objects.get('Customer')?.fields ?? [];
    if (identity === undefined) {
      for (const field of customerFields) this.#compileCustomerField(field, undefined);
      return undefined;
    }
    const { recordKey, foundBy } = identity;
    if (!COMMON.has(recordKey) && !namespaces.some(({ name }) => name === recordKey))
      this.#report(
        ['identity', 'recordKey'],
        `The namespace "${recordKey}" is not declared.`,
        `Add it: namespaces: { ${recordKey}: { pattern: ^\\d+$, description: ... } }.`,
      );
    if (foundBy[recordKey] === undefined)
      this.#report(
        ['identity', 'foundBy'],
        `"foundBy" has no "${recordKey}", which is the recordKey.`,
        `Add ${recordKey}: { call: ..., uniqueness: enforced }.`,
      );
    const inRecord = customerFields.filter((field) => this.#isInRecord(field, identity));
    const toRecord = customerRecordMapper(identity, this.#mapCustomerFields(inRecord), this.#report);
    const paths = identifierPaths(identity);
    const rowPaths = [...recordPaths(identity), ...this.#customerPaths(inRecord)];
    const loaders = new Map<string, Loader<C, string, readonly DeclaredRecord[]>>();
    const compiled: IdentityDeclaration<C, DeclaredRecord> = {
      recordKey,
      foundBy: Object.fromEntries(
        Object.entries(foundBy).flatMap(([namespace, { call, uniqueness }]) => {
          const place: Place = ['identity', 'foundBy', namespace, 'call'];
          if (loaders.has(call))
            this.#report(
              place,
              `The call "${call}" is used for two kinds of identifier.`,
              'Declare a call for each.',
            );
          const loader = this.#calls.recordLoader(call, place, {
            namespace,
            common: COMMON.get(namespace),
            path: paths.get(namespace),
            idPath: paths.get(recordKey),
            paths: rowPaths,
            toValue: (rows) => rows.map(toRecord),
          });
          if (loader === undefined) return [];
          loaders.set(call, loader);
          return [[namespace, { uniqueness, loader }]];
        }),
      ),
      yields: yieldKinds(identity),
      ...(identity.sameCustomer === undefined ? {} : { sameCustomer: isSameCustomer }),
    };
    for (const field of customerFields) this.#compileCustomerField(field, compiled);
    return compiled;
  }

  /** Whether a field of Customer is read from the record by which the customer was found. */
  #isInRecord(field: FieldDefinitionNode, { foundBy }: Identity): boolean {
    const { call } = this.#mappers.mappingOf('Customer', field.name.value);
    return call === undefined || Object.values(foundBy).some((lookup) => lookup.call === call);
  }

  #customerPaths(inRecord: readonly FieldDefinitionNode[]): string[] {
    const whole = inRecord.filter(
      (field) => this.#mappers.mappingOf('Customer', field.name.value).call !== undefined,
    );
    const types = ['Customer', ...whole.map((field) => objectTypeOf(this.#sdl, field).type)];
    return types.flatMap((type) => this.#mappers.pathsOf(type));
  }

  /** Maps the fields of Customer that are in its record. A field with a call of `foundBy` is the record itself, as an object of its type. */
  #mapCustomerFields(fields: readonly FieldDefinitionNode[]): MapRecord {
    const ofRecord = fields.filter(
      (field) => this.#mappers.mappingOf('Customer', field.name.value).call !== undefined,
    );
    const mapOthers = this.#mappers.compile(
      'Customer',
      fields.filter((field) => !ofRecord.includes(field)),
    );
    const whole = ofRecord.map(
      (field) => [field.name.value, this.#mappers.of(objectTypeOf(this.#sdl, field).type)] as const,
    );
    if (whole.length === 0) return mapOthers;
    return (row) => ({
      ...mapOthers(row),
      ...Object.fromEntries(whole.map(([name, map]) => [name, map(row)])),
    });
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

  #compileCustomerField(
    field: FieldDefinitionNode,
    identity: IdentityDeclaration<C, DeclaredRecord> | undefined,
  ): void {
    const name = field.name.value;
    const id = `Customer.${name}`;
    if (((this.#code.resolvers ?? {}) as Resolvers)['Customer']?.[name] !== undefined) return;
    const mapping = this.#mappers.mappingOf('Customer', name);
    const { identity: declared } = this.#declared;
    if (declared !== undefined && identity !== undefined && this.#isInRecord(field, declared)) {
      const isList = mapping.call !== undefined && objectTypeOf(this.#sdl, field).isList;
      const finish = this.#finish(field, mapping, id);
      this.#add('Customer', name, (customer: Customer, args: PageArguments) =>
        customer.withRecords(identity, (records): unknown =>
          isList
            ? finish(
                records.map(({ fields }) => fields[name]),
                args,
              )
            : (records[0]?.fields[name] ?? null),
        ),
      );
      return;
    }
    if (mapping.call === undefined) {
      this.#report(
        ['fields', id],
        `"${id}" has no call, and the source has no identity.`,
        'Add a call to the field, or an identity if it is in the record of the customer.',
      );
      return;
    }
    this.#compileCustomerCall(field, mapping, mapping.call);
  }

  #compileCustomerCall(field: FieldDefinitionNode, mapping: Mapping, call: string): void {
    const name = field.name.value;
    const id = `Customer.${name}`;
    const { identity, heldIdentifiers = [] } = this.#declared;
    const namespace = mapping.key ?? identity?.recordKey ?? heldIdentifiers[0];
    if (namespace === undefined) {
      this.#report(
        ['fields', id],
        `"${id}" has no key.`,
        'Add heldIdentifiers, such as [email]: the identifiers of other systems by which this one is queried.',
      );
      return;
    }
    const isHeld = heldIdentifiers.includes(namespace);
    if (!isHeld && namespace !== identity?.recordKey && COMMON.has(namespace))
      this.#report(
        ['fields', id, 'key'],
        `"${namespace}" is the key of no records.`,
        `Add it to heldIdentifiers: [${namespace}], or use the recordKey of a source.`,
      );
    const finish = this.#finish(field, mapping, id);
    const withKeys = (customer: Customer, read: (keys: readonly string[]) => unknown): unknown =>
      isHeld ? customer.heldValues(namespace).then(read) : customer.withIdentifiers(namespace, read);
    const readPage = this.#calls.pageField(call, field, { from: id, order: mapping.order }, namespace);
    if (readPage !== undefined) {
      this.#add('Customer', name, (customer: Customer, args: PageArguments, { load }) =>
        withKeys(customer, (keys) => readPage(keys, args, load)),
      );
      return;
    }
    const loader = this.#calls.fieldLoader(call, field, id, namespace) as
      Loader<Client, string, unknown> | undefined;
    const { isList } = objectTypeOf(this.#sdl, field);
    if (loader === undefined) return;
    const readAll = async (keys: readonly string[], args: PageArguments, load: Context['load']) => {
      const values = await Promise.all(keys.map((key) => load(loader, key)));
      return finish(
        isList ? (values as (readonly unknown[])[]).flat() : (values.find((value) => value !== null) ?? null),
        args,
      );
    };
    this.#add('Customer', name, (customer: Customer, args: PageArguments, { load, loadField }) =>
      withKeys(customer, (keys) => {
        const [only] = keys.length === 1 ? keys : [];
        return only === undefined
          ? readAll(keys, args, load)
          : loadField(loader, only, (value) => finish(value, args));
      }),
    );
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
