import type { OdataVersion } from '../../connectors/odata/query.js';
import { InvalidInputError } from '../../errors.js';
import { childrenOf, elementsIn, readXmlTree, type XmlElement } from '../xml-tree.js';

/** Reads `$metadata`: CSDL of OData 2, 3 and 4. */

export interface OdataModel {
  version: OdataVersion;
  sets: readonly EntitySet[];
}

export interface EntitySet {
  name: string;
  type: EntityType;
}

export interface EntityType {
  name: string;
  description?: string;
  key: readonly string[];
  properties: readonly Property[];
  references: readonly Reference[];
}

export interface Property {
  /** The name, or the path of a property inside a complex property, such as `Address.City`. */
  path: string;
  /** The primitive type, such as `Edm.String`. Other types cannot be declared. */
  type: string;
  isCollection: boolean;
  isNullable: boolean;
  description?: string;
  maxLength?: number;
  /** Of an enum: its members. */
  values?: readonly string[];
}

/** Properties that hold the key of an entity in another set. */
export interface Reference {
  columns: readonly string[];
  set: string;
  references: readonly string[];
}

/** The maximum nesting of complex properties. */
const MAX_COMPLEX_DEPTH = 3;

export function readMetadata(text: string): OdataModel {
  const document = readXmlTree(text, '$metadata');
  const schemas = elementsIn(document, 'Schema');
  if (document.name !== 'Edmx' || schemas.length === 0)
    throw new InvalidInputError('The document is not $metadata of OData. Check the address of the service.');
  const version = /^4/.test(document.attributes['Version'] ?? '') ? 4 : 2;
  return new MetadataReader(schemas, version).read();
}

interface Named {
  element: XmlElement;
  fullName: string;
}

class MetadataReader {
  readonly #schemas: readonly XmlElement[];
  readonly #version: OdataVersion;
  readonly #aliases: ReadonlyMap<string, string>;
  readonly #named: ReadonlyMap<string, Named>;
  /** Descriptions by target, such as `Shop.Customer/Name`. */
  readonly #descriptions = new Map<string, string>();
  /** Entity sets by name, with the full names of their types. */
  readonly #sets: ReadonlyMap<string, { element: XmlElement; type: string }>;

  constructor(schemas: readonly XmlElement[], version: OdataVersion) {
    this.#schemas = schemas;
    this.#version = version;
    this.#aliases = new Map(
      schemas.flatMap(({ attributes: { Alias, Namespace } }) =>
        Alias === undefined || Namespace === undefined ? [] : [[Alias, Namespace] as const],
      ),
    );
    this.#named = new Map(
      schemas.flatMap((schema) =>
        schema.children.flatMap((element) => {
          const { Name } = element.attributes;
          const fullName = `${schema.attributes['Namespace'] ?? ''}.${Name ?? ''}`;
          return /^(EntityType|ComplexType|EnumType|TypeDefinition|Association)$/.test(element.name)
            ? [[fullName, { element, fullName }] as const]
            : [];
        }),
      ),
    );
    for (const annotations of schemas.flatMap((schema) => childrenOf(schema, 'Annotations'))) {
      const [type = '', ...rest] = (annotations.attributes['Target'] ?? '').split('/');
      const text = descriptionIn(annotations);
      if (text !== undefined) this.#descriptions.set([this.#fullName(type), ...rest].join('/'), text);
    }
    this.#sets = new Map(
      this.#containers()
        .flatMap((container) => childrenOf(container, 'EntitySet'))
        .map((element) => [
          element.attributes['Name'] ?? '',
          { element, type: this.#fullName(element.attributes['EntityType'] ?? '') },
        ]),
    );
  }

  read(): OdataModel {
    return {
      version: this.#version,
      sets: [...this.#sets].flatMap(([name, { type }]): EntitySet[] => {
        const chain = this.#chainOf(type);
        return chain.length === 0 ? [] : [{ name, type: this.#entityType(name, chain) }];
      }),
    };
  }

  #containers(): XmlElement[] {
    return this.#schemas.flatMap((schema) => childrenOf(schema, 'EntityContainer'));
  }

  #fullName(name: string): string {
    const dot = name.lastIndexOf('.');
    const namespace = this.#aliases.get(name.slice(0, dot));
    return namespace === undefined ? name : `${namespace}${name.slice(dot)}`;
  }

  /** A type and its base types, the most general one first. */
  #chainOf(fullName: string): Named[] {
    const chain: Named[] = [];
    for (let named = this.#named.get(fullName); named !== undefined;) {
      if (chain.includes(named)) break;
      chain.unshift(named);
      named = this.#named.get(this.#fullName(named.element.attributes['BaseType'] ?? ''));
    }
    return chain;
  }

  #entityType(set: string, chain: readonly Named[]): EntityType {
    const type = chain.at(-1);
    const description = type === undefined ? undefined : this.#descriptionOf(type.element, type.fullName);
    return {
      name: type?.element.attributes['Name'] ?? '',
      ...(description === undefined ? {} : { description }),
      key: chain
        .flatMap(({ element }) => childrenOf(element, 'Key'))
        .flatMap((key) => childrenOf(key, 'PropertyRef'))
        .map(({ attributes }) => (attributes['Name'] ?? '').replaceAll('/', '.')),
      properties: this.#propertiesOf(chain, '', 0),
      references: chain.flatMap(({ element }) =>
        childrenOf(element, 'NavigationProperty').flatMap((navigation) => this.#referenceOf(set, navigation)),
      ),
    };
  }

  #propertiesOf(chain: readonly Named[], prefix: string, depth: number): Property[] {
    return chain.flatMap(({ element, fullName }) =>
      childrenOf(element, 'Property').flatMap((property) => {
        const { Name = '', Type = '', Nullable, MaxLength } = property.attributes;
        const path = `${prefix}${Name}`;
        const [, item] = /^Collection\((.+)\)$/.exec(Type) ?? [];
        const type = this.#fullName(item ?? Type);
        const isCollection = item !== undefined;
        const complex = this.#chainOf(type);
        if (complex[0]?.element.name === 'ComplexType' && !isCollection && depth < MAX_COMPLEX_DEPTH)
          return this.#propertiesOf(complex, `${path}.`, depth + 1).map((inner) => ({
            ...inner,
            isNullable: inner.isNullable || Nullable !== 'false',
          }));
        const description = this.#descriptionOf(property, `${fullName}/${Name}`);
        const maxLength = Number(MaxLength);
        return [
          {
            ...{ path, isCollection, isNullable: Nullable !== 'false' },
            ...this.#leafOf(type),
            ...(description === undefined ? {} : { description }),
            ...(Number.isInteger(maxLength) && maxLength > 0 ? { maxLength } : {}),
          },
        ];
      }),
    );
  }

  #leafOf(type: string): Pick<Property, 'type' | 'values'> {
    const element = this.#named.get(type)?.element;
    if (element?.name === 'TypeDefinition') return { type: element.attributes['UnderlyingType'] ?? type };
    // A value of an enum with flags may combine several of them in one text.
    if (element?.name !== 'EnumType' || element.attributes['IsFlags'] === 'true')
      return { type: element?.name === 'EnumType' ? 'Edm.String' : type };
    return {
      type: 'Edm.String',
      values: childrenOf(element, 'Member').map(({ attributes }) => attributes['Name'] ?? ''),
    };
  }

  #descriptionOf(element: XmlElement, target: string): string | undefined {
    return descriptionIn(element) ?? this.#descriptions.get(target);
  }

  /** The properties of an entity that hold the key of a navigation's target. */
  #referenceOf(set: string, navigation: XmlElement): Reference[] {
    const { Name = '', Type = '', Relationship } = navigation.attributes;
    if (Relationship !== undefined) return this.#referenceByAssociation(set, navigation);
    const constraints = childrenOf(navigation, 'ReferentialConstraint');
    const target = this.#boundSet(set, Name) ?? this.#onlySetOf(this.#fullName(Type));
    if (constraints.length === 0 || target === undefined) return [];
    return [
      {
        set: target,
        columns: constraints.map(({ attributes }) => attributes['Property'] ?? ''),
        references: constraints.map(({ attributes }) => attributes['ReferencedProperty'] ?? ''),
      },
    ];
  }

  #boundSet(set: string, path: string): string | undefined {
    const bindings = childrenOf(this.#sets.get(set)?.element ?? EMPTY, 'NavigationPropertyBinding');
    const target = bindings.find(({ attributes }) => attributes['Path'] === path)?.attributes['Target'];
    const name = target?.slice(target.lastIndexOf('/') + 1);
    return name !== undefined && this.#sets.has(name) ? name : undefined;
  }

  #onlySetOf(type: string): string | undefined {
    const [only, ...others] = [...this.#sets].filter((entry) => entry[1].type === type);
    return others.length === 0 ? only?.[0] : undefined;
  }

  /** OData 2: the dependent end of an association has the key of the principal one. */
  #referenceByAssociation(set: string, { attributes }: XmlElement): Reference[] {
    const { Relationship = '', FromRole, ToRole } = attributes;
    const fullName = this.#fullName(Relationship);
    const association = this.#named.get(fullName)?.element ?? EMPTY;
    const [constraint] = childrenOf(association, 'ReferentialConstraint');
    const [principal] = childrenOf(constraint ?? EMPTY, 'Principal');
    const [dependent] = childrenOf(constraint ?? EMPTY, 'Dependent');
    if (dependent?.attributes['Role'] !== FromRole || principal?.attributes['Role'] !== ToRole) return [];
    const ends = this.#containers()
      .flatMap((container) => childrenOf(container, 'AssociationSet'))
      .filter((associationSet) => this.#fullName(associationSet.attributes['Association'] ?? '') === fullName)
      .map((associationSet) => childrenOf(associationSet, 'End'));
    const ofSet = ends.find((pair) =>
      pair.some((end) => end.attributes['Role'] === FromRole && end.attributes['EntitySet'] === set),
    );
    const target = ofSet?.find((end) => end.attributes['Role'] === ToRole)?.attributes['EntitySet'];
    if (target === undefined) return [];
    const namesIn = (role: XmlElement | undefined) =>
      childrenOf(role ?? EMPTY, 'PropertyRef').map((property) => property.attributes['Name'] ?? '');
    return [{ set: target, columns: namesIn(dependent), references: namesIn(principal) }];
  }
}

const EMPTY: XmlElement = { name: '', attributes: {}, children: [], text: '' };

function descriptionIn(element: XmlElement): string | undefined {
  const annotation = childrenOf(element, 'Annotation').find(({ attributes }) =>
    /(^|\.)Core\.V\d+\.Description$|^Core\.Description$/.test(attributes['Term'] ?? ''),
  );
  const [inner] = annotation === undefined ? [] : childrenOf(annotation, 'String');
  const [documentation] = childrenOf(element, 'Documentation');
  const [summary] = documentation === undefined ? [] : childrenOf(documentation, 'Summary');
  const text = (
    annotation?.attributes['String'] ??
    inner?.text ??
    summary?.text ??
    element.attributes['label']
  )
    ?.replace(/\s+/g, ' ')
    .trim();
  return text === undefined || text === '' ? undefined : text;
}
