import { customersByEmail, linesOfOrders, orderPages } from '../../sources/order-system/loaders.js';
import { fetchProducts, type Systems } from './systems.js';

/** `warm`: the customer's records in the systems are cached. `cold`: they must be looked up first. */
export type Kind = 'cold' | 'warm';

/** One call and its duration. */
export interface Step {
  name: string;
  ms: number;
}

/**
 * The longest chain of calls in the query: each call needs the answer to the one before it. See
 * test/gateway/one-call-per-source.test.ts for all calls.
 */
export const CHAIN = {
  cold: ['identity', 'orders', 'order lines', 'products'],
  warm: ['orders', 'order lines', 'products'],
} as const;

/** Makes these calls with the connectors of the sources, one after another and nothing else. */
export async function walk({ orders, shop }: Systems, email: string, kind: Kind): Promise<Step[]> {
  const steps: Step[] = [];
  const step = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    const answer = await call();
    steps.push({ name, ms: performance.now() - started });
    return answer;
  };
  const [who, pages, lines, products] = CHAIN.cold;

  const [buyer] = list((await step(who, () => customersByEmail.load([email], orders)))[0]);
  const page = { customerNumbers: [buyer?.id ?? ''], first: 3, after: null };
  const bought = list((await step(pages, () => orderPages.load([page], orders)))[0]).slice(0, page.first);
  const found = await step(lines, () => linesOfOrders.load(bought, orders));
  const skus = new Set(found.flatMap(list).map(({ sku }) => sku));
  const titles = await step(products, () => fetchProducts(shop, [...skus]));
  if (titles.length === 0) throw new Error(`The chain of calls about ${email} ends early.`);
  return steps.filter(({ name }) => CHAIN[kind].some((item) => item === name));
}

function list<T>(answer: readonly T[] | Error | undefined): readonly T[] {
  if (answer instanceof Error) throw answer;
  return answer ?? [];
}
