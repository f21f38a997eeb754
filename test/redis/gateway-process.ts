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
 * Starts a gateway like `npm start`, with answers that are cached for half a minute, and with one more source: a notice
 * board whose content the tests change.
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
    // The timeouts are long, because the processes of the tests share one machine.
    limits: { ...source.limits, timeout: '5 s' as const },
  })),
  sdl: {
    'notice-board':
      'type Customer @foundBy(identifier: "customerNumber") @personalData(category: NONE) { "The notice about the customer." notice: String }',
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
