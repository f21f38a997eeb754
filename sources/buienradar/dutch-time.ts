/** Buienradar sends local Dutch time without a zone. */

const clock = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'Europe/Amsterdam',
  dateStyle: 'short',
  timeStyle: 'medium',
});

/** How many milliseconds Dutch clocks are ahead of UTC at a moment. */
function offsetMs(at: number): number {
  const local = Date.parse(`${clock.format(at).replace(' ', 'T')}Z`);
  return local - Math.floor(at / 1_000) * 1_000;
}

/** The moment of a Dutch local time. In the hour that clocks show twice in autumn, it is the later one. NaN for an invalid text. */
export function momentOf(local: string): number {
  const asUtc = Date.parse(`${local}Z`);
  if (Number.isNaN(asUtc)) return Number.NaN;
  // The offset depends on the moment, which is not yet known. The second estimate is right, except in the skipped hour in spring.
  return asUtc - offsetMs(asUtc - offsetMs(asUtc));
}

const DAY_MS = 86_400_000;

/** The moment nearest to now at which Dutch clocks show this hour and minute. */
export function nearestMoment(hour: string, minute: string, now: number): number {
  const moments = [-DAY_MS, 0, DAY_MS].map((days) =>
    momentOf(`${clock.format(now + days).slice(0, 10)}T${hour}:${minute}:00`),
  );
  return moments.reduce((nearest, moment) =>
    Math.abs(moment - now) < Math.abs(nearest - now) ? moment : nearest,
  );
}
