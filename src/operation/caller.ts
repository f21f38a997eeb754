import type { Caller } from '../context/caller.js';
import type { Rights } from '../customer/customer.js';
import type { Purpose } from '../customer/schema.generated.js';
import type { Audience } from '../privacy/access.js';
import { stateOf, type RequestHead } from './request-state.js';

/** Who sends a request, what for, and what that lets them do. */
export interface Asker {
  caller: Caller;
  audience: Audience;
  rights: Rights;
}

/** Whether an audience may see a field, or what is of an enum value. */
export type MaySee = (audience: Audience, place: string) => boolean;

/** What follows from a caller and its purpose is worked out once. */
export function createAskers(maySee: MaySee): (caller: Caller, purpose: Purpose | undefined) => Asker {
  const known = new WeakMap<Caller, Map<Purpose | undefined, Asker>>();
  return (caller, purpose) => {
    let ofCaller = known.get(caller);
    if (ofCaller === undefined) known.set(caller, (ofCaller = new Map<Purpose | undefined, Asker>()));
    let asker = ofCaller.get(purpose);
    if (asker === undefined) {
      const { scopes, sees, findsBy, customer: own } = caller;
      const audience = { scopes, sees, purpose };
      asker = {
        caller,
        audience,
        rights: {
          findsBy,
          ...(own === undefined ? {} : { own }),
          maySee: (place) => maySee(audience, place),
          // The operator, who has to answer to customers. With `AUTH=off` nobody is one.
          seesErased: scopes.has('admin:forget'),
        },
      };
      ofCaller.set(purpose, asker);
    }
    return asker;
  };
}

/** Who sends a request that was let in. */
export function askerOf(request: RequestHead): Asker {
  const { asker } = stateOf(request);
  if (asker === undefined) throw new Error('A request is answered of which nobody knows whose it is.');
  return asker;
}
