import { pino, type LoggerOptions } from 'pino';

export type Logger = pino.Logger;

/**
 * Logs are lines of JSON on standard output. They never hold personal data: variables, results and causes are not
 * logged, and what slips into a known place is redacted here as a last resort. A line is written before the gateway
 * goes on: audit lines may go to standard output too, and each is to stay whole. Of several processes they tell which
 * worker wrote them.
 */
export function createLogger(level: string, worker?: number): Logger {
  const options: LoggerOptions = {
    level,
    base: worker === undefined ? null : { worker },
    redact: {
      paths: [
        'variables',
        '*.variables',
        'authorization',
        '*.authorization',
        'headers',
        '*.headers',
        'email',
        '*.email',
        'phone',
        '*.phone',
        'password',
        '*.password',
      ],
      censor: '[redacted]',
    },
  };
  return pino(options, pino.destination({ dest: 1, sync: true }));
}
