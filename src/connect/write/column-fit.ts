/** Whether a text is a value of a column. */
type Accepts = (text: string) => boolean;

const MAX_INTEGER: Readonly<Record<string, number>> = {
  tinyint: 127,
  smallint: 32_767,
  mediumint: 8_388_607,
  integer: 2_147_483_647,
  int: 2_147_483_647,
};

/** A made-up value must fit the column, because a database refuses the others. Undefined if all values fit. */
export function fitsColumn(type: string | undefined): Accepts | undefined {
  const [, name = '', size] = /^([a-z ]+?)(?:\((\d+)\))?$/i.exec(type ?? '') ?? [];
  const maximum = MAX_INTEGER[name.toLowerCase()];
  if (maximum !== undefined) return (text) => Math.abs(Number(text)) <= maximum;
  if (size === undefined || !/char/i.test(name)) return undefined;
  return (text) => Array.from(text).length <= Number(size);
}

/** A value that must be accepted by two rules. */
export function both(first: Accepts | undefined, second: Accepts | undefined): Accepts | undefined {
  return first === undefined || second === undefined
    ? (first ?? second)
    : (text) => first(text) && second(text);
}
