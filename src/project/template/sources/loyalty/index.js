import { alignMany, defineLoader, defineSource, idNamespace, noAuth, rest, urlSetting } from 'stekkerdoos';
import { z } from 'zod';

/** What the loyalty club sends. An answer of another shape is an error of this source, never a wrong value. */
const members = z.object({
  members: z.array(
    z.object({
      id: z.string(),
      email: z.string(),
      name: z.string(),
      tier: z.enum(['SILVER', 'GOLD']),
      points: z.number().int(),
    }),
  ),
});

/** Finds members by one of their fields. Records are matched to the keys by that field, never by position. */
const membersBy = (field) =>
  defineLoader({
    name: `membersBy-${field}`,
    maxBatch: 50,
    load: async (keys, client) => {
      const answer = await client.get(members, '/members', { [field]: keys.join(',') });
      return alignMany(keys, (answer?.members ?? []).map(toRecord), {
        source: 'loyalty',
        keyOf: (member) => (field === 'email' ? member.email.toLowerCase() : member.id),
        idOf: ({ id }) => id,
      });
    },
  });

/** The fields that the SDL adds to Customer have the names of members of the record: `loyalty`. */
function toRecord({ id, email, name, tier, points }) {
  return {
    id,
    email,
    identifiers: [{ namespace: 'email', value: email }],
    profile: { name },
    loyalty: { tier, points },
  };
}

export const loyalty = defineSource({
  name: 'loyalty',
  connector: rest({
    baseUrl: urlSetting('LOYALTY_URL', 'http://127.0.0.1:4010'),
    auth: noAuth,
    pingPath: '/members',
  }),
  limits: { timeout: '1 s', concurrency: 10 },
  namespaces: [
    idNamespace('loyaltyMemberId', 'The number of a member of the loyalty club, such as L1001.', /^L\d{4}$/),
  ],
  identity: {
    recordKey: 'loyaltyMemberId',
    // `enforced`: no two members have one id. `usual`: an e-mail address normally belongs to one member.
    foundBy: {
      loyaltyMemberId: { uniqueness: 'enforced', loader: membersBy('id') },
      email: { uniqueness: 'usual', loader: membersBy('email') },
    },
    yields: { email: 'one' },
  },
});
