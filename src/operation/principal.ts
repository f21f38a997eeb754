import type { Caller } from '../context/caller.js';
import type { Permissions } from '../customer/customer.js';
import type { Purpose } from '../customer/schema.generated.js';
import type { Audience } from '../privacy/access.js';

/** The caller of an operation, with its purpose and its permissions. */
export interface Principal {
  caller: Caller;
  audience: Audience;
  permissions: Permissions;
}

/** Whether an audience may see a field, or data of an enum value. */
export type MaySee = (audience: Audience, place: string) => boolean;

/** Returns a function that derives the principal of a caller and a purpose. It derives each principal once. */
export function createPrincipals({
  maySee,
  needsConsent,
}: {
  maySee: MaySee;
  needsConsent: (purpose: Purpose | undefined) => boolean;
}): (caller: Caller, purpose: Purpose | undefined) => Principal {
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
          // Only the operator, who handles the requests of customers. With `AUTH=off`, there is no operator.
          seesErased: scopes.has('admin:forget'),
          seesMasked: sees === 'masked',
          ...(purpose !== undefined && needsConsent(purpose) ? { consentPurpose: purpose } : {}),
        },
      };
      ofCaller.set(purpose, principal);
    }
    return principal;
  };
}
