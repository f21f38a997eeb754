import { crash } from '../webhooks/crashing.js';

/**
 * Kills a gateway of webhooks under load, 200 times or as often as is said, and tells what became of the events:
 * `node --import tsx test/bench/webhooks-crash.ts [kills]`. Exit code 1: something was lost, invented, doubled or reordered.
 * With an empty database at `POSTGRESQL_URL` two gateways keep events there, and now one and now the other is killed.
 */
const { lost, invented, severalIds, outOfOrder, ...counts } = await crash({
  kills: Number(process.argv[2] ?? 200),
  postgresUrl: process.env['POSTGRESQL_URL'],
});
const wrong = { lost, invented, severalIds, outOfOrder };
process.stdout.write(`${JSON.stringify({ ...counts, ...wrong }, null, 2)}\n`);
if (Object.values(wrong).some((events) => events.length > 0)) process.exitCode = 1;
