import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'graphql';
import { z } from 'zod';
import type { OperationRequest, OperationRunner } from '../operation/answer.js';
import type { Prepared } from '../operation/prepare.js';
import type { Principal } from '../operation/principal.js';
import { httpError } from '../operation/request-error.js';
import type { InputLine } from './read-lines.js';
import { budgetIsSpentFor } from './run-bulk.js';

/** One page of the ids of the members. */
export const MEMBERS = parse(`query AudienceMembers($name: String!, $after: String) {
  audience(name: $name, first: 100, after: $after, maxCalls: 10000) {
    nodes { id }
    pageInfo { hasNextPage endCursor }
  }
}`);

const MembersAnswer = z.object({
  audience: z.object({
    nodes: z.array(z.object({ id: z.string() })),
    pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
  }),
});

const DEADLINE_MS = 60_000;
/** Members that are answered together at most, as the lines of a request. */
const MAX_TOGETHER = 1_000;

export interface AudienceMembersOptions {
  runner: Pick<OperationRunner, 'answer'>;
  /** `MEMBERS`, prepared. */
  prepared: Prepared;
  principal: Principal;
  requestId: string;
  signal?: OperationRequest['signal'];
  /** Waits until the caller's budget has points again. Default: a timer. */
  wait?: (ms: number) => Promise<unknown>;
}

/**
 * The members of a named audience as lines, in groups that are read when the group before is answered. The first group is one
 * page, so that the first lines are sent soon. Throws the error of a page that cannot be read.
 */
export async function* audienceMembers(
  name: string,
  options: AudienceMembersOptions,
): AsyncGenerator<InputLine[]> {
  if (options.principal.permissions.seesMasked)
    throw httpError(
      'FORBIDDEN',
      'A caller who sees masked values cannot select the lines of bulk by an audience.',
      403,
    );
  let line = 0;
  let group: InputLine[] = [];
  let isFirst = true;
  let after: string | null = null;
  for (;;) {
    const { nodes, pageInfo } = await pageOf(name, after, options);
    for (const { id } of nodes) group.push({ line: (line += 1), input: { id }, key: { id } });
    const isLast = !pageInfo.hasNextPage || options.signal?.aborted === true;
    if (isLast || isFirst || group.length >= MAX_TOGETHER) {
      yield group;
      group = [];
      isFirst = false;
    }
    if (isLast) return;
    after = pageInfo.endCursor;
  }
}

async function pageOf(
  name: string,
  after: string | null,
  { runner, prepared, principal, requestId, signal, wait = sleep }: AudienceMembersOptions,
): Promise<z.infer<typeof MembersAnswer>['audience']> {
  for (;;) {
    const { result } = await runner.answer(prepared, {
      principal,
      requestId,
      variables: { name, after },
      priority: 'bulk',
      deadlineMs: DEADLINE_MS,
      signal,
    });
    const retryAfter = budgetIsSpentFor(result);
    if (retryAfter !== undefined && signal?.aborted !== true) {
      await wait(retryAfter * 1_000);
      continue;
    }
    const [error] = result.errors ?? [];
    if (error?.extensions['code'] === 'FORBIDDEN') throw httpError('FORBIDDEN', error.message, 403);
    if (error !== undefined) throw error;
    return MembersAnswer.parse(result.data).audience;
  }
}
