import type { FailureKind, Received, Requested } from './diagnosis.js';

/**
 * Every error of the gateway, sorted by who must act. Each has one stable code, sent as `extensions.code`. The message never
 * contains personal data or a system's own text. The original error is the `cause`, for the log only.
 *
 * These are plain errors rather than GraphQLErrors: one error may reject many fields (a batch, a shared call), and the
 * executor then makes an error with its own path for each field.
 */
export abstract class GatewayError extends Error {
  abstract readonly code: string;

  /** What the client receives beside the message and the path. */
  get extensions(): Record<string, unknown> {
    return { code: this.code };
  }
}

/** The request is not valid. No source was called. */
export class InvalidInputError extends GatewayError {
  readonly code = 'BAD_USER_INPUT';
}

/** The request exceeds a limit on one request. No source was called. */
export class LimitExceededError extends GatewayError {
  readonly code = 'LIMIT_EXCEEDED';
}

/** The request has no credentials, or an invalid key or token. No source was called. */
export class UnauthenticatedError extends GatewayError {
  readonly code = 'UNAUTHENTICATED';

  /** The reason does not reveal whether a key or a customer exists: `expired` is sent for genuine tokens only. */
  constructor(
    readonly reason: 'missing' | 'invalid' | 'expired',
    options?: ErrorOptions,
  ) {
    super(UNAUTHENTICATED[reason], options);
  }

  /** `WWW-Authenticate` of the response, which has status 401 if the whole request is refused (RFC 6750, section 3). */
  get challenge(): string {
    return this.reason === 'missing' ? 'Bearer' : 'Bearer error="invalid_token"';
  }
}

const UNAUTHENTICATED = {
  missing: 'Authentication is required: send an API key or token as "Authorization: Bearer <key or token>".',
  invalid: 'The API key or token is not valid.',
  expired: 'The token has expired. Get a new one.',
} as const;

/** The caller is authenticated but has no permission to do or read this. No source was called for it. */
export class ForbiddenError extends GatewayError {
  readonly code = 'FORBIDDEN';

  constructor(
    message: string,
    /** What the caller would need: all scopes of one of the lists, or one of the purposes. */
    readonly needed: { scopes?: readonly (readonly string[])[]; purposes?: readonly string[] } = {},
  ) {
    super(message);
  }

  override get extensions(): Record<string, unknown> {
    return { code: this.code, ...this.needed };
  }
}

/** The customer has not consented to this use of the data. */
export class ConsentRequiredError extends GatewayError {
  readonly code = 'CONSENT_REQUIRED';

  constructor(readonly purpose: string) {
    super(`${purpose} requires the customer's consent, and there is none.`);
  }

  override get extensions(): Record<string, unknown> {
    return { code: this.code, purpose: this.purpose };
  }
}

/** The customer was erased: no data is returned, and no source was called. */
export class ErasedError extends GatewayError {
  readonly code = 'ERASED';

  constructor() {
    super('This customer has been erased, so no data is returned.');
  }
}

/** The list of erased customers is unavailable. Until it has been read once, no customer is returned. */
export class SuppressionUnavailableError extends GatewayError {
  readonly code = 'SUPPRESSION_UNAVAILABLE';

  constructor(toDo: 'read' | 'write', options?: ErrorOptions) {
    super(
      toDo === 'read'
        ? 'The list of erased customers is unavailable, so no customer is returned. Try again later.'
        : 'The list of erased customers cannot be written, so the customer was not added. Try again later.',
      options,
    );
  }

  override get extensions(): Record<string, unknown> {
    return { code: this.code, retryable: true };
  }
}

/** The issuer's keys cannot be fetched, so tokens cannot be verified and are refused. */
export class AuthenticationUnavailableError extends GatewayError {
  readonly code = 'AUTHENTICATION_UNAVAILABLE';
  readonly retryable = true;

  constructor(
    /** Seconds until a retry makes sense. If the whole request is refused, its status is 503. */
    readonly retryAfter: number,
    options?: ErrorOptions,
  ) {
    super('The token cannot be verified now: the keys of its issuer cannot be fetched.', options);
  }

  override get extensions(): Record<string, unknown> {
    return { code: this.code, retryable: this.retryable, retryAfter: this.retryAfter };
  }
}

/** An identifier belongs to several people in the systems. A data steward must correct a system. */
export class AmbiguousIdentityError extends GatewayError {
  readonly code = 'AMBIGUOUS_IDENTITY';

  constructor(
    /** The system that holds several; undefined if the records of several systems disagree. */
    readonly source: string | undefined,
    /** The number of different customers that the identifier may belong to. */
    readonly candidateCount: number,
    what: 'customers' | 'companies' = 'customers',
  ) {
    super(
      source === undefined
        ? `This identifier may belong to ${candidateCount} different ${what} in the systems, so none is returned.`
        : `${source} holds ${candidateCount} different ${what} under this identifier, so none is returned.`,
    );
  }

  override get extensions(): Record<string, unknown> {
    return {
      code: this.code,
      ...(this.source === undefined ? {} : { source: this.source }),
      candidateCount: this.candidateCount,
    };
  }
}

export interface SourceErrorOptions extends ErrorOptions {
  /** Seconds until the system accepts another call. */
  retryAfter?: number | undefined;
  /**
   * Whether the failure concerns the requested key only, for example because the office of one country is closed. The system
   * itself works, so the circuit breaker does not count the failure and other keys are still requested. Default: false.
   */
  isOfKeyOnly?: boolean;
  /** The kind of failure, for the operator. Default: the most general kind of the error's code. */
  kind?: FailureKind;
  /** What the system answered, for the operator: codes and names, never a value. */
  received?: Received;
  /** The failure that this error describes to one request. The operator gets one report for both. */
  explains?: SourceError;
}

/**
 * A source system failed. The client gets the code and the message. The operator finds `kind`, `requested` and `received` in
 * the log, in the metrics and in `/health/ready`.
 */
export abstract class SourceError extends GatewayError {
  abstract readonly retryable: boolean;
  protected abstract readonly generalKind: FailureKind;
  readonly retryAfter: number | undefined;
  /** Whether the failure concerns the requested key only. */
  readonly isOfKeyOnly: boolean;
  readonly received: Received;
  /** The failure to report to the operator: this error, or the one that it describes. */
  readonly failure: SourceError;
  readonly #kind: FailureKind | undefined;
  #requested: Requested = {};

  constructor(
    readonly source: string,
    message: string,
    options: SourceErrorOptions = {},
  ) {
    super(message, options);
    this.failure = options.explains ?? this;
    this.retryAfter = options.retryAfter;
    this.isOfKeyOnly = options.isOfKeyOnly ?? false;
    this.received = options.received ?? {};
    this.#kind = options.kind;
  }

  get kind(): FailureKind {
    return this.#kind ?? this.generalKind;
  }

  get requested(): Requested {
    return this.#requested;
  }

  /** Adds what was requested. Existing values have priority, because they were added closer to the failure. */
  addRequest(requested: Requested): void {
    this.#requested = { ...requested, ...this.#requested };
  }

  override get extensions(): Record<string, unknown> {
    return {
      code: this.code,
      source: this.source,
      retryable: this.retryable,
      ...(this.retryAfter === undefined ? {} : { retryAfter: this.retryAfter }),
    };
  }
}

/** The system refuses connections or reports an error of its own. */
export class SourceUnavailableError extends SourceError {
  readonly code = 'SOURCE_UNAVAILABLE';
  readonly retryable = true;
  protected readonly generalKind = 'unreachable';
}

/** The system did not answer within its timeout. */
export class SourceTimeoutError extends SourceError {
  readonly code = 'SOURCE_TIMEOUT';
  readonly retryable = true;
  protected readonly generalKind = 'timeout';
}

/** The system limits the rate of calls. The gateway waits. */
export class SourceRateLimitedError extends SourceError {
  readonly code = 'SOURCE_RATE_LIMITED';
  readonly retryable = true;
  protected readonly generalKind = 'rate-limited';
}

/** The system refuses the credentials. A retry does not help: the operator must renew them. */
export class SourceAuthenticationError extends SourceError {
  readonly code = 'SOURCE_UNAUTHENTICATED';
  readonly retryable = false;
  protected readonly generalKind = 'credentials';
}

/** The system accepts the credentials and forbids reading this. The operator must grant access. */
export class SourceForbiddenError extends SourceError {
  readonly code = 'SOURCE_FORBIDDEN';
  readonly retryable = false;
  protected readonly generalKind = 'forbidden';
}

/** The system's answer violates its contract. A developer must correct the source. */
export class SourceContractError extends SourceError {
  readonly code = 'SOURCE_CONTRACT';
  readonly retryable = false;
  protected readonly generalKind = 'wrong-shape';
}

/** The request has `only-if-cached`, and this is not cached. No source was called. */
export class NotCachedError extends GatewayError {
  readonly code = 'NOT_CACHED';

  constructor(readonly source: string) {
    super(`No cached answer of ${source} is fresh enough, and "only-if-cached" forbids a call.`);
  }

  override get extensions(): Record<string, unknown> {
    return { code: this.code, source: this.source };
  }
}

/** The audit log could not be written, so the response is withheld. The operator must act. */
export class AuditError extends GatewayError {
  readonly code = 'AUDIT_UNAVAILABLE';
}

/** The configuration is not valid, so the gateway does not start. One message lists all problems. */
export class ConfigError extends GatewayError {
  readonly code = 'CONFIG';

  constructor(readonly problems: readonly string[]) {
    super(`Stekkerdoos cannot start:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  }
}
