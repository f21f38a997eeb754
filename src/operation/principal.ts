import type { Caller } from '../context/caller.js';
import type { Permissions } from '../customer/customer.js';
import type { Purpose } from '../customer/schema.generated.js';
import type { Audience } from '../privacy/access.js';

/** Who sends an operation, what for, and what that allows. */
export interface Principal {
  caller: Caller;
  audience: Audience;
  permissions: Permissions;
}

/** Whether an audience may see a field, or what is of an enum value. */
export type MaySee = (audience: Audience, place: string) => boolean;

/** Derives it from a caller and a purpose, once for each. */
export function createPrincipals(
  maySee: MaySee,
): (caller: Caller, purpose: Purpose | undefined) => Principal {
  const known = new WeakMap<Caller, Map<Purpose | undefined, Principal>>();
  return (caller, purpose) => {
    let ofCaller = known.get(caller);
    if (ofCaller === undefined) known.set(caller, (ofCaller = new Map<Purpose | undefined, Principal>()));
    let principal = ofCaller.get(purpose);
    if (principal === undefined) {
      const { scopes, sees, findsBy, customer: ownIdentifier } = caller;
      const audience = { scopes, sees, purpose };
      principal = {
        caller,
        audience,
        permissions: {
          findsBy,
          ...(ownIdentifier === undefined ? {} : { ownIdentifier }),
          maySee: (place) => maySee(audience, place),
          // The operator, who has to answer to customers. With `AUTH=off` nobody is one.
          seesErased: scopes.has('admin:forget'),
        },
      };
      ofCaller.set(purpose, principal);
    }
    return principal;
  };
}
