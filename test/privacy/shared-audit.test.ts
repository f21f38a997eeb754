import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AuditError, ConfigError } from '../../src/errors.js';
import { shareAudit, type SharedAudit } from '../../src/privacy/shared-audit.js';
import { entry, temporaryFolder } from './audit-entries.js';

const share = (file: string, secret?: string, open?: SharedAudit) =>
  shareAudit({ to: { file }, secret }, open);

describe('an audit log', () => {
  test('has one writer for a gateway and its successor, and is closed when both have closed it', async () => {
    const file = join(temporaryFolder(), 'audit.log');
    const audit = share(file, 'a secret');
    expect(share(file, 'a secret', audit)).toBe(audit);
    await audit.release();
    await audit.log.append(entry());
    await audit.release();
    await expect(audit.log.append(entry())).rejects.toThrow(AuditError);
  });

  test('is opened again if it was closed', async () => {
    const file = join(temporaryFolder(), 'audit.log');
    const audit = share(file);
    await audit.release();
    expect(audit.take()).toBeUndefined();
    const next = share(file, undefined, audit);
    expect(next).not.toBe(audit);
    await next.log.append(entry());
    await next.release();
  });

  test('can be opened again as soon as its release resolves, after its waiting lines are written', async () => {
    const file = join(temporaryFolder(), 'audit.log');
    const audit = share(file);
    const appended = audit.log.append(entry());
    await audit.release();
    const next = share(file);
    await appended;
    expect(audit.log.state()).toEqual({ written: 1, failed: 0, waiting: 0 });
    await next.release();
  });

  test('is a separate log for each file', async () => {
    const folder = temporaryFolder();
    const audit = share(join(folder, 'audit.log'));
    const other = share(join(folder, 'other.log'), undefined, audit);
    expect(other).not.toBe(audit);
    await Promise.all([audit.release(), other.release()]);
  });

  test.each(['another secret', undefined])('is not continued with another secret: %s', async (secret) => {
    const file = join(temporaryFolder(), 'audit.log');
    const audit = share(file, 'a secret');
    // The open log has the lock, so a line with another secret cannot break the chain.
    expect(() => share(file, secret, audit)).toThrow(ConfigError);
    await audit.release();
  });
});
