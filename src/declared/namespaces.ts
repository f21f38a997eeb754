import type { Namespace } from '../identity/declaration.js';
import { commonNamespaces, idNamespace } from '../identity/identifiers.js';
import type { Declared } from './grammar.js';
import { patternOf } from './pattern.js';
import type { Place, Report } from './problems.js';

/** The namespaces that every gateway has. Their values are compared in canonical form. */
export const COMMON = new Map(commonNamespaces('NL').map((namespace) => [namespace.name, namespace]));

/** The namespaces that a source adds. Reports names that every gateway has, and wrong patterns. */
export function compileNamespaces(
  declared: Declared<unknown, object>['namespaces'],
  report: Report,
): Namespace[] {
  return Object.entries(declared ?? {}).map(([name, { pattern, description, perCustomer }]) => {
    const place: Place = ['namespaces', name];
    if (COMMON.has(name))
      report(place, `The namespace "${name}" exists already.`, 'Remove it here, or choose another name.');
    const compiled = patternOf(pattern, [...place, 'pattern'], report);
    return idNamespace(name, description, compiled, perCustomer === undefined ? {} : { perCustomer });
  });
}
