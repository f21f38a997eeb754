import { combineConnectors, defineSource, noAuth, rest, urlSetting } from '../../src/index.js';
import { country, FEED_PATH, rainOfPlaces } from './loaders.js';
import { resolvers } from './resolvers.js';

export const buienradar = defineSource({
  name: 'buienradar',
  connector: combineConnectors({
    feed: rest({
      baseUrl: urlSetting('BUIENRADAR_URL', 'https://data.buienradar.nl'),
      auth: noAuth,
      pingPath: FEED_PATH,
    }),
    rain: rest({
      baseUrl: urlSetting('BUIENRADAR_RAIN_URL', 'https://gpsgadget.buienradar.nl'),
      auth: noAuth,
      pingPath: '/data/raintext?lat=52.10&lon=5.18',
      isPingText: true,
    }),
  }),
  // Buienradar renews its data every five minutes. A forecast of half an hour ago is still useful.
  freshness: { maxAge: '5 minutes', staleIfError: '30 minutes' },
  // Buienradar publishes no limit. Six calls at a time is what a browser makes.
  limits: { timeout: '2 s', concurrency: 6 },
  loaders: [country, rainOfPlaces],
  resolvers,
});
