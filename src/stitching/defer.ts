import { GraphQLDeferDirective } from '@graphql-tools/utils';
import { GraphQLDirective, visit, type ASTNode, type DirectiveNode } from 'graphql';

/** What the executor goes by is the name; what it is for is told here. */
export const DEFER = new GraphQLDirective({
  ...GraphQLDeferDirective.toConfig(),
  description:
    'The fragment may come later than the rest of the answer, which then waits for none of it. Clients that do not accept ' +
    '`multipart/mixed` or `text/event-stream` by name get all at once.',
});

export function isDefer({ name }: DirectiveNode): boolean {
  return name.value === DEFER.name;
}

/** What is to be answered at once; itself when it has no `@defer`. */
export function withoutDefer<T extends ASTNode>(node: T): T {
  return visit(node, { Directive: (one) => (isDefer(one) ? null : undefined) });
}
