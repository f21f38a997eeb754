import type { GraphQLSchema } from 'graphql';
import type { Consents } from '../customer/consents.js';
import type { Purpose } from '../customer/schema.generated.js';
import { purposesThatNeedConsent, scopesOfEnumValues, type Policies } from '../stitching/policies.js';
import type { Sdl } from '../stitching/sdl.js';
import { createAudienceSchemas, type AudienceSchemas } from './audience-schema.js';
import { createDisclosures, type Disclosures } from './disclosure.js';
import { createPermissions, type Permissions } from './permission.js';

/** What the SDL declares about personal data, as the gateway goes by it. */
export interface Privacy {
  schemas: AudienceSchemas;
  disclosures: Disclosures;
  permissions: Permissions;
  /** Whether the customer must have agreed to the purpose. */
  needsConsent: (purpose: Purpose | undefined) => boolean;
  /** Scopes that values of enums need, by `Enum.VALUE`. */
  scopesOfValues: ReadonlyMap<string, readonly (readonly string[])[]>;
}

export function createPrivacy(
  schema: GraphQLSchema,
  sdl: Sdl,
  policies: Policies,
  consents: Consents,
): Privacy {
  const needConsent = purposesThatNeedConsent(sdl);
  const permissions = createPermissions(consents);
  return {
    schemas: createAudienceSchemas({ schema, policies, needConsent, permissions }),
    disclosures: createDisclosures({ schema, policies, needConsent }),
    permissions,
    needsConsent: (purpose) => purpose !== undefined && needConsent.has(purpose),
    scopesOfValues: scopesOfEnumValues(sdl),
  };
}
