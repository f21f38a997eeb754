import { customersByEmail, linesOfOrders, orderPages } from '../../sources/order-system/loaders.js';
import { askForProducts, type Systems } from './systems.js';

/** Whether it is known to begin with which systems know the customer, and under which number. */
export type Kind = 'cold' | 'warm';

/** One call, and how long it took. */
export interface Step {
  name: string;
  ms: number;
}

/**
 * The longest chain of calls in the query, each of which can only be made when the one before it is answered. See
 * test/gateway/one-call-per-source.test.ts for all calls.
 */
export const CHAIN = {
  cold: ['who they are', 'their orders', 'the lines of the orders', 'the products of the lines'],
  warm: ['their orders', 'the lines of the orders', 'the products of the lines'],
} as const;

/** Makes these calls by the sources' own connectors, with nothing before, between or beside them. */
export async function walk({ orders, shop }: Systems, email: string, kind: Kind): Promise<Step[]> {
  const steps: Step[] = [];
  const step = async <T>(name: string, ask: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    const answer = await ask();
    steps.push({ name, ms: performance.now() - started });
    return answer;
  };
  const [who, pages, lines, products] = CHAIN.cold;

  const [buyer] = list((await step(who, () => customersByEmail.load([email], orders)))[0]);
  const page = { customerNumbers: [buyer?.id ?? ''], first: 3, after: null };
  const bought = list((await step(pages, () => orderPages.load([page], orders)))[0]).slice(0, page.first);
  const found = await step(lines, () => linesOfOrders.load(bought, orders));
  const skus = new Set(found.flatMap(list).map(({ sku }) => sku));
  const titles = await step(products, () => askForProducts(shop, [...skus]));
  if (titles.length === 0) throw new Error(`The chain of calls about ${email} ends early.`);
  return steps.filter(({ name }) => CHAIN[kind].some((one) => one === name));
}

function list<T>(answer: readonly T[] | Error | undefined): readonly T[] {
  if (answer instanceof Error) throw answer;
  return answer ?? [];
}
