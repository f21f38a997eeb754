/** The vendor's leaky bucket. Points are restored at a constant rate, up to a maximum. */
export interface Bucket {
  /** Takes the points if the bucket has enough. */
  take(points: number): boolean;
  giveBack(points: number): void;
  status(): ThrottleStatus;
}

export interface ThrottleStatus {
  maximumAvailable: number;
  currentlyAvailable: number;
  restoreRate: number;
}

/** `restoreRate` is in points a second. */
export function createBucket({
  maximumAvailable,
  restoreRate,
  now,
}: {
  maximumAvailable: number;
  restoreRate: number;
  now: () => number;
}): Bucket {
  let available = maximumAvailable;
  let countedAt = now();

  function restore(): void {
    const time = now();
    available = Math.min(maximumAvailable, available + ((time - countedAt) / 1000) * restoreRate);
    countedAt = time;
  }

  return {
    take(points) {
      restore();
      if (points > available) return false;
      available -= points;
      return true;
    },
    giveBack(points) {
      available = Math.min(maximumAvailable, available + points);
    },
    status() {
      restore();
      return { maximumAvailable, currentlyAvailable: Math.floor(available), restoreRate };
    },
  };
}
