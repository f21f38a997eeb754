import type { Client } from '../connectors/connector.js';
import type { Loader } from '../loaders/loader.js';
import type { SourceDefinition } from '../source.js';
import { SourceCompiler, type SourceCode } from './compile-source.js';
import type { CallRequest, ConnectorCode, ConnectorKind } from './connector-kind.js';
import { filesKind } from './files.js';
import { graphqlKind } from './graphql.js';
import { reportIssues } from './grammar-problems.js';
import { declarationOf, type Declared } from './grammar.js';
import type { DeclarationProblem } from './problems.js';
import { odataKind } from './odata.js';
import { restKind } from './rest.js';
import { soapKind } from './soap.js';
import { sqlKind } from './sql.js';
import type { RowMapper } from './row-mapper.js';
import { NO_SDL, readSourceSdl } from './source-sdl.js';
import { YamlFile } from './yaml-file.js';

/** The files of a declared source. */
export interface DeclarationFiles<C extends Client = Client> {
  /** The name of the YAML file, for messages. */
  file: string;
  yaml: string;
  /** The folder of the YAML file, for files that it names. Default: the current folder. */
  folder?: string;
  /** The name of the SDL file, for messages. */
  sdlFile: string;
  /** Undefined if there is no such file. */
  sdl: string | undefined;
  /**
   * Parts of the source in code. A field with a resolver here needs no call in the declaration. Other parts replace those of
   * the declaration.
   */
  code?: SourceCode<C>;
}

/** A source made of a declaration. */
export interface DeclaredSource {
  source: SourceDefinition;
  /** The SDL of the source for the gateway: without fields that are not classified. */
  sdl: string;
  /** Problems that do not stop the start: fields that are not shown because they are not classified. */
  warnings: readonly DeclarationProblem[];
}

const KINDS = {
  rest: restKind,
  graphql: graphqlKind,
  sql: sqlKind,
  soap: soapKind,
  odata: odataKind,
  files: filesKind,
} as const;

/** The shape of a declaration by the kind of its connector, for editors. */
export const declarationSchemas = {
  rest: declarationOf(restKind.connect, restKind.call),
  graphql: declarationOf(graphqlKind.connect, graphqlKind.call),
  sql: declarationOf(sqlKind.connect, sqlKind.call),
  soap: declarationOf(soapKind.connect, soapKind.call),
  odata: declarationOf(odataKind.connect, odataKind.call),
  files: declarationOf(filesKind.connect, filesKind.call),
};

/**
 * Compiles a declaration to what `defineSource()` returns. Reports all problems together. No setting is read here: the gateway
 * reads the settings that the declaration names when it starts.
 */
export function declaredSource(
  files: DeclarationFiles,
): DeclaredSource | { problems: readonly DeclarationProblem[] } {
  const { folder, sdlFile, sdl: sdlText, code = {} } = files;
  const parsed = readDeclaration(files);
  if ('problems' in parsed) return parsed;
  const { kind, declared, yaml } = parsed;
  const { problems, report } = yaml;
  if (sdlText === undefined) {
    report([], `The source has no SDL.`, `Add ${sdlFile}, with the fields that it adds to Customer.`);
    return { problems };
  }
  const sdl = readSourceSdl(sdlFile, sdlText, declared.identity?.recordKey ?? declared.heldIdentifiers?.[0]);
  if ('problems' in sdl) return sdl;
  const source = new SourceCompiler<never, never, Client>({
    kind,
    declared,
    sdl,
    code,
    folder,
    report,
  }).compile();
  return problems.length > 0 ? { problems } : { source, sdl: sdl.text, warnings: sdl.unclassified };
}

/** Compiles a declaration without fields: its calls are loaders, whose rows code maps. */
export function declaredCalls(
  files: Pick<DeclarationFiles, 'file' | 'yaml' | 'folder'> & {
    /** The kind of connector that the declaration must have. */
    kind: keyof typeof KINDS;
    /** By call. */
    mappers: Readonly<Record<string, RowMapper<unknown>>>;
    connector?: ConnectorCode | undefined;
  },
):
  | { source: SourceDefinition; loaders: Readonly<Record<string, Loader<Client, string, unknown>>> }
  | { problems: readonly DeclarationProblem[] } {
  const parsed = readDeclaration(files);
  if ('problems' in parsed) return parsed;
  const { kind, declared, yaml } = parsed;
  const { problems, report } = yaml;
  if (parsed.kindName !== files.kind)
    report(
      ['connect'],
      `The source is not called by "${files.kind}".`,
      `Write connect: { ${files.kind}: ... }.`,
    );
  const { folder, connector } = files;
  const compiler = new SourceCompiler<never, never, Client>({
    ...{ kind, declared, sdl: NO_SDL, code: {}, connector, folder, report },
  });
  const loaders = compiler.compileCalls(files.mappers);
  const source = compiler.compile();
  return problems.length > 0 ? { problems } : { source, loaders };
}

/** Parses a declaration, and checks its shape. */
function readDeclaration({ file, yaml: text }: Pick<DeclarationFiles, 'file' | 'yaml'>):
  | {
      kindName: keyof typeof KINDS;
      kind: ConnectorKind<never, never, Client, CallRequest<Client>>;
      declared: Declared<never, never>;
      yaml: YamlFile;
    }
  | { problems: readonly DeclarationProblem[] } {
  const yaml = new YamlFile(file, text);
  const { problems, report } = yaml;
  if (problems.length > 0) return { problems };
  const kindName = kindOf(yaml);
  if (kindName === undefined) return { problems };
  const checked = declarationSchemas[kindName].safeParse(yaml.value);
  if (!checked.success) {
    reportIssues(checked.error.issues, yaml.value, report);
    return { problems };
  }
  return {
    // The declaration was checked by the schema of its kind.
    kindName,
    kind: KINDS[kindName] as unknown as ConnectorKind<never, never, Client, CallRequest<Client>>,
    declared: checked.data as Declared<never, never>,
    yaml,
  };
}

/** The kind of connector, which is the first known member of `connect`. */
function kindOf({ value, report }: YamlFile): keyof typeof KINDS | undefined {
  const connect =
    typeof value === 'object' && value !== null ? (value as { connect?: unknown }).connect : undefined;
  if (typeof connect !== 'object' || connect === null) {
    report(
      ['connect'],
      '"connect" is missing.',
      'Write how the system is reached, such as connect: { rest: "${WARRANTY_URL}", ping: /v1/status }.',
    );
    return undefined;
  }
  const found = Object.keys(KINDS).find((name): name is keyof typeof KINDS => name in connect);
  if (found !== undefined) return found;
  report(
    ['connect'],
    '"connect" names no kind of connector.',
    `Write one of ${Object.keys(KINDS).join(', ')}.`,
  );
  return undefined;
}

/** Compiles one call of a kind of connector, such as a measured one. `tables` has the tables of files by their names. */
export function compileMeasuredCall(
  kindName: keyof typeof KINDS,
  call: unknown,
  source: string,
  tables: Readonly<Record<string, unknown>> = {},
): { request: CallRequest<Client> } | { problem: string } {
  const kind = KINDS[kindName] as unknown as ConnectorKind<never, never, Client, CallRequest<Client>>;
  const checked = KINDS[kindName].call.safeParse(call);
  if (!checked.success) return { problem: `${checked.error.issues[0]?.message ?? 'It is invalid'}.` };
  const problems: string[] = [];
  const context = { source, place: [], report: (_: unknown, problem: string) => problems.push(problem) };
  // The call was checked by the schema of its kind. Only calls of files read the connector: the names of its tables.
  const request = kind.compileCall(checked.data as never, context, { tables } as never);
  const [problem] = problems;
  return problem === undefined ? { request } : { problem };
}
