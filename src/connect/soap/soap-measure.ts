import type { Client } from '../../connectors/connector.js';
import type { CallRequest } from '../../declared/connector-kind.js';
import { compileMeasuredCall } from '../../declared/declared-source.js';
import { REMEDIES } from '../../diagnosis.js';
import { InvalidInputError, SourceError } from '../../errors.js';
import type { CallBudget } from '../call-budget.js';
import type { Finding } from '../draft.js';
import { nearMiss, otherCase, unknownKey } from '../probe-keys.js';
import { personSign } from '../tables/table-names.js';
import { valuesIn } from './soap-draft.js';
import type { PersonOperation } from './soap-operations.js';
import type { XmlPart } from './wsdl-model.js';

/** Measures how a SOAP service finds one person. */

/** Codes of faults that do not depend on the requested key. */
const GENERAL_CODE =
  /^(\w+:)?(Server|Client|Receiver|Sender|VersionMismatch|MustUnderstand|DataEncodingUnknown|InternalError|INTERNAL_ERROR|INTERNAL_SERVER_ERROR)$/i;
/** Another operation is measured only if at least this many calls are left. */
export const CALLS_OF_OPERATION = 4;

export interface MeasuredOperation {
  found: PersonOperation;
  /** The call in the syntax of a declaration. */
  call: Readonly<Record<string, unknown>>;
  /** The code of the fault for an unknown key. */
  faultOfUnknown?: string;
  /** The path in the record that has the requested key. */
  keyPath: string | undefined;
  /** Records by key. */
  answers: ReadonlyMap<string, readonly unknown[]>;
}

type Answer = { records: readonly unknown[] } | { fault: string | undefined };

export class SoapMeasurer {
  readonly findings: Finding[] = [];
  readonly times: number[] = [];
  readonly #source: string;
  readonly #budget: CallBudget;
  readonly #client: Client;

  constructor(source: string, budget: CallBudget, client: Client) {
    this.#source = source;
    this.#budget = budget;
    this.#client = client;
  }

  #find(text: string, isWarning = false): void {
    this.findings.push({ step: 'measure', text, ...(isWarning ? { isWarning } : {}) });
  }

  /**
   * Returns the reason if the operation cannot be declared. Throws an InvalidInputError if it returns the
   * record of another key.
   */
  async measure(
    found: PersonOperation,
    knownKeys: readonly string[],
  ): Promise<MeasuredOperation | { refusedBecause: string }> {
    const { name } = found.operation;
    const plain = callOf(found);
    const request = this.#compile(plain);
    const answers = new Map<string, readonly unknown[]>();
    for (const key of knownKeys.slice(0, 3)) {
      const answer = await this.#send(request, key);
      if ('records' in answer && answer.records.length > 0) answers.set(key, answer.records);
    }
    const [known] = answers.keys();
    if (knownKeys.length > 0 && known === undefined)
      return { refusedBecause: `${name} finds none of the given keys` };
    const record = known === undefined ? undefined : answers.get(known)?.[0];
    const unknown = await this.#measureUnknown(found, request, known, record);
    if ('refusedBecause' in unknown) return unknown;
    const keyPath = known === undefined ? undefined : pathWith(found.record, record, known);
    const matching = known === undefined ? {} : await this.#compare(found, request, known, keyPath);
    if ('refusedBecause' in matching) return matching;
    const vatKey =
      found.vatParts?.every((part) => found.record.some((element) => element.name === part)) === true;
    const call = {
      ...plain,
      ...unknown.declared,
      ...(vatKey ? { key: found.vatParts, matching: 'lower' } : {}),
      ...(keyPath === undefined ? {} : { key: keyPath, ...matching }),
    };
    return {
      ...{ found, call, keyPath, answers },
      ...(unknown.fault === undefined ? {} : { faultOfUnknown: unknown.fault }),
    };
  }

  #compile(call: Readonly<Record<string, unknown>>): CallRequest<Client> {
    const compiled = compileMeasuredCall('soap', call, this.#source);
    if ('problem' in compiled) throw new InvalidInputError(compiled.problem);
    return compiled.request;
  }

  async #send(request: CallRequest<Client>, key: string): Promise<Answer> {
    if (request.takes === 'each' || !request.canSend(key)) return { records: [] };
    const startedAt = performance.now();
    try {
      const records = await request.rows([key], this.#client);
      this.times.push(performance.now() - startedAt);
      return { records };
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      if (error.kind === 'fault' || error.received.faultCode !== undefined)
        return { fault: error.received.faultCode };
      throw new InvalidInputError(`${error.message} ${REMEDIES[error.kind]}`, { cause: error });
    }
  }

  /** Sends an unknown key. */
  async #measureUnknown(
    found: PersonOperation,
    request: CallRequest<Client>,
    known: string | undefined,
    record: unknown,
  ): Promise<{ refusedBecause: string } | { declared: object; fault?: string }> {
    const { operation, record: parts, rows } = found;
    const { name } = operation;
    const answer = await this.#send(request, unknownKeyOf(found, known));
    if ('fault' in answer) {
      const { fault } = answer;
      if (fault === undefined || GENERAL_CODE.test(fault))
        return {
          refusedBecause: `${name} answers an unknown key with a general fault (${fault ?? 'no code'}), so a missing record looks like a failure`,
        };
      this.#find(`${name}: an unknown key is answered with the fault ${fault}.`);
      return { declared: {}, fault };
    }
    const [empty] = answer.records;
    const leaves = textsOf(parts);
    const hasValue = (path: string) =>
      valuesIn([empty], path).some((value) => /[\p{L}\d]/u.test(String(value)));
    const isPerson = leaves.some(({ name: leaf, path }) => personSign(leaf) !== undefined && hasValue(path));
    if (isPerson)
      throw new InvalidInputError(
        `${name} returned a record for an unknown key. Such a service would show a customer the data of another one, so it is not connected. Choose another operation with --by.`,
      );
    if (empty === undefined || !leaves.some(({ path }) => hasValue(path))) {
      this.#find(`${name}: an unknown key is answered without a record.`);
      return { declared: {} };
    }
    const status = leaves.find(({ path, type, values }) => {
      const [value] = valuesIn([empty], path);
      const [ofKnown] = valuesIn([record], path);
      if (value === undefined || (type !== 'boolean' && values === undefined)) return false;
      return record === undefined ? value === false : value !== ofKnown;
    });
    if (status === undefined)
      return {
        refusedBecause: `${name} answers an unknown key with an empty record, and no element marks it as empty`,
      };
    const at = rows === undefined ? status.path : `${rows}.${status.path}`;
    const [is] = valuesIn([empty], status.path);
    this.#find(`${name}: an unknown key is answered with ${at} ${String(is)}.`);
    return { declared: { notFound: { at, is } } };
  }

  /** Sends the key in the other case, and a part of the key. */
  async #compare(
    { operation: { name } }: PersonOperation,
    request: CallRequest<Client>,
    known: string,
    keyPath: string | undefined,
  ): Promise<{ refusedBecause: string } | { matching?: 'lower' }> {
    const near = nearMiss(known);
    const ofNear = near === undefined ? { records: [] } : await this.#send(request, near);
    const changed = otherCase(known);
    const ofChanged =
      changed === undefined || this.#budget.left < 2 ? undefined : await this.#send(request, changed);
    const keysIn = (answer: Answer): unknown[] =>
      'records' in answer && keyPath !== undefined
        ? valuesIn(answer.records, keyPath).filter((key) => key !== '')
        : [];
    if (keysIn(ofNear).some((key) => key !== near))
      return { refusedBecause: `${name} finds a person by a part of the key` };
    const ignoresCase = ofChanged !== undefined && keysIn(ofChanged).includes(known);
    this.#find(
      `${name} finds no record by a part of a key${ofChanged === undefined ? '' : ignoresCase ? ', and is case-insensitive' : ', and is case-sensitive'}.`,
    );
    return ignoresCase ? { matching: 'lower' } : {};
  }
}

/** An unknown key, in the form of a known key. */
export function unknownKeyOf({ kind, vatParts }: PersonOperation, known: string | undefined): string {
  return vatParts === undefined ? unknownKey(known, kind, 0) : `${(known ?? 'NL').slice(0, 2)}000000000`;
}

function callOf({ operation, parts, rows }: PersonOperation): Record<string, unknown> {
  return { operation: operation.name, parts, ...(rows === undefined ? {} : { rows }) };
}

interface TextPart extends XmlPart {
  path: string;
}

/** The texts of a record that are not in lists. */
function textsOf(parts: readonly XmlPart[], above = ''): TextPart[] {
  return parts.flatMap((part): TextPart[] => {
    const path = `${above}${part.name}`;
    if (part.isList) return [];
    return part.children === undefined ? [{ ...part, path }] : textsOf(part.children, `${path}.`);
  });
}

/** The path in a record that has the requested key. */
function pathWith(parts: readonly XmlPart[], record: unknown, key: string): string | undefined {
  return textsOf(parts).find(({ path }) => {
    const [value] = valuesIn([record], path);
    return (
      (typeof value === 'string' || typeof value === 'number') &&
      String(value).toLowerCase() === key.toLowerCase()
    );
  })?.path;
}
