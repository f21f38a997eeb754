import fs from 'node:fs';
import { afterEach, expect, it, vi } from 'vitest';
import { createLogger } from '../../src/telemetry/logger.js';

afterEach(() => {
  vi.restoreAllMocks();
});

function linesOf(write: (logger: ReturnType<typeof createLogger>) => void, worker?: number): object[] {
  const lines: object[] = [];
  vi.spyOn(fs, 'writeSync').mockImplementation((_, text) => {
    lines.push(JSON.parse(text) as object);
    return text.length;
  });
  write(createLogger('info', worker));
  return lines;
}

it.each([undefined, 2])('a line has the number of its worker, if there are several: %s', (worker) => {
  const [line] = linesOf((logger) => {
    logger.info('text');
  }, worker);
  expect(line).toEqual({
    level: 30,
    time: expect.any(Number) as number,
    msg: 'text',
    ...(worker === undefined ? {} : { worker }),
  });
});

it.each(['variables', 'authorization', 'headers', 'email', 'phone', 'password'])(
  'a line never has the value of %s',
  (name) => {
    const lines = linesOf((logger) => {
      logger.info({ [name]: 'jan@example.nl', of: { [name]: { deep: 'jan@example.nl' } } }, 'text');
    });
    expect(lines).toMatchObject([{ [name]: '[redacted]', of: { [name]: '[redacted]' } }]);
  },
);

it('lines below the level are not written', () => {
  expect(
    linesOf((logger) => {
      logger.debug('text');
    }),
  ).toEqual([]);
});
