import type { GraphQLSchema } from 'graphql';
import type { Consents } from '../customer/consents.js';
import type { Purpose } from '../customer/schema.generated.js';
import { policiesOfValues, purposesThatNeedConsent, type Policies } from '../stitching/policies.js';
import type { Sdl } from '../stitching/sdl.js';
import { forbidden, type Audience } from './access.js';
import { createAudienceSchemas, type AudienceSchemas } from './audience-schema.js';
import { createDisclosures, type Disclosures } from './disclosure.js';
import { createConsentGuard, type ConsentGuard } from './consent-guard.js';

/** The privacy rules of the SDL, in executable form. */
export interface Privacy {
  schemas: AudienceSchemas;
  disclosures: Disclosures;
  consentGuard: ConsentGuard;
  /** Whether the purpose needs the customer's consent. */
  needsConsent: (purpose: Purpose | undefined) => boolean;
  /**
   * Whether scopes and purpose allow an audience a field (`Type.field`) or the data of an enum value (`Enum.VALUE`).
   * False if the schema has no such field or value, because then no policy allows it.
   */
  maySee: (audience: Audience, place: string) => boolean;
}

export function createPrivacy(
  schema: GraphQLSchema,
  sdl: Sdl,
  policies: Policies,
  consents: Consents,
): Privacy {
  const needConsent = purposesThatNeedConsent(sdl);
  const consentGuard = createConsentGuard(consents);
  const ofValues = policiesOfValues(sdl);
  return {
    schemas: createAudienceSchemas({ schema, policies, needConsent, consentGuard }),
    disclosures: createDisclosures({ schema, policies, needConsent }),
    consentGuard,
    needsConsent: (purpose) => purpose !== undefined && needConsent.has(purpose),
    maySee: (audience, place) => {
      const policy = ofValues.get(place) ?? policies.get(place);
      return policy !== undefined && forbidden(policy, audience) === undefined;
    },
  };
}
