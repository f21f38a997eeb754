const UNITS = { ms: 1, s: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;
type Unit = keyof typeof UNITS | `${Exclude<keyof typeof UNITS, 'ms' | 's'>}s`;

/** A length of time as people write it: `'250 ms'`, `'2 s'`, `'1 minute'`, `'7 days'`. */
export type Duration = `${number} ${Unit}`;

/** The duration in milliseconds. */
export function milliseconds(duration: Duration): number {
  const [amount, unit = ''] = duration.split(' ');
  const size = Object.entries(UNITS).find(([name]) => unit === name || unit === `${name}s`)?.[1];
  const result = Number(amount) * (size ?? Number.NaN);
  if (!(result >= 0)) throw new TypeError(`"${duration}" is not a duration such as "250 ms" or "7 days".`);
  return result;
}
