import { InvalidInputError } from '../../src/index.js';
import { country, rainOfPlaces } from './loaders.js';
import { measurementsNear } from './mapping.js';
import { isInNetherlands, placeOfPostcode } from './places.js';
import type { Resolvers } from './schema.generated.js';

/** The terms of the feed require the name and a link to this address. */
const ATTRIBUTION = { name: 'Buienradar', url: 'https://www.buienradar.nl' };

/** Answers schema/sources/buienradar.graphql. */
export const resolvers: Resolvers = {
  Query: {
    weather: (_, { latitude, longitude }) => {
      const place = {
        latitude: toDegrees('latitude', latitude),
        longitude: toDegrees('longitude', longitude),
      };
      return isInNetherlands(place) ? place : null;
    },
  },
  Customer: {
    weather: async (customer) => {
      const address = await customer.address();
      return placeOfPostcode(address?.postcode, address?.country);
    },
  },
  Weather: {
    attribution: () => ATTRIBUTION,
    now: async (place, _, { load }) => measurementsNear(await load(country, 'NL'), place),
    forecast: async (_place, _, { load }) => [...(await load(country, 'NL')).forecast],
    rain: async (place, _, { load }) => [...(await load(rainOfPlaces, place))],
  },
};

/** Throws InvalidInputError for a text that is not a decimal number. */
function toDegrees(argument: string, text: unknown): number {
  if (typeof text === 'string' && /^-?\d{1,20}(\.\d{1,20})?$/.test(text)) return Number(text);
  throw new InvalidInputError(`"${argument}" must be degrees as a decimal number, such as "52.37".`);
}
