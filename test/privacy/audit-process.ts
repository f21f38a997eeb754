import { writeSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { createAuditLog } from '../../src/privacy/audit-log.js';
import { createLogger } from '../../src/telemetry/logger.js';

/**
 * Writes audit lines as fast as possible until it is killed: `audit-process.ts <file> <name of the run> <secret>`. When
 * the log has acknowledged a line, it prints the line's request id at once, to the stream that the log does not use.
 */
const [file = '', run = '', secret = ''] = process.argv.slice(2);
const log = createAuditLog({ to: file === '-' ? 'stdout' : { file }, secret });
const customers = Array.from({ length: 300 }, (_, index) => `customer-${index}`.repeat(4));
let count = 0;

async function write(): Promise<void> {
  for (;;) {
    const requestId = `${run}-${(count += 1)}`;
    await log.append({
      requestId,
      caller: 'campaign',
      purpose: 'MARKETING',
      operation: { name: 'Campaign', id: 'campaign' },
      customers: count % 3 === 0 ? customers : [],
      categories: { granted: ['PROFILE'], masked: [], withheld: [] },
      sources: { 'order-system': 'live' },
      cached: false,
    });
    while (!print(`${requestId}\n`)) await setTimeout(1);
  }
}

/** False if the pipe is full, because the test has not read it. */
function print(text: string): boolean {
  try {
    writeSync(file === '-' ? 2 : 1, text);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    return false;
  }
}

// The gateway also writes its other output to standard output.
const logger = createLogger('info');
if (file === '-')
  setInterval(() => {
    for (let times = 0; times < 20; times += 1) logger.info('something else');
  }, 1);

await Promise.all(Array.from({ length: 50 }, write));
