import type { FailureKind, Received, Requested } from './diagnosis.js';

/**
 * Every error the gateway can give, sorted by who must act. Each has one stable code, sent as `extensions.code`;
 * what is sent never holds personal data or a system's own words. The original goes along as `cause`, for the log.
 *
 * These are plain errors rather than GraphQLErrors: one error may reject many fields at once (a batch, a shared
 * call), and the executor then gives each field an error of its own with that field's path.
 */
export abstract class GatewayError extends Error {
  abstract readonly code: string;

  /** What the client sees beside the message and the path. */
  get extensions(): Record<string, unknown> {
    return { code: this.code };
  }
}

/** The caller sent something that cannot be answered; no source was asked. */
export class InvalidInputError extends GatewayError {
  readonly code = 'BAD_USER_INPUT';
}

/** The caller asked for more than one request may; no source was asked. */
export class LimitExceededError extends GatewayError {
  readonly code = 'LIMIT_EXCEEDED';
}

/** The caller does not say who it is, or says so by a key or token that is not good. No source was asked. */
export class UnauthenticatedError extends GatewayError {
  readonly code = 'UNAUTHENTICATED';

  /** What is wrong. Nothing tells whether a key or a customer exists: only who holds a genuine token hears `expired`. */
  constructor(
    readonly reason: 'missing' | 'invalid' | 'expired',
    options?: ErrorOptions,
  ) {
    super(UNAUTHENTICATED[reason], options);
  }

  /** `WWW-Authenticate` of the answer, which has status 401 when the whole request is refused (RFC 6750, 3). */
  get challenge(): string {
    return this.reason === 'missing' ? 'Bearer' : 'Bearer error="invalid_token"';
  }
}

const UNAUTHENTICATED = {
  missing: 'Say who you are: send your API key or token as "Authorization: Bearer <key or token>".',
  invalid: 'The API key or token is not valid.',
  expired: 'The token has expired: get a new one.',
} as const;

/** The caller is known, and may not do or see this. No source was asked for it. */
export class ForbiddenError extends GatewayError {
  readonly code = 'FORBIDDEN';

  constructor(
    message: string,
    /** What would be needed instead: all scopes of one of the lists, one of the purposes. */
    readonly needed: { scopes?: readonly (readonly string[])[]; purposes?: readonly string[] } = {},
  ) {
    super(message);
  }

  override get extensions(): Record<string, unknown> {
    return { code: this.code, ...this.needed };
  }
}

/** The customer has not allowed this use of the data; only the customer can. */
export class ConsentRequiredError extends GatewayError {
  readonly code = 'CONSENT_REQUIRED';

  constructor(readonly purpose: string) {
    super(`This is shown for ${purpose} only with the customer's consent, and there is none.`);
  }

  override get extensions(): Record<string, unknown> {
    return { code: this.code, purpose: this.purpose };
  }
}

/** The customer has asked to be forgotten: nothing is shown any more, and no source was asked. */
export class ErasedError extends GatewayError {
  readonly code = 'ERASED';

  constructor() {
    super('This customer has been erased; nothing is shown.');
  }
}

/** The list of erased customers is out of reach. As long as it was never read nobody is shown. */
export class SuppressionUnavailableError extends GatewayError {
  readonly code = 'SUPPRESSION_UNAVAILABLE';

  constructor(toDo: 'read' | 'write', options?: ErrorOptions) {
    super(
      toDo === 'read'
        ? 'It cannot be checked now whether this customer has been erased, so nothing is shown.'
        : 'The list of erased customers cannot be written to now, so nobody was put on it.',
      options,
    );
  }

  override get extensions(): Record<string, unknown> {
    return { code: this.code, retryable: true };
  }
}

/** The keys by which tokens are checked cannot be fetched from their issuer. Nobody is let in by a token meanwhile. */
export class AuthenticationUnavailableError extends GatewayError {
  readonly code = 'AUTHENTICATION_UNAVAILABLE';
  readonly retryable = true;

  constructor(
    /** Seconds after which it may be tried again. When the whole request is refused its status is 503. */
    readonly retryAfter: number,
    options?: ErrorOptions,
  ) {
    super('It cannot be checked now who you are: the keys of the token issuer are out of reach.', options);
  }

  override get extensions(): Record<string, unknown> {
    return { code: this.code, retryable: this.retryable, retryAfter: this.retryAfter };
  }
}

/** An identifier that should be one person's answers to several; a data steward must mend a system. */
export class AmbiguousIdentityError extends GatewayError {
  readonly code = 'AMBIGUOUS_IDENTITY';

  constructor(
    /** The system that tells of several; undefined when it is systems together that do. */
    readonly source: string | undefined,
    /** How many different customers the identifier may mean. */
    readonly candidates: number,
    what: 'customers' | 'companies' = 'customers',
  ) {
    super(
      source === undefined
        ? `This identifier may mean ${candidates} different ${what}, as the systems hold them; none is shown.`
        : `${source} holds ${candidates} different ${what} under this identifier; none is shown.`,
    );
  }

  override get extensions(): Record<string, unknown> {
    return {
      code: this.code,
      ...(this.source === undefined ? {} : { source: this.source }),
      candidates: this.candidates,
    };
  }
}

export interface SourceErrorOptions extends ErrorOptions {
  /** Seconds after which the system wants to be asked again. */
  retryAfter?: number | undefined;
  /**
   * Only what was asked about cannot be told now, as when the office of one country is closed: the system itself answers, so
   * nothing is held against it, and others ask on. Default false.
   */
  isOfKeyOnly?: boolean;
  /** What kind of failure it is, for the operator. Default: the most general one of the error's code. */
  kind?: FailureKind;
  /** What the system answered, for the operator: codes and names only, never a value. */
  received?: Received;
  /** The failure that this error explains to one request. The operator gets one report of both. */
  explains?: SourceError;
}

/**
 * A source system could not give its part. The client gets its code and message; `kind`, `requested` and `received` are
 * for the operator, who finds them in the log, the metrics and `/health/ready`.
 */
export abstract class SourceError extends GatewayError {
  abstract readonly retryable: boolean;
  protected abstract readonly generalKind: FailureKind;
  readonly retryAfter: number | undefined;
  /** Says nothing about what else the system is asked. */
  readonly isOfKeyOnly: boolean;
  readonly received: Received;
  /** What is reported to the operator: the error itself, or the one that it explains. */
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

  /** Adds what was requested. What is known already stays: it is closer to the failure. */
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

/** The system is down, refuses connections, or says that it is broken. Nobody needs to act yet. */
export class SourceUnavailableError extends SourceError {
  readonly code = 'SOURCE_UNAVAILABLE';
  readonly retryable = true;
  protected readonly generalKind = 'unreachable';
}

/** The system did not answer in the time it is given. */
export class SourceTimeoutError extends SourceError {
  readonly code = 'SOURCE_TIMEOUT';
  readonly retryable = true;
  protected readonly generalKind = 'timeout';
}

/** The system says that we ask too much; we wait. */
export class SourceRateLimitedError extends SourceError {
  readonly code = 'SOURCE_RATE_LIMITED';
  readonly retryable = true;
  protected readonly generalKind = 'rate-limited';
}

/** The system refuses our credentials; the operator must renew them. Asking again would not help. */
export class SourceAuthenticationError extends SourceError {
  readonly code = 'SOURCE_UNAUTHENTICATED';
  readonly retryable = false;
  protected readonly generalKind = 'credentials';
}

/** The system accepts our credentials, and does not let us read this; the operator must grant it. */
export class SourceForbiddenError extends SourceError {
  readonly code = 'SOURCE_FORBIDDEN';
  readonly retryable = false;
  protected readonly generalKind = 'forbidden';
}

/** The system answered something that does not fit its contract; our developers must look. */
export class SourceContractError extends SourceError {
  readonly code = 'SOURCE_CONTRACT';
  readonly retryable = false;
  protected readonly generalKind = 'wrong-shape';
}

/** The caller wanted only what is kept (`only-if-cached`), and this is not; no source was asked. */
export class NotCachedError extends GatewayError {
  readonly code = 'NOT_CACHED';

  constructor(readonly source: string) {
    super(`No answer of ${source} is kept that is fresh enough, and it was not to be asked.`);
  }

  override get extensions(): Record<string, unknown> {
    return { code: this.code, source: this.source };
  }
}

/** The audit log could not be written, and an answer that nobody can account for is not given; the operator must act. */
export class AuditError extends GatewayError {
  readonly code = 'AUDIT_UNAVAILABLE';
}

/** The gateway cannot start as it is configured. All problems are told in one message. */
export class ConfigError extends GatewayError {
  readonly code = 'CONFIG';

  constructor(readonly problems: readonly string[]) {
    super(`Stekkerdoos cannot start:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  }
}
