import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { soap, type SoapClient } from '../connectors/soap/client.js';
import { usernameToken } from '../connectors/soap/security.js';
import { isPossibleText, type SoapInput } from '../connectors/soap/xml.js';
import { secretSetting } from '../settings.js';
import type { RowsRequest, CompileContext, ConnectContext, ConnectorKind } from './connector-kind.js';
import { httpOptions } from './http-auth.js';
import { Mismatch } from './path.js';
import { RequestParts } from './rest-request.js';
import { variableIn } from './setting-name.js';
import { soapCall, soapConnect, type SoapCall, type SoapConnect } from './soap-grammar.js';
import { readerOf } from './text-value.js';

/** Sources with a SOAP service. */
export const soapKind: ConnectorKind<SoapConnect, SoapCall, SoapClient> = {
  connect: soapConnect,
  call: soapCall,
  compileConnector: (
    { soap: url, path, wsdl, version, auth, headers, ca, usernameToken: token, faults, ping },
    context,
  ) => {
    const { place, report } = context;
    const parts = new RequestParts(report);
    const input = parts.body(ping.parts ?? {}, [...place, 'ping', 'parts']);
    if (parts.sendsKeys)
      report(
        [...place, 'ping', 'parts'],
        'A health check has no key.',
        'Write a fixed value that the system knows, or refuses itself.',
      );
    return soap({
      ...httpOptions(url, { auth, headers, ca }),
      wsdl: wsdl.startsWith('/') ? wsdl : fileBeside(wsdl, context),
      ...(path === undefined ? {} : { path }),
      ...(version === undefined ? {} : { version }),
      ...(token === undefined
        ? {}
        : {
            security: usernameToken(
              secretSetting(variableIn(token.user)),
              secretSetting(variableIn(token.password)),
              { password: token.digest === true ? 'digest' : 'text' },
            ),
          }),
      ...(faults === undefined ? {} : { faults }),
      ping: { operation: ping.operation, input: input([]) as SoapInput },
    });
  },
  compileCall,
};

/** The address of a WSDL beside the declaration. */
function fileBeside(name: string, { folder = '.', place, report }: ConnectContext): URL {
  const file = join(folder, name);
  if (!existsSync(file))
    report(
      [...place, 'wsdl'],
      `There is no file "${name}" in the folder of the declaration.`,
      'Save the WSDL of the system there, or write its path at the system, such as /service?wsdl.',
    );
  return pathToFileURL(file);
}

/** Answers are checked by their mapping. */
const anyAnswer = z.unknown();

function compileCall(
  { operation, parts: template, rows, notFound }: SoapCall,
  { place, report }: CompileContext,
): RowsRequest<SoapClient> {
  const parts = new RequestParts(report);
  const inputOf = parts.body(template, [...place, 'parts']);
  const { takes } = parts;
  if (takes === undefined)
    report(
      [...place, 'parts'],
      'The call must send {key}, or the keys of a batch.',
      'Write "{key}" as the value of a part, or "{keys}" for a part that may repeat.',
    );
  if (takes === 'keys' && rows === undefined)
    report(
      place,
      'A call for several keys needs rows.',
      'Write where the list is in the answer, such as rows: item.',
    );
  const rowsPlace = rows ?? '.';
  const read = readerOf(rowsPlace, [...place, 'rows'], report);
  const readStatus =
    notFound === undefined ? undefined : readerOf(notFound.at, [...place, 'notFound', 'at'], report);
  const notFoundValues = new Set(notFound === undefined ? [] : [notFound.is].flat().map(String));
  const isNothing = (answer: unknown): boolean => notFoundValues.has(String(readStatus?.(answer)));
  return {
    takes: takes ?? 'key',
    rowsPlace,
    ...(rows === undefined ? { isFound: (answer: unknown) => !isNothing(answer) } : {}),
    canSend: (text) => parts.canSend(text) && isPossibleText(text),
    rows: async (keys, client) => {
      const answer = await client.call(anyAnswer, operation, inputOf(keys) as SoapInput);
      if (answer === null || (rows !== undefined && isNothing(answer))) return [];
      const found = read(answer);
      // An element that may repeat is a list, and one without records is left out.
      if (found == null || found === '') return [];
      if (Array.isArray(found)) return found as readonly unknown[];
      if (typeof found !== 'object') throw new Mismatch(rowsPlace, 'an element with elements');
      return [found];
    },
  };
}
