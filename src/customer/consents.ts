import { sideTable } from '../side-table.js';
import type { ConsentDeclaration, ConsentStatement } from './consent-declaration.js';
import type { Context, Customer } from './customer.js';
import type { Consent, Purpose } from './schema.generated.js';

/** A source that holds consent. */
export interface ConsentSource {
  name: string;
  consents: ConsentDeclaration;
}

/** What one system says. */
export interface SourcedStatement extends ConsentStatement {
  source: string;
}

/** What the systems say of one purpose. */
export interface ConsentAnswers {
  statements: readonly SourcedStatement[];
  /** The errors of systems that may have something to say, and could not be asked. */
  failed: readonly unknown[];
}

/** What customers allow and forbid, over all systems that hold it. */
export interface Consents {
  /** The names of these systems. */
  sources: readonly string[];
  /** All that they say. Throws the error of one that cannot be asked: without it a withdrawal might be missing. */
  ofCustomer(customer: Customer, context: Context): Promise<Consent[]>;
  /** What those that may say something about the purpose do say, asked in parallel, each once for a customer object. */
  statementsOf(customer: Customer, context: Context, purpose: Purpose): Promise<ConsentAnswers>;
}

export function createConsents(sources: readonly ConsentSource[]): Consents {
  const asked = sideTable<Customer, Map<ConsentSource, Promise<ConsentAnswers>>>();

  /** Many fields of one customer hang on it. A customer object lives as long as its request. */
  const ask = (source: ConsentSource, customer: Customer, context: Context): Promise<ConsentAnswers> => {
    const ofCustomer = asked.get(customer) ?? new Map<ConsentSource, Promise<ConsentAnswers>>();
    asked.set(customer, ofCustomer);
    const answer = ofCustomer.get(source) ?? answerOf(source, customer, context);
    ofCustomer.set(source, answer);
    return answer;
  };

  const askAll = async (
    some: readonly ConsentSource[],
    customer: Customer,
    context: Context,
  ): Promise<ConsentAnswers> => {
    const answers = await Promise.all(some.map((source) => ask(source, customer, context)));
    return {
      statements: answers.flatMap(({ statements }) => statements),
      failed: answers.flatMap(({ failed }) => failed),
    };
  };

  return {
    sources: sources.map(({ name }) => name),
    ofCustomer: async (customer, context) => {
      const { statements, failed } = await askAll(sources, customer, context);
      if (failed.length > 0) throw failed[0];
      return statements.map(({ channel = null, updatedAt = null, evidence = null, ...statement }) => ({
        ...statement,
        channel,
        updatedAt,
        evidence,
      }));
    },
    statementsOf: async (customer, context, purpose) => {
      const able = sources.filter(({ consents }) => consents.purposes.includes(purpose));
      const { statements, failed } = await askAll(able, customer, context);
      return { statements: statements.filter((statement) => statement.purpose === purpose), failed };
    },
  };
}

async function answerOf(
  { name, consents }: ConsentSource,
  customer: Customer,
  context: Context,
): Promise<ConsentAnswers> {
  try {
    const statements = await consents.of(customer, context);
    return { statements: statements.map((statement) => ({ ...statement, source: name })), failed: [] };
  } catch (error) {
    return { statements: [], failed: [error] };
  }
}
