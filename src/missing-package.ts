import { ConfigError } from './errors.js';

/**
 * Handles the failed import of a package that only some gateways need: throws a ConfigError that says what to install. `user` is
 * the source or part of the gateway that needs it.
 */
export function missingPackage(name: string, user: string): (error: unknown) => never {
  return (error) => {
    throw new ConfigError([`${user} needs the package "${name}": npm install ${name}. (${String(error)})`]);
  };
}
