import { pino } from 'pino';

export type Logger = pino.Logger;

/**
 * Logs are lines of JSON on standard output. They never hold personal data: variables, results and causes are not
 * logged, and what slips into a known place is redacted here as a last resort.
 */
export function createLogger(level: string): Logger {
  return pino({
    name: 'stekkerdoos',
    level,
    base: null,
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
  });
}
