import { afterEach, expect } from 'vitest';
import { createWorld } from '../../sources/stand-ins/seed.js';
import {
  startWebshop,
  type WebshopOptions,
  type WebshopStandIn,
} from '../../sources/webshop/stand-in/index.js';

/** Sends operations to the webshop's stand-in, and provides the customers of the tests. */

export const world = createWorld({ customers: 40 });
export const inShop = world.people.flatMap((person) =>
  person.webshop ? [{ ...person, webshop: person.webshop }] : [],
);
/** The ids of the customers, in the order of the vendor's lists. */
export const ids = inShop.map(({ webshop }) => webshop.customerId).sort();

export function shopper(index: number) {
  const person = inShop[index];
  if (!person) throw new Error('The seed data has too few people in the webshop.');
  return person;
}

/** The first customer of the seed data. This customer has a cart. */
export const eva = shopper(0);
export const evaId = `gid://shopify/Customer/${eva.webshop.customerId}`;

const running: WebshopStandIn[] = [];
afterEach(async () => {
  for (const standIn of running.splice(0)) await standIn.close();
});

export async function start(options: WebshopOptions = {}): Promise<WebshopStandIn> {
  const shop = await startWebshop(world, options);
  running.push(shop);
  return shop;
}

export type Json = Record<string, unknown>;
export interface Answer {
  data?: Json | null;
  errors?: unknown[];
  extensions?: Json;
}

export async function openShop(options: WebshopOptions = {}) {
  const shop = await start(options);
  return (query: string, variables: Json = {}) => send(shop, query, variables);
}

export async function send(shop: WebshopStandIn, query: string, variables: Json = {}): Promise<Answer> {
  const response = await post(shop, { query, variables }, tokenOf(shop));
  expect(response.status).toBe(200);
  return object(await response.json());
}

export function post(shop: WebshopStandIn, body: unknown, token: string | undefined): Promise<Response> {
  return fetch(String(shop.settings(shop.url)['WEBSHOP_URL']), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { 'x-shopify-access-token': token }),
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

export function tokenOf(shop: WebshopStandIn): string {
  return String(shop.settings(shop.url)['WEBSHOP_ACCESS_TOKEN']);
}

export function object(value: unknown): Json {
  if (!isJson(value)) throw new TypeError(`The value is not an object: ${JSON.stringify(value)}`);
  return value;
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null;
}

export function array(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

export function list(connection: unknown): Json[] {
  return array(object(connection)['nodes']).map(object);
}
