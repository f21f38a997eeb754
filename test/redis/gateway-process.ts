import { z } from 'zod';
import { sources } from '../../sources/index.js';
import { createGateway } from '../../src/gateway.js';
import {
  bearer,
  defineLoader,
  defineSource,
  pathPart,
  rest,
  setting,
  urlSetting,
  type Context,
  type Customer,
  type RestClient,
} from '../../src/index.js';
import { listen } from '../../src/http/http.js';

/**
 * A gateway as `npm start` makes it, but it caches every answer for half a minute, and has one more source: a notice
 * board on which a test can hang something else.
 */
const notices = defineLoader<RestClient, string, string | null>({
  name: 'notices',
  load: (numbers, board) =>
    Promise.all(
      numbers.map(async (number) => {
        const notice = await board.get(z.object({ text: z.string() }), `/notices/${pathPart(number)}`);
        return notice?.text ?? null;
      }),
    ),
  about: (number) => [{ namespace: 'customerNumber', value: number }],
});

const noticeBoard = defineSource({
  name: 'notice-board',
  connector: rest({
    baseUrl: urlSetting('NOTICE_BOARD_URL', 'https://example.nl'),
    auth: bearer(setting('NOTICE_BOARD_TOKEN')),
    pingPath: '/notices/0',
  }),
  loaders: [notices],
  resolvers: {
    Customer: {
      notice: async (customer: Customer, _: unknown, { load }: Context) => {
        const number = await customer.identifier('customerNumber');
        return number === null ? null : load(notices, number);
      },
    },
  },
});

const gateway = createGateway({
  sources: [...sources, noticeBoard].map((source) => ({
    ...source,
    freshness: { maxAge: '30 s' as const },
    // The processes of the tests share one machine, and a call that is late because of it says nothing.
    limits: { ...source.limits, timeout: '5 s' as const },
  })),
  sdl: {
    'notice-board':
      'type Customer @foundBy(identifier: "customerNumber") @personalData(category: NONE) { "What hangs there about them." notice: String }',
  },
});
const server = await listen(gateway.handler, gateway.config);
process.once('disconnect', () => {
  void server
    .stop()
    .then(() => gateway.close())
    .then(() => process.exit());
});
process.send?.(server.url);
