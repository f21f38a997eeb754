import { z } from 'zod';
import { defineSource, file, filesSetting, folderSetting, setting } from '../../src/index.js';
import { devicesOf, eventPages, visitPages } from './loaders.js';
import { resolvers } from './resolvers.js';
import { timeline } from './timeline.js';
import { webhook } from './webhook.js';
import { OPTIONAL_COLUMNS } from './wire.js';

const wholeNumber = (least: number, most: number, usual: number) =>
  z.string().regex(/^\d+$/).transform(Number).pipe(z.number().int().min(least).max(most)).default(usual);

export const clickstream = defineSource({
  name: 'clickstream',
  connector: file({
    folder: folderSetting('CLICKSTREAM_FOLDER', '/data/snowplow/events'),
    memoryMb: setting(
      'CLICKSTREAM_MEMORY_MB',
      wholeNumber(64, 100_000, 256),
      'megabytes, from 64 (default 256)',
    ),
    timeoutMs: setting(
      'CLICKSTREAM_TIMEOUT_MS',
      wholeNumber(1, 30_000, 2_000),
      'milliseconds, 1 to 30000 (default 2000)',
    ),
    tables: {
      events: {
        files: filesSetting('CLICKSTREAM_FILES', '**/*.parquet'),
        optional: OPTIONAL_COLUMNS,
        newest: {
          column: 'collector_date',
          days: setting(
            'CLICKSTREAM_LOOK_BACK_DAYS',
            wholeNumber(1, 3_650, 30),
            'a number of days, 1 to 3650 (default 30)',
          ),
        },
      },
    },
  }),
  // The connector's own, a setting, is the shorter one. It works on two queries at once; more would wait there without
  // regard to who is more urgent. The batch bounds how long one of them takes.
  limits: { timeout: '30 s', concurrency: 2, maxBatch: 250, ofProcess: true },
  // It takes no part in who somebody is: see README.md.
  timeline,
  webhook,
  loaders: [visitPages, eventPages, devicesOf],
  resolvers,
});
