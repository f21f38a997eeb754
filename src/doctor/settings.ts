import { isIP } from 'node:net';
import { pino } from 'pino';
import { z } from 'zod';
import type { GatewayConfig } from '../config.js';
import type { Logger } from '../telemetry/logger.js';
import type { Finding } from './finding.js';

/**
 * The findings of a gateway that cannot be created. Each problem names the setting or file, and the expected
 * value.
 */
export function problemFindings(problems: readonly string[]): Finding[] {
  return problems.map((problem) => ({
    check: 'settings',
    severity: 'error',
    where:
      /^([A-Z][A-Z\d_]{2,}|[\w./-]+\.(ya?ml|graphql|json|[jt]s)(:\d+)*)/.exec(problem)?.[0] ?? 'settings',
    seen: problem,
    remedy: 'Correct it as the message describes. The README of each source lists its settings.',
  }));
}

/** Checks for settings that are valid but unsafe. */
export function safetyFindings({
  auth,
  host,
  jwtJwksUrl,
}: Pick<GatewayConfig, 'auth' | 'host' | 'jwtJwksUrl'>): Finding[] {
  const issuer = jwtJwksUrl === undefined ? undefined : new URL(jwtJwksUrl);
  return [
    ...(auth === 'off' && !isLocal(host)
      ? [
          finding(
            'AUTH',
            'Other machines can connect, and every client may query everything without authentication.',
            'Set AUTH=on with API_KEYS or JWT_ISSUER, or HOST=127.0.0.1.',
          ),
        ]
      : []),
    ...(issuer?.protocol === 'http:' && !isLocal(issuer.hostname)
      ? [
          finding(
            'JWT_JWKS_URL',
            'The keys of the issuer are fetched without TLS, so an attacker on the network can forge tokens.',
            'Use the https address of the issuer.',
          ),
        ]
      : []),
  ];
}

function finding(where: string, seen: string, remedy: string): Finding {
  return { check: 'settings', severity: 'error', where, seen, remedy };
}

function isLocal(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '');
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

/** The members of a log line with files and reasons. They contain no values. */
const line = z.object({
  msg: z.string(),
  problem: z.string().default(''),
  reason: z.string().default(''),
  file: z.string().default(''),
  lines: z.number().default(0),
});
type Line = z.infer<typeof line>;

/** The findings for log lines of a start, by the beginning of the message. */
const FINDINGS: readonly [message: string, toFinding: (line: Line) => Finding][] = [
  [
    'a setting has no effect',
    ({ problem }) => ({
      check: 'settings',
      severity: 'warning',
      where: /^\S+/.exec(problem)?.[0] ?? 'settings',
      seen: problem,
      remedy: 'Correct the name of the setting, or remove it.',
    }),
  ],
  [
    'a part of a source is left out',
    ({ problem }) => ({
      check: 'settings',
      severity: 'warning',
      where: /^[^\s:]+/.exec(problem)?.[0] ?? 'sources',
      seen: problem,
      remedy: 'Classify the field in the SDL of the source, or remove it.',
    }),
  ],
  [
    'persisted operation refused',
    ({ file, reason }) => ({
      check: 'operations',
      severity: 'error',
      where: file,
      seen: `The schema cannot answer the operation, so clients cannot request it: ${reason}`,
      remedy: 'Correct the file, or plug in the source that has the field.',
    }),
  ],
  [
    'trigger not started',
    ({ problem }) => ({
      check: 'operations',
      severity: 'error',
      where: /^[^\s:]+/.exec(problem)?.[0] ?? 'triggers',
      seen: `The trigger does not start: ${problem}`,
      remedy: 'Correct the file of the trigger.',
    }),
  ],
  [
    'audience not available',
    ({ problem }) => ({
      check: 'operations',
      severity: 'error',
      where: /^[^\s:]+/.exec(problem)?.[0] ?? 'audiences',
      seen: `Callers cannot select this audience by its name: ${problem}`,
      remedy: 'Correct the file of the audience.',
    }),
  ],
  [
    'the suppression list has lines that are not digests',
    ({ lines }) => ({
      check: 'suppression list',
      severity: 'warning',
      where: 'SUPPRESSION_FILE',
      seen: `${lines} lines are not digests, and are ignored.`,
      remedy: 'Restore the file from the backup. Add customers only by stekkerdoos forget --suppress.',
    }),
  ],
];

export interface StartLog {
  logger: Logger;
  /** Returns the findings of the lines that were logged until now. */
  findings(): Finding[];
}

/** A logger that prints nothing. Log lines of the gateway's start become findings. */
export function createStartLog(): StartLog {
  const findings: Finding[] = [];
  const write = (text: string): void => {
    const parsed = line.safeParse(JSON.parse(text));
    const found = FINDINGS.find(([message]) => parsed.data?.msg.startsWith(message) === true);
    if (parsed.success && found !== undefined) findings.push(found[1](parsed.data));
  };
  return { logger: pino({ level: 'warn', base: null }, { write }), findings: () => findings };
}
