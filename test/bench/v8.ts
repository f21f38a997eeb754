import { fork, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from './processes.js';
import type { Measured } from './v8-process.js';
import { TRICKS } from './v8-tricks.js';

/**
 * `node --import tsx test/bench/v8.ts [--node <path of a node>]... [--only <trick>]... [--rounds 5]` compares each trick of
 * src/v8 with the plain alternative, and prints a table: below 1, the trick takes less processor time, or memory.
 * Each measurement has a separate process, and the trick and its alternative alternate. So other work on the machine
 * affects both equally, and the median of the ratios is more reliable than the times.
 */
const { values: options } = parseArgs({
  options: {
    node: { type: 'string', multiple: true, default: [process.execPath] },
    only: { type: 'string', multiple: true, default: TRICKS.map(({ name }) => name) },
    rounds: { type: 'string', default: '5' },
  },
});
const rounds = Number(options.rounds);
const compiled = await build();

async function measure(node: string, trick: (typeof TRICKS)[number], isPlain: boolean): Promise<Measured> {
  const child = fork(
    join(compiled.folder, 'test/bench/v8-process.js'),
    [trick.name, isPlain ? 'plain' : 'trick', String(trick.requests)],
    { execPath: node, execArgv: isPlain ? [] : [...(trick.flags ?? [])] },
  );
  const ended = once(child, 'exit');
  const [measured] = (await once(child, 'message')) as [Measured];
  await ended;
  return measured;
}

const median = (all: readonly number[]): number => [...all].sort((a, b) => a - b)[all.length >> 1] ?? NaN;

try {
  process.stdout.write(
    '| trick | Node | CPU, trick / plain | memory, trick / plain | plain, µs a request |\n',
  );
  process.stdout.write(
    '| ----- | ---- | ------------------ | --------------------- | -------------------- |\n',
  );
  for (const trick of TRICKS.filter(({ name }) => options.only.includes(name)))
    for (const node of options.node) {
      const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
      const pairs: { trick: Measured; plain: Measured }[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const first = await measure(node, trick, round % 2 === 0);
        const second = await measure(node, trick, round % 2 !== 0);
        pairs.push(round % 2 === 0 ? { plain: first, trick: second } : { plain: second, trick: first });
      }
      const cpu = pairs.map((pair) => pair.trick.microseconds / pair.plain.microseconds);
      const memory = pairs.map((pair) => pair.trick.megabytes / pair.plain.megabytes);
      const spread = `${Math.min(...cpu).toFixed(2)} to ${Math.max(...cpu).toFixed(2)}`;
      process.stdout.write(
        `| ${trick.name} | ${version} | ${median(cpu).toFixed(2)} (${spread}) | ${median(memory).toFixed(2)} | ${median(pairs.map(({ plain }) => plain.microseconds)).toFixed(0)} |\n`,
      );
    }
} finally {
  compiled.remove();
}
