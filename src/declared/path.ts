/** Reads a value from a record of a system. */
export type Read = (record: unknown) => unknown;

/** An answer that does not match the declaration: the place and what was expected there. It never contains a value. */
export class Mismatch extends Error {
  constructor(
    readonly place: string,
    readonly expected: string,
  ) {
    super(`${place}: ${expected}`);
  }

  /** This mismatch, with its place in a record that contains it. */
  within(place: string): Mismatch {
    return new Mismatch(joinPlaces(place, this.place), this.expected);
  }
}

export function joinPlaces(place: string, inner: string): string {
  if (place === '' || place === '.') return inner;
  return inner === '.' ? place : `${place}.${inner}`;
}

const SEGMENT = /^(?:"([^"]+)"|([^."[\]]+))((?:\[\d{1,4}\])*)(?:\.|$)/;
const MAX_SEGMENTS = 10;

/**
 * Compiles a path such as `owner.mail`, `lines[0].sku` or `"a.b".c`. `.` is the record itself. Undefined if the text is no
 * path. A missing member gives undefined; a value that cannot have members is a Mismatch.
 */
export function compilePath(text: string): Read | undefined {
  const steps = stepsOf(text);
  if (steps === undefined) return undefined;
  return steps.length === 0 ? (record) => record : compileSteps(steps);
}

/** The names and indexes of a path; none for the record itself. Undefined if the text is not a path. */
export function stepsOf(text: string): (string | number)[] | undefined {
  if (text === '.') return [];
  const steps: (string | number)[] = [];
  let rest = text;
  while (rest !== '') {
    const [found, quoted, plain, indexes = ''] = SEGMENT.exec(rest) ?? [];
    const name = quoted ?? plain;
    // Inherited members are not data of the record.
    if (found === undefined || name === undefined || name in Object.prototype) return undefined;
    steps.push(name, ...Array.from(indexes.matchAll(/\d+/g), ([digits]) => Number(digits)));
    rest = rest.slice(found.length);
    if (rest === '' && found.endsWith('.')) return undefined;
  }
  return steps.length === 0 || steps.length > MAX_SEGMENTS ? undefined : steps;
}

/** The member of the record that a path begins with. Undefined for the record itself, and for a text that is not a path. */
export function firstMember(path: string): string | undefined {
  const [, quoted, plain] = SEGMENT.exec(path) ?? [];
  return quoted ?? plain;
}

function compileSteps(steps: readonly (string | number)[]): Read {
  const [first = '', second, ...others] = steps;
  const readFirst = compileStep(first, '.');
  if (second === undefined) return readFirst;
  if (others.length === 0) {
    const readSecond = compileStep(second, String(first));
    return (record) => readSecond(readFirst(record));
  }
  const reads = steps.map((step, i) => compileStep(step, steps.slice(0, i).join('.') || '.'));
  return (record) => {
    let value = record;
    for (const read of reads) value = read(value);
    return value;
  };
}

function compileStep(step: string | number, place: string): Read {
  if (typeof step === 'number')
    return (value) => {
      if (value == null) return undefined;
      if (!Array.isArray(value)) throw new Mismatch(place, 'a list');
      return value[step] as unknown;
    };
  return (value) => {
    if (value == null) return undefined;
    if (typeof value !== 'object' || Array.isArray(value)) throw new Mismatch(place, 'an object');
    return (value as Readonly<Record<string, unknown>>)[step];
  };
}
