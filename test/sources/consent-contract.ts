import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Person, StandIn, World } from '../../sources/stand-ins/world.js';
import type { Environment } from '../../src/settings.js';
import type { SourceDefinition } from '../../src/index.js';
import { fakeClock } from '../support/clock.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { faultControl } from '../support/stand-ins.js';

/** A statement of a system about one use of a person's data. */
export interface Statement {
  purpose: string;
  channel: string | null;
  /** Default: null. */
  topic?: string | null;
  status: string;
  updatedAt: string | null;
  evidence: string | null;
}

/** Describes a source that holds consent, and how to query and change its stand-in. */
export interface ConsentSubject<S extends StandIn> {
  source: SourceDefinition;
  start: (world: World) => Promise<S>;
  /** Returns the key of a person in the source. Undefined if the source does not know the person. */
  keyOf: (person: Person) => Record<string, string> | undefined;
  /**
   * Returns the statements of the seed data about a person, in the terms of the gateway and the order of the source.
   */
  seedStatementsOf: (person: Person, world: World) => Statement[];
  /** Every status that occurs in the seed data. */
  statuses: readonly string[];
  /** The number of calls that load the consents of a hundred people known to the source. */
  callsForHundredPeople: number;
  /** The number of further calls that identify a hundred ordinary people. */
  identificationCalls: number;
  /** Withdraws or refuses the consent of a person to marketing mail. */
  withdraw: (standIn: S, person: Person) => Promise<void>;
}

/** The address of a person who has agreed to marketing mail in every system that stores this. */
export const AGREED = 'customer-5@example.nl';

export async function queryConsents(gateway: TestGateway, by: readonly unknown[]) {
  const { data, errors } = await gateway.query(
    `query($by: [CustomerKey!]!) { customers(by: $by) {
      consents { purpose channel topic status source updatedAt evidence }
    } }`,
    { by },
  );
  return { consents: listAt(data, 'customers').map((customer) => at(customer, 'consents')), errors };
}

/** Returns the entries that may decide about permission, without notes. */
function statementsOf({ consents }: { consents: readonly unknown[] }): unknown[] {
  return consents.map((entries) =>
    listAt(entries).filter((entry) => at(entry, 'topic') === null && at(entry, 'status') !== 'UNKNOWN'),
  );
}

/** Tests the contract of every source that holds consent. */
export function describeConsents<S extends StandIn>(subject: ConsentSubject<S>): void {
  const { source, start, keyOf, seedStatementsOf } = subject;
  const { name } = source;
  const enumName = name.toUpperCase().replaceAll('-', '_');
  const world = createWorld({ customers: 420 });
  const known = world.people.filter((person) => keyOf(person) !== undefined);
  let standIn: S;
  let control: FaultControl;
  let settings: Environment;
  const opened: TestGateway[] = [];

  beforeAll(async () => {
    standIn = await start(world);
    control = await faultControl([standIn]);
    settings = { DEADLINE_MS: '10000', ...standIn.settings(control.sources[name]?.url ?? '') };
  });
  afterAll(async () => {
    await Promise.all(opened.map((gateway) => gateway.close()));
    await control.close();
    await standIn.close();
  });

  const open = (freshness: SourceDefinition['freshness'] = {}) => {
    const clock = fakeClock();
    const { consents } = source;
    if (consents === undefined) throw new Error(`${name} declares no consents.`);
    // Neither the source nor a loader may change the freshness of consent.
    const patient = { ...consents, ofRecord: { ...consents.ofRecord, freshness } };
    const gateway = createTestGateway(settings, {
      sources: [
        // The loader of consent may also be one of the other loaders.
        {
          ...source,
          freshness,
          consents: patient,
          loaders: [...(source.loaders ?? []), patient.ofRecord],
        },
      ],
      clock,
    });
    opened.push(gateway);
    return { clock, query: (people: readonly Person[]) => queryConsents(gateway, people.map(keyOf)) };
  };

  describe('a source that holds consent', () => {
    it('shows the consents that the system holds of each person', async () => {
      const { consents, errors } = await open().query(known);
      expect(errors).toEqual([]);
      expect(consents).toEqual(
        known.map((person) =>
          seedStatementsOf(person, world).map((entry) => ({ topic: null, ...entry, source: enumName })),
        ),
      );
      const statuses = known.flatMap((person) => seedStatementsOf(person, world).map(({ status }) => status));
      expect([...new Set(statuses)].sort()).toEqual([...subject.statuses].sort());
    });

    it('loads the consents of a hundred people in as few calls as the system allows', async () => {
      const { query } = open();
      await control.heal();
      const ordinary = known.filter(({ email }) => email.startsWith('customer-'));
      const { errors } = await query(ordinary.slice(0, 100));
      expect(errors).toEqual([]);
      expect(control.counters()[name]?.calls).toBe(
        subject.identificationCalls + subject.callsForHundredPeople,
      );
    });

    it('shows no consents while the system is unavailable, even if its other answers may be stale for longer', async () => {
      const { clock, query } = open({
        maxAge: '1 hour',
        staleWhileRevalidate: '1 hour',
        staleIfError: '1 day',
      });
      const some = known.slice(0, 2);
      expect((await query(some)).errors).toEqual([]);
      await control.set(name, { fault: 'down' });
      // Consent is cached for five seconds.
      clock.advance(4_000);
      expect((await query(some)).errors).toEqual([]);
      clock.advance(2_000);
      const { consents, errors } = await query(some);
      await control.heal();
      expect(consents).toEqual([null, null]);
      expect(errors.map(({ extensions }) => extensions)).toEqual(
        some.map(
          () => expect.objectContaining({ code: 'SOURCE_UNAVAILABLE', source: source.name }) as unknown,
        ),
      );
    });

    it('shows a changed consent within five seconds', async () => {
      const person =
        known.find(({ email }) => email === AGREED) ??
        known.find((person) => seedStatementsOf(person, world).every(({ channel }) => channel !== 'EMAIL'));
      if (person === undefined) throw new Error(`${name} has no person who can withdraw consent.`);
      const { clock, query } = open();
      const before = statementsOf(await query([person]));
      await subject.withdraw(standIn, person);
      clock.advance(4_000);
      expect(statementsOf(await query([person]))).toEqual(before);
      clock.advance(1_000);
      const { consents } = await query([person]);
      expect(statementsOf({ consents })).not.toEqual(before);
      expect(consents[0]).toContainEqual(
        expect.objectContaining({ purpose: 'MARKETING', channel: 'EMAIL', status: 'REVOKED' }),
      );
    });
  });
}
