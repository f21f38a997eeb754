import type { FieldDefinitionNode } from 'graphql';
import type { PageArguments } from '../connection.js';
import type { Client } from '../connectors/connector.js';
import {
  COMPANY_NUMBERS,
  type Company,
  type CompanyDeclaration,
  type CompanyNumber,
  type CompanyRecord,
} from '../customer/company.js';
import type { Context } from '../customer/customer.js';
import type { Loader } from '../loaders/loader.js';
import type { Calls } from './calls.js';
import { COMMON } from './namespaces.js';
import type { Finish } from './field-type.js';
import type { Declared, Mapping } from './grammar.js';
import type { Mappers } from './mapping.js';
import type { Report } from './problems.js';
import { textReader } from './text-value.js';

/** The record of a company in a declared source. */
interface DeclaredCompany extends CompanyRecord {
  fields: Readonly<Record<string, unknown>>;
}

interface CompanyOptions<C extends Client> {
  companies: Declared<unknown, object>['companies'];
  /** The fields of Company in the SDL of the source. */
  fields: readonly FieldDefinitionNode[];
  /** The resolvers of Company that are written in code. */
  inCode: Readonly<Record<string, unknown>>;
  mappers: Mappers;
  calls: Pick<Calls<object, C>, 'recordLoader' | 'pageField' | 'fieldLoader'>;
  report: Report;
  finish: (field: FieldDefinitionNode, mapping: Mapping, id: string) => Finish;
  /** Adds the resolver of a field of Company. */
  add: (field: string, resolver: (parent: never, args: never, context: Context) => unknown) => void;
}

/**
 * Compiles how companies are found, and the fields of Company. Reports fields that no record has. Undefined if the source finds no
 * companies.
 */
export function compileCompanies<C extends Client>(
  options: CompanyOptions<C>,
): CompanyDeclaration<C, DeclaredCompany> | undefined {
  const { companies, inCode, mappers, calls, report, add } = options;
  const fields = options.fields.filter(
    // The gateway answers the numbers, from what each source holds.
    ({ name: { value } }) =>
      inCode[value] === undefined && !COMPANY_NUMBERS.some((number) => number === value),
  );
  if (companies === undefined) {
    for (const { name } of fields)
      report(
        ['fields', `Company.${name.value}`],
        `"Company.${name.value}" has no record, because the source finds no companies.`,
        'Add companies, such as { foundBy: { kvkNumber: byNumber } }.',
      );
    return undefined;
  }
  const { foundBy, holds = {} } = companies;
  const inRecord = fields.filter(({ name }) => mappers.mappingOf('Company', name.value).call === undefined);
  const map = mappers.compile('Company', inRecord);
  const readNumbers = COMPANY_NUMBERS.map((number) => {
    const path = holds[number];
    return path === undefined ? () => null : textReader(path, ['companies', 'holds', number], report);
  });
  const paths = [...Object.values(holds), ...mappers.pathsOf('Company')];
  const toCompany = (row: unknown): DeclaredCompany => {
    const [kvkNumber = null, vatNumber = null] = readNumbers.map((read) => read(row));
    return { kvkNumber, vatNumber, fields: map(row) };
  };
  const compiled: CompanyDeclaration<C, DeclaredCompany> = {
    foundBy: Object.fromEntries(
      Object.entries(foundBy).flatMap(([number, call]) => {
        const loader = calls.recordLoader(call, ['companies', 'foundBy', number], {
          namespace: number,
          common: COMMON.get(number),
          path: holds[number as CompanyNumber],
          idPath: undefined,
          paths,
          about: number,
          toValue: (rows) => (rows.length === 0 ? null : toCompany(rows[0])),
        });
        return loader === undefined ? [] : [[number, loader]];
      }),
    ),
    holds: COMPANY_NUMBERS.filter((number) => holds[number] !== undefined),
  };
  for (const field of fields)
    if (inRecord.includes(field))
      add(
        field.name.value,
        async (company: Company) => (await company.record(compiled))?.fields[field.name.value] ?? null,
      );
    else compileCompanyCall(field, Object.keys(foundBy)[0] ?? '', options);
  return compiled;
}

/** A field of Company with a call. Its key is a number of the company. */
function compileCompanyCall<C extends Client>(
  field: FieldDefinitionNode,
  foundBy: string,
  { mappers, calls, report, finish: finishOf, add }: CompanyOptions<C>,
): void {
  const name = field.name.value;
  const id = `Company.${name}`;
  const { call = '', key = foundBy, order, ...mapping } = mappers.mappingOf('Company', name);
  const number = COMPANY_NUMBERS.find((known) => known === key);
  if (number === undefined) {
    report(
      ['fields', id, 'key'],
      `"${key}" is not a number of companies.`,
      `Use one of ${COMPANY_NUMBERS.join(', ')}.`,
    );
    return;
  }
  const readPage = calls.pageField(call, field, { from: id, order }, number);
  const loader = readPage === undefined ? calls.fieldLoader(call, field, id, number) : undefined;
  const finish = finishOf(field, { ...mapping, call, ...(order === undefined ? {} : { order }) }, id);
  add(name, async (company: Company, args: PageArguments, { load }) => {
    const value = await company.identifier(number);
    if (value === null) return null;
    if (readPage !== undefined) return readPage([value], args, load);
    return finish(await load(loader as Loader<Client, string, unknown>, value), args);
  });
}
