import { GraphQLDeferDirective } from '@graphql-tools/utils';
import { GraphQLDirective, visit, type ASTNode, type DirectiveNode } from 'graphql';

/** The executor recognises the directive by its name. The description is published in the schema. */
export const DEFER = new GraphQLDirective({
  ...GraphQLDeferDirective.toConfig(),
  description:
    'The fragment may be sent later than the rest of the answer, which does not wait for it. Clients that do not accept ' +
    '`multipart/mixed` or `text/event-stream` by name get the complete answer at once.',
});

export function isDefer({ name }: DirectiveNode): boolean {
  return name.value === DEFER.name;
}

/** The document without `@defer`; the same object if it has none. */
export function withoutDefer<T extends ASTNode>(node: T): T {
  return visit(node, { Directive: (directive) => (isDefer(directive) ? null : undefined) });
}
