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

interface SourceErrorOptions extends ErrorOptions {
  /** Seconds after which the system wants to be asked again. */
  retryAfter?: number | undefined;
}

/** A source system could not give its part. */
export abstract class SourceError extends GatewayError {
  abstract readonly retryable: boolean;
  readonly retryAfter: number | undefined;

  constructor(
    readonly source: string,
    message: string,
    options: SourceErrorOptions = {},
  ) {
    super(message, options);
    this.retryAfter = options.retryAfter;
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
}

/** The system did not answer in the time it is given. */
export class SourceTimeoutError extends SourceError {
  readonly code = 'SOURCE_TIMEOUT';
  readonly retryable = true;
}

/** The system says that we ask too much; we wait. */
export class SourceRateLimitedError extends SourceError {
  readonly code = 'SOURCE_RATE_LIMITED';
  readonly retryable = true;
}

/** The system refuses our credentials; the operator must renew them. Asking again would not help. */
export class SourceAuthenticationError extends SourceError {
  readonly code = 'SOURCE_UNAUTHENTICATED';
  readonly retryable = false;
}

/** The system answered something that does not fit its contract; our developers must look. */
export class SourceContractError extends SourceError {
  readonly code = 'SOURCE_CONTRACT';
  readonly retryable = false;
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

/** The gateway cannot start as it is configured. All problems are told in one message. */
export class ConfigError extends GatewayError {
  readonly code = 'CONFIG';

  constructor(readonly problems: readonly string[]) {
    super(`Stekkerdoos cannot start:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  }
}
