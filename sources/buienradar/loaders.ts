import {
  callEach,
  defineLoader,
  SourceContractError,
  type RestClient,
  type CombinedClient,
  type Connector,
} from '../../src/index.js';
import { toCountry, toRain, type Country } from './mapping.js';
import type { Place } from './places.js';
import type { WeatherRain } from './schema.generated.js';
import { feed } from './wire.js';

/** The feed and the rain text have different addresses. */
export type BuienradarClient = CombinedClient<{ feed: Connector<RestClient>; rain: Connector<RestClient> }>;

export const FEED_PATH = '/2.0/feed/json';

/** The feed covers the whole country, so there is one key. */
export const country = defineLoader<BuienradarClient, 'NL', Country>({
  name: 'country',
  about: () => [],
  load: async (keys, buienradar) => {
    const found = await buienradar.feed.get(feed, FEED_PATH);
    if (found === null)
      throw new SourceContractError(
        'buienradar',
        'buienradar has no feed at the address in BUIENRADAR_URL.',
        {
          kind: 'not-found',
        },
      );
    const whole = toCountry(found);
    return keys.map(() => whole);
  },
});

/** Two decimals are about a kilometre. Places with the same key have the same rain. */
const keyText = ({ latitude, longitude }: Place): string => `${latitude.toFixed(2)} ${longitude.toFixed(2)}`;

/** Each call is for one place. */
export const rainOfPlaces = defineLoader<BuienradarClient, Place, readonly WeatherRain[]>({
  name: 'rainOfPlaces',
  keyText,
  about: () => [],
  loadEach: (places, buienradar) =>
    callEach(places, async ({ latitude, longitude }) => {
      const text = await buienradar.rain.getText('/data/raintext', {
        lat: latitude.toFixed(2),
        lon: longitude.toFixed(2),
      });
      const rain = text === null ? null : toRain(text, Date.now());
      if (rain !== null) return rain;
      throw new SourceContractError('buienradar', 'buienradar sent a rain text of another shape.');
    }),
});
