/** The current time of the seed data. Only planned dates are later. */
export const worldNow = '2026-11-01T12:00:00Z';

export const minuteMs = 60_000;
export const dayMs = 24 * 60 * minuteMs;

export function before(moment: string, milliseconds: number): string {
  return isoSeconds(Date.parse(moment) - milliseconds);
}

/** A later moment, but at most the current time. */
export function after(moment: string, milliseconds: number): string {
  return isoSeconds(Math.min(Date.parse(moment) + milliseconds, Date.parse(worldNow)));
}

function isoSeconds(timestamp: number): string {
  return `${new Date(timestamp).toISOString().slice(0, 19)}Z`;
}
