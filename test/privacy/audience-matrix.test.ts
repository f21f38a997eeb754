import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Role } from '../../src/context/caller.js';
import { ROLES } from '../../src/context/roles.js';
import { readPersistedOperations } from '../../src/operation/persisted-operations.js';
import { CALLER_SETTINGS, headersOf, visitorToken } from '../support/callers.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { faultControl } from '../support/stand-ins.js';
import { everyNth } from '../support/thorough.js';
import { readDeclared, type DeclaredField } from './declared.js';
import { NEED_CONSENT, TIMES } from './expected.js';
import { wholeFields } from './whole-view.js';

/**
 * Checks `Query.audience` and `Query.audiencePlan` for every role and purpose. What a member shows is compared with the same query
 * of the single customer, which the matrix of all fields compares with the SDL.
 */

const declared = readDeclared();

/** By the field of `Customer` that shows the compared value. */
const CONDITIONS: Record<string, object> = {
  becameCustomerAt: { becameCustomerAt: { since: '2000-01-01T00:00:00Z' } },
  orderCount: { orderCount: { atLeast: 1 } },
  openInvoiceTotal: { openInvoiceTotal: { atLeast: '10' } },
  tickets: { tickets: { some: { isOpen: true } } },
  lifecycleStage: { lifecycleStage: { in: ['customer', 'lead'] } },
};

/** They never gave consent to marketing, or withdrew it, as sources/stand-ins/README.md says. */
const WITHOUT_MARKETING = ['no-marketing@example.nl', 'no-consent@example.nl'];

const CELLS = (Object.keys(ROLES) as Role[]).flatMap((role) =>
  ROLES[role].purposes.map((purpose) => ({ role, purpose })),
);

const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-audience-matrix-'));
const control = await faultControl();
const settings = {
  ...control.settings,
  DEADLINE_MS: '30000',
  IDENTITY_PATIENCE_MS: '20000',
  MAX_TOKENS: '20000',
};
let gateway: TestGateway;
let unrestricted: TestGateway;
/** The ids of the customers without consent to marketing. */
let withoutMarketing: string[];
/** The members for a caller without restrictions, by condition. */
const everyMember = new Map<string, string[]>();

const documentIds = new Map<string, { documentId: string }>();

beforeAll(async () => {
  const operations = pathToFileURL(`${join(folder, 'operations')}/`);
  mkdirSync(operations);
  const texts = { Page: PAGE, Plan: PLAN };
  for (const [name, text] of Object.entries(texts))
    writeFileSync(new URL(`${name}.graphql`, operations), text);
  for (const { name, documentId } of readPersistedOperations(operations))
    documentIds.set(name === 'Page' ? PAGE : PLAN, { documentId });
  gateway = createTestGateway(
    { ...settings, ...CALLER_SETTINGS, AUDIT_FILE: join(folder, 'audit.jsonl') },
    { operations },
    { freshness: 'as declared' },
  );
  unrestricted = createTestGateway(settings, {}, { freshness: 'as declared' });
  for (const [field, where] of Object.entries(CONDITIONS)) {
    const { data } = await unrestricted.query(PAGE, { where });
    everyMember.set(field, idsIn(Answer.parse({ data })));
  }
  withoutMarketing = await Promise.all(
    WITHOUT_MARKETING.map(async (email) => {
      const { data } = await unrestricted.query('query($by: CustomerKey!) { customer(by: $by) { id } }', {
        by: { email },
      });
      return z.object({ customer: z.object({ id: z.string() }) }).parse(data).customer.id;
    }),
  );
}, 60_000);
afterAll(async () => {
  await gateway.close();
  await unrestricted.close();
  await control.close();
  rmSync(folder, { recursive: true });
});

const Errors = z
  .array(
    z.object({
      path: z.array(z.union([z.string(), z.number()])).default([]),
      message: z.string(),
      extensions: z.object({ code: z.string() }),
    }),
  )
  .default([]);
const Answer = z.object({
  data: z
    .object({
      audience: z
        .object({
          nodes: z.array(z.looseObject({ id: z.string(), customer: z.unknown() })),
          isWithheld: z.boolean().optional(),
          counts: z.object({ matchingCount: z.number().nullable() }).optional(),
        })
        .nullish(),
      audiencePlan: z.object({ refusals: z.array(z.string()), callCount: z.number() }).nullish(),
      customers: z.array(z.unknown()).nullish(),
    })
    .nullish(),
  errors: Errors,
});
type Answer = z.infer<typeof Answer>;

const PAGE = `query Page($where: AudienceCondition!) {
  audience(where: $where) { nodes { id customer { id } } isWithheld counts { matchingCount } }
}`;
const PLAN = 'query Plan($where: AudienceCondition!) { audiencePlan(where: $where) { refusals callCount } }';

const idsIn = ({ data }: Answer): string[] => (data?.audience?.nodes ?? []).map(({ id }) => id);

async function queryAs(
  { role, purpose, scopes }: { role: Role; purpose: string; scopes?: string[] },
  query: string,
  variables: object,
): Promise<Answer> {
  const email = 'everywhere@example.nl';
  const response = await gateway.fetch('/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'data-purpose': purpose,
      ...(scopes !== undefined
        ? { authorization: `Bearer ${await visitorToken(email, { roles: [role], scope: scopes.join(' ') })}` }
        : role === 'visitor'
          ? { authorization: `Bearer ${await visitorToken(email)}` }
          : await headersOf(role)),
    },
    // Some roles may send persisted operations only.
    body: JSON.stringify({ ...(documentIds.get(query) ?? { query }), variables }),
  });
  return Answer.parse(await response.json());
}

function isAllowed(
  field: DeclaredField | undefined,
  { role, purpose }: { role: Role; purpose: string },
): boolean {
  if (field === undefined) throw new Error('The schema has no such field.');
  const { scopes, purposes } = field;
  return (
    scopes?.some((all) => all.every((scope) => ROLES[role].scopes.has(scope))) !== false &&
    purposes?.includes(purpose) !== false
  );
}

const callCount = () => Object.values(control.counters()).reduce((sum, { calls }) => sum + calls, 0);

describe('an audience', () => {
  test.each(CELLS)(
    'selects for the role $role and $purpose only by what the caller may see',
    async (cell) => {
      const mayUse = isAllowed(declared.types.get('Query')?.get('audience'), cell);
      for (const [shownBy, where] of Object.entries(CONDITIONS)) {
        const maySee = isAllowed(declared.types.get('Customer')?.get(shownBy), cell);
        await control.heal();
        const plan = await queryAs(cell, PLAN, { where });
        expect(callCount()).toBe(0);
        const page = await queryAs(cell, PAGE, { where });
        const at = `${shownBy} ${JSON.stringify(page.errors)}`;
        if (!mayUse || !maySee) {
          expect(page.data?.audience ?? null, at).toBeNull();
          // A page costs more points than a visitor has.
          const code = cell.role === 'visitor' ? 'LIMIT_EXCEEDED' : 'FORBIDDEN';
          expect(page.errors.map(({ extensions }) => extensions.code)).toEqual([code]);
          expect(callCount()).toBe(0);
        }
        if (!mayUse) {
          expect(plan.data?.audiencePlan, at).toBeNull();
          continue;
        }
        expect(
          plan.data?.audiencePlan?.refusals.some((text) => text.includes(`Customer.${shownBy}`)),
          at,
        ).toBe(!maySee);
        if (!maySee) continue;
        const ids = idsIn(page);
        const all = everyMember.get(shownBy) ?? [];
        const isWithheld = page.data?.audience?.isWithheld === true;
        const matching = page.data?.audience?.counts?.matchingCount;
        expect(all.length, at).toBeGreaterThan(0);
        expect(ids.filter((id) => !all.includes(id))).toEqual([]);
        if (NEED_CONSENT.has(cell.purpose)) {
          if (cell.purpose === 'MARKETING')
            expect(
              ids.filter((id) => withoutMarketing.includes(id)),
              at,
            ).toEqual([]);
          expect(ids.length).toBeLessThan(all.length);
        } else if (!isWithheld) expect(ids).toEqual(all);
        if (ROLES[cell.role].sees === 'clear') expect(isWithheld).toBe(false);
        else if (isWithheld || (matching ?? 0) < 10)
          expect({ ids, matching }).toEqual({ ids: [], matching: null });
      }
    },
  );

  test.each(CELLS.filter((cell) => isAllowed(declared.types.get('Query')?.get('audience'), cell)))(
    'shows of its members to the role $role for $purpose what single queries show',
    { timeout: 120_000 },
    async (cell) => {
      const [, where] =
        Object.entries(CONDITIONS).find(([shownBy]) =>
          isAllowed(declared.types.get('Customer')?.get(shownBy), cell),
        ) ?? [];
      if (where === undefined) return;
      const fields = wholeFields(declared, { kvkNumber: '12345678', orderNumber: '1' }).filter(({ path }) =>
        path.startsWith('Customer.'),
      );
      for (const { operation, path } of everyNth(fields, 5, cellCount++)) {
        const [, body = ''] = /customer\(by: \$by\) (\{.*\}) \}$/s.exec(operation) ?? [];
        expect(body).not.toBe('');
        const ofAudience = await queryAs(
          cell,
          `query ($where: AudienceCondition!) { audience(where: $where, first: 12) { nodes { id customer ${body} } } }`,
          { where },
        );
        const ids = idsIn(ofAudience);
        expect(ids.length, `${path} ${JSON.stringify(ofAudience.errors)}`).toBeGreaterThan(9);
        const single = await queryAs(cell, `query ($by: [CustomerKey!]!) { customers(by: $by) ${body} }`, {
          by: ids.map((id) => ({ id })),
        });
        expect(
          comparable(
            ofAudience.data?.audience?.nodes.map(({ customer }) => customer),
            ofAudience.errors.map((error) => ({ ...error, path: [error.path[2], ...error.path.slice(4)] })),
          ),
          path,
        ).toEqual(
          comparable(
            single.data?.customers,
            single.errors.map((error) => ({ ...error, path: error.path.slice(1) })),
          ),
        );
      }
    },
  );

  test('is refused to a caller that has all scopes except audiences:read', async () => {
    const scopes = [...ROLES.operator.scopes].filter((scope) => scope !== 'audiences:read');
    await control.heal();
    for (const query of [PAGE, PLAN]) {
      const { data, errors } = await queryAs({ role: 'operator', purpose: 'SERVICE', scopes }, query, {
        where: CONDITIONS['orderCount'] ?? {},
      });
      expect(Object.values(data ?? {}), JSON.stringify(errors)).toEqual([null]);
      expect(errors.map(({ extensions }) => extensions.code)).toEqual(['FORBIDDEN']);
    }
    expect(callCount()).toBe(0);
  });

  test('has no member while a system that may hold a refusal is unavailable, if the purpose needs consent', async () => {
    await control.set('webshop', { fault: 'down' });
    await gateway.forget({ source: 'webshop' });
    const { data } = await queryAs({ role: 'campaign', purpose: 'MARKETING' }, PAGE, {
      where: CONDITIONS['lifecycleStage'] ?? {},
    });
    expect(data?.audience?.nodes).toEqual([]);
    await control.heal();
  });
});

/** The number of cells that were checked. A short run checks some of the fields, and others for each cell. */
let cellCount = 0;

function comparable(customers: unknown, errors: z.infer<typeof Errors> | object[]) {
  return {
    customers: JSON.parse(
      JSON.stringify(customers, (name, value: unknown) => (TIMES.has(name) ? 'a time' : value)),
    ) as unknown,
    errors: errors.map((error) => JSON.stringify(error)).sort(),
  };
}
