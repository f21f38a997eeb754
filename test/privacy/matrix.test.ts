import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { trace } from '@opentelemetry/api';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Role } from '../../src/context/caller.js';
import { ROLES } from '../../src/context/roles.js';
import { readPersistedOperations } from '../../src/operation/persisted-operations.js';
import { CALLER_SETTINGS, headersOf, visitorToken } from '../support/callers.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { RecordingProvider } from '../support/spans.js';
import { directSettings, faultControl } from '../support/stand-ins.js';
import { everyNth, isThorough } from '../support/thorough.js';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { readDeclared } from './declared.js';
import { expected, markersIn, TIMES, NEED_CONSENT, ownTextsIn, type Cell, type Answer } from './expected.js';
import { wholeFields, type WholeField } from './whole-view.js';

/**
 * Checks every field for every role and purpose. The customers have given consent, refused it, or never answered. The
 * systems that hold their consent may be unavailable. Each answer is compared with the SDL, which the test reads itself.
 */

const declared = readDeclared();

/** The consents of the customers, as in sources/stand-ins/README.md. */
const PEOPLE: Record<string, (purpose: string, channel: string) => 'granted' | 'withheld'> = {
  // This customer said yes to personal pages and to mail.
  'everywhere@example.nl': (purpose, channel) =>
    purpose === 'MARKETING' && channel === 'PHONE' ? 'withheld' : 'granted',
  // This customer said yes to personal pages. The shop has a yes to mail, and the CRM a later no.
  'no-marketing@example.nl': (purpose) => (purpose === 'PERSONALISATION' ? 'granted' : 'withheld'),
  // This customer has never answered.
  'no-consent@example.nl': () => 'withheld',
  // This customer said no to personal pages. The shop has a yes to mail, and the order system an unanswered request.
  'customer-7@example.nl': (purpose, channel) =>
    purpose === 'MARKETING' && channel !== 'PHONE' ? 'granted' : 'withheld',
};

const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-matrix-'));
const auditFile = join(folder, 'audit.jsonl');
let fields: WholeField[];
let unrestricted: TestGateway;
let gateway: TestGateway;
let control: FaultControl;
const logged: string[] = [];
const spans = new RecordingProvider();
const documentIds = new Map<string, string>();

const settings = {
  DEADLINE_MS: '30000',
  CLICKSTREAM_TIMEOUT_MS: '20000',
  IDENTITY_PATIENCE_MS: '20000',
  MAX_TOKENS: '20000',
};

beforeAll(async () => {
  trace.setGlobalTracerProvider(spans);
  unrestricted = createTestGateway({ ...directSettings(), ...settings });
  const { data } = await unrestricted.query(
    '{ customer(by: { email: "everywhere@example.nl" }) { company { kvkNumber } orders(first: 1) { nodes { number } } } }',
  );
  const { company, orders } = (
    data as { customer: { company: { kvkNumber: string }; orders: { nodes: [{ number: string }] } } }
  ).customer;
  fields = wholeFields(declared, { ...company, orderNumber: orders.nodes[0].number });
  const operations = pathToFileURL(`${join(folder, 'operations')}/`);
  writeOperations(operations, fields);
  for (const { name, documentId } of readPersistedOperations(operations)) documentIds.set(name, documentId);
  control = await faultControl();
  gateway = createTestGateway(
    { ...control.settings, ...settings, ...CALLER_SETTINGS, AUDIT_FILE: auditFile },
    { operations, logger: pino({ level: 'trace' }, { write: (line: string) => logged.push(line) }) },
  );
}, 60_000);

afterAll(async () => {
  trace.disable();
  await gateway.close();
  await unrestricted.close();
  await control.close();
  rmSync(folder, { recursive: true });
});

function writeOperations(target: URL, all: readonly WholeField[]): void {
  mkdirSync(target);
  for (const { path, operation, ofVisitor } of all) {
    writeFileSync(new URL(`${path}.graphql`, target), operation);
    if (ofVisitor !== operation) writeFileSync(new URL(`Me.${path}.graphql`, target), ofVisitor);
  }
}

/** The answers for a caller without restrictions, by operation and address. */
const unrestrictedAnswers = new Map<string, Promise<Answer>>();
function unrestrictedAnswerOf(operation: string, email: string): Promise<Answer> {
  const key = `${email} ${operation}`;
  let answer = unrestrictedAnswers.get(key);
  if (answer === undefined) {
    // `me` needs a token, and this caller has none.
    const customerOperation = operation.replace(
      /^query Me_\w+ \{ me/,
      `{ me: customer(by: { email: "${email}" })`,
    );
    answer = unrestricted.query(customerOperation, { by: { email } }).then(({ data, errors }) => {
      if (data === undefined) throw new Error(`${customerOperation}: ${JSON.stringify(errors)}`);
      return { data, errors: errors.map(toAnswerError) };
    });
    unrestrictedAnswers.set(key, answer);
  }
  return answer;
}

function toAnswerError({
  path = [],
  extensions: { code },
}: {
  path?: (string | number)[];
  extensions: { code: string };
}) {
  return { path: path.join('.'), code: code.startsWith('SOURCE_') ? 'SOURCE' : code };
}

/** Sends a query for a role. `scopes` limits the scopes of the role. */
async function queryAs(role: Role, purpose: string, email: string, operation: string, scopes?: string[]) {
  const name = /^query (\w+)/.exec(operation)?.[1] ?? '';
  const client = { client_id: `${name}-${purpose}` };
  const response = await gateway.fetch('/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-purpose': purpose,
      'x-sources': '1',
      ...(scopes !== undefined
        ? {
            authorization: `Bearer ${await visitorToken(email, { ...client, roles: [role], scope: scopes.join(' ') })}`,
          }
        : role === 'visitor'
          ? // Each operation has another client, so that no budget is exceeded.
            { authorization: `Bearer ${await visitorToken(email, client)}` }
          : await headersOf(role)),
    },
    body: JSON.stringify({
      documentId: documentIds.get(name),
      variables: operation.includes('$by') ? { by: { email } } : {},
    }),
  });
  const text = await response.text();
  const { data, errors = [] } = JSON.parse(text) as {
    data: unknown;
    errors?: { path?: (string | number)[]; extensions: { code: string } }[];
  };
  return { text, answer: { data, errors: errors.map(toAnswerError) } };
}

function sorted({ data, errors }: Answer): Answer {
  return {
    data: JSON.parse(
      JSON.stringify(data, (name, value: unknown) => (TIMES.has(name) ? 'a time' : value)),
    ) as unknown,
    errors: errors.toSorted((a, b) => (`${a.path} ${a.code}` < `${b.path} ${b.code}` ? -1 : 1)),
  };
}

const CELLS = (Object.keys(ROLES) as Role[]).flatMap((role) =>
  ROLES[role].purposes.map((purpose) => ({ role, purpose })),
);

function cellOf(role: Role, purpose: string, consent: Cell['consent'], limitedScopes?: string[]): Cell {
  const { scopes, sees } = ROLES[role];
  return {
    scopes: limitedScopes === undefined ? scopes : new Set(limitedScopes),
    sees,
    purpose,
    consent,
  };
}

/** Returns the text values without field names, because a field name can equal a value. */
function textsOf(data: unknown): string[] {
  if (typeof data === 'string') return [data];
  return typeof data === 'object' && data !== null ? Object.values(data).flatMap(textsOf) : [];
}

/** The number of audiences that were checked. A short run checks some of the fields, and others for each audience. */
let audienceCount = 0;

/**
 * Queries all fields of one customer and compares each answer with the SDL. Then it checks each value: if its own
 * field is hidden from the audience, no other field may show it.
 */
async function expectAudience(
  { role, purpose, scopes }: { role: Role; purpose: string; scopes?: string[] },
  email: string,
  consent: Cell['consent'],
): Promise<void> {
  const cell = cellOf(role, purpose, consent, scopes);
  const answers = new Map<string, string>();
  const textsOfPerson = new Map<string, string>();
  const seen = new Set<string>();
  for (const { operation: ofOthers, ofVisitor, path } of everyNth(fields, 5, audienceCount++)) {
    const operation = role === 'visitor' ? ofVisitor : ofOthers;
    const whole = await unrestrictedAnswerOf(operation, email);
    const { text, answer } = await queryAs(role, purpose, email, operation, scopes);
    const wanted = expected(declared, operation, whole, cell);
    expect(sorted(answer), `${path} of ${email}`).toEqual(sorted(wanted));
    const shown = JSON.stringify(wanted.data);
    for (const [marked, values] of markersIn(declared, operation, whole.data))
      for (const value of values)
        if (!shown.includes(value)) expect(text, `${path} of ${email} holds ${marked}`).not.toContain(value);
    answers.set(path, textsOf(answer.data).join('\n'));
    for (const [value, owner] of ownTextsIn(declared, operation, whole.data).ofPerson)
      textsOfPerson.set(value, owner);
    for (const value of ownTextsIn(declared, operation, wanted.data).all) seen.add(value);
  }
  // The visible values are known only if all fields were requested.
  if (!isThorough) return;
  // A last name is part of a full name, and a street is part of an address on one line.
  const visible = [...seen].join('\n');
  for (const [value, owner] of textsOfPerson)
    if (!visible.includes(value))
      for (const [path, text] of answers)
        expect(holds(text, value), `${path} of ${email} holds ${owner}`).toBe(false);
}

describe('the fields of the schema', () => {
  test('are all queried by this test', () => {
    const queried = new Set(fields.flatMap((field) => [...field.fields]));
    const all = [...declared.types].flatMap(([type, ofType]) =>
      [...ofType.keys()].map((name) => `${type}.${name}`),
    );
    // The members of an audience depend on the caller and the purpose: audience-matrix.test.ts.
    const others = /^(Query\.(me|customer|audience|audiencePlan)|Audience\w+\.\w+)$/;
    expect(all.filter((path) => !queried.has(path) && !others.test(path))).toEqual([]);
  });

  test.each(CELLS)(
    'are shown, masked or refused as the SDL declares, to the role $role for $purpose',
    { timeout: 240_000 },
    async ({ role, purpose }) => {
      // Consent affects only purposes that need it, so other purposes are checked for one customer.
      const people = Object.entries(PEOPLE).slice(0, NEED_CONSENT.has(purpose) ? undefined : 1);
      for (const [email, consent] of people)
        await expectAudience({ role, purpose }, email, (channel) => consent(purpose, channel));
    },
  );

  const FINDING_SCOPES = ['customers:find', 'identity:explore', 'timeline:read'];
  const OTHER_SCOPES = [...ROLES.operator.scopes].filter((scope) => !FINDING_SCOPES.includes(scope));
  const LIMITED_SCOPES = [
    FINDING_SCOPES,
    ...OTHER_SCOPES.map((left) => [...FINDING_SCOPES, ...OTHER_SCOPES.filter((value) => value !== left)]),
  ];
  test.each(
    everyNth(LIMITED_SCOPES, 5).map((scopes) => ({
      left: OTHER_SCOPES.filter((value) => !scopes.includes(value)),
      scopes,
    })),
  )('are refused to a caller that has all scopes except $left', { timeout: 240_000 }, async ({ scopes }) => {
    for (const purpose of ['CUSTOMER_CARE', 'SERVICE'])
      await expectAudience({ role: 'operator', purpose, scopes }, 'everywhere@example.nl', () => 'granted');
  });

  test(
    'are withheld while the systems that hold consent are unavailable, if they need consent',
    { timeout: 240_000 },
    async () => {
      await control.set('order-system', { fault: 'down' });
      await control.set('crm-hubspot', { fault: 'down' });
      await gateway.forget({ source: 'order-system' });
      await gateway.forget({ source: 'crm-hubspot' });
      const email = 'everywhere@example.nl';
      for (const role of ['visitor', 'frontend', 'campaign', 'operator'] as const)
        for (const purpose of ROLES[role].purposes.filter((purpose) => NEED_CONSENT.has(purpose)))
          for (const { operation: ofOthers, ofVisitor, path } of everyNth(fields, 5, audienceCount++)) {
            if (!path.startsWith('Customer.')) continue;
            const operation = role === 'visitor' ? ofVisitor : ofOthers;
            const whole = await unrestrictedAnswerOf(operation, email);
            const { text, answer } = await queryAs(role, purpose, email, operation);
            const field = declared.types.get('Customer')?.get(path.slice('Customer.'.length));
            if (field?.category === 'NONE' || field?.category === 'CONSENT') continue;
            const [error] = answer.errors;
            expect(['SOURCE', 'CONSENT_REQUIRED', 'FORBIDDEN'], path).toContain(error?.code);
            for (const values of markersIn(declared, operation, whole.data).values())
              for (const value of values) expect(text, path).not.toContain(value);
          }
      await control.heal();
    },
  );
});

/** Whether the text contains the value. A number within a longer number, or a date within a time, does not count. */
function holds(text: string, value: string): boolean {
  return /^[\d-]+$/.test(value)
    ? new RegExp(`(?<![\\d.])${value}(?![\\d.T])`).test(text)
    : text.includes(value);
}

describe('personal data', () => {
  test('is not in logs, metrics, traces or audit lines', async () => {
    // Help lines are constant text that contains words such as "search".
    const metrics = (await (await gateway.fetch('/metrics')).text()).replace(/^# HELP .*$/gm, '');
    const outputs = {
      logs: logged.join(''),
      metrics,
      // The ids of the spans are random, and may equal a value by chance.
      traces: JSON.stringify(spans.spans.map(({ name, attributes, status }) => [name, attributes, status])),
      audit: readFileSync(auditFile, 'utf8'),
    };
    const minimum = isThorough ? 1_000 : 250;
    expect(outputs.logs.length).toBeGreaterThan(minimum);
    expect(outputs.audit.split('\n').length).toBeGreaterThan(minimum);
    expect(spans.spans.length).toBeGreaterThan(minimum);
    // Some values are also words of the gateway: "customer" is a stage in the CRM and a part of every path. A ticket
    // and a
    // circuit breaker can both be "open" or "closed".
    const gatewayWords = new Set([
      ...[...declared.types.values()].flatMap((type) => [...type.keys()]),
      ...['open', 'closed'],
    ]);
    for (const email of Object.keys(PEOPLE))
      for (const { operation } of fields)
        for (const [path, values] of markersIn(
          declared,
          operation,
          (await unrestrictedAnswerOf(operation, email)).data,
        ))
          for (const value of values) {
            // The id may be shared, because only the gateway can decrypt it.
            if (path === 'Customer.id' || gatewayWords.has(value)) continue;
            for (const [name, text] of Object.entries(outputs))
              expect(holds(text, value), `${name} holds a ${path}`).toBe(false);
          }
  });
});
