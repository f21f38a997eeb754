import { z } from 'zod';
import { defineSource, file, filesSetting, folderSetting, setting } from '../../src/index.js';
import { devicesOf, eventPages, visitPages } from './loaders.js';
import { resolvers } from './resolvers.js';
import { timeline } from './timeline.js';
import { webhook } from './webhook.js';
import { OPTIONAL_COLUMNS } from './wire.js';

const wholeNumber = (min: number, max: number, byDefault: number) =>
  z.string().regex(/^\d+$/).transform(Number).pipe(z.number().int().min(min).max(max)).default(byDefault);

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
  // The connector's timeout, a setting, is shorter than this one. The connector runs two queries at a time, and a third would
  // wait there regardless of its priority. The batch size bounds how long a query takes.
  limits: { timeout: '30 s', concurrency: 2, maxBatch: 250, ofProcess: true },
  // It does not take part in identification: see README.md.
  timeline,
  webhook,
  loaders: [visitPages, eventPages, devicesOf],
  resolvers,
});
