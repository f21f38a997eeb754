import { createAuditLog, type AuditDestination, type AuditLog } from './audit-log.js';

/** An audit log that a gateway and its successor write, because a file has one writer. */
export interface SharedAudit {
  log: AuditLog;
  destination: string;
  secret: string | undefined;
  /** Returns the same log for one more user; undefined if it is closed. */
  take(): SharedAudit | undefined;
  /** Each user calls it once. After the last one, the log is closed. */
  release(): Promise<void>;
}

/** Opens an audit log, or takes the open one if it has the same destination and secret. */
export function shareAudit(
  options: { to: AuditDestination; secret: string | undefined },
  open: SharedAudit | undefined,
): SharedAudit {
  const { to, secret } = options;
  const destination = typeof to === 'string' ? to : to.file;
  const taken = open?.destination === destination && open.secret === secret ? open.take() : undefined;
  if (taken !== undefined) return taken;
  const log = createAuditLog(options);
  let users = 1;
  const audit: SharedAudit = {
    ...{ log, destination, secret },
    take: () => {
      if (users === 0) return undefined;
      users += 1;
      return audit;
    },
    release: async () => {
      users -= 1;
      if (users === 0) await log.close();
    },
  };
  return audit;
}
