import { crash } from '../webhooks/crashing.js';

/**
 * Kills a gateway with webhooks under load, 200 times by default, and reports whether all events were
 * processed once and in order: `node --import tsx test/bench/webhooks-crash.ts [kills]`. Exit code 1:
 * something was lost, invented, doubled or reordered. With an empty database at `POSTGRESQL_URL`, two
 * gateways store their events there, and they are killed alternately.
 */
const { lost, invented, severalIds, outOfOrder, ...counts } = await crash({
  kills: Number(process.argv[2] ?? 200),
  postgresUrl: process.env['POSTGRESQL_URL'],
});
const wrong = { lost, invented, severalIds, outOfOrder };
process.stdout.write(`${JSON.stringify({ ...counts, ...wrong }, null, 2)}\n`);
if (Object.values(wrong).some((events) => events.length > 0)) process.exitCode = 1;
