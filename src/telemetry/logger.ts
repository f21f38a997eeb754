import { pino, type LoggerOptions } from 'pino';

export type Logger = pino.Logger;

/**
 * Creates the logger. It writes JSON lines to standard output. Logs never contain personal data: variables, results and
 * causes are not logged, and known fields are redacted here as a last resort. Lines are written synchronously, so that
 * they do not break audit lines on standard output. With several processes, each line has the number of its worker.
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
