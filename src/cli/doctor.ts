import { defineCommand } from 'citty';
import { createStartLog, problemFindings } from '../doctor/settings.js';
import { listenToAnswers } from '../doctor/answers.js';
import { checksOf, sampleChecksOf } from '../doctor/checks.js';
import { examine, type Check } from '../doctor/examine.js';
import type { Finding } from '../doctor/finding.js';
import { auditedCustomers } from '../doctor/identity.js';
import { auditFiles } from '../doctor/privacy.js';
import { ConfigError, InvalidInputError } from '../errors.js';
import { normaliseIn, type Identifier } from '../identity/identifiers.js';
import { customerQuery } from './customer-query.js';
import { openOwnGateway, readBy, type OwnGateway } from './own-gateway.js';
import { enterProject } from './start.js';

export const doctor = defineCommand({
  meta: {
    name: 'doctor',
    description:
      'Checks the whole installation within 30 s: settings, systems, databases, Redis, webhooks, audit. It only reads, and the gateway may be stopped. Exit code 0: no finding, 1: warnings, 2: errors. Example: stekkerdoos doctor --project my-gateway --key email=...',
  },
  args: {
    project: {
      type: 'string',
      valueHint: 'folder',
      description: 'A project folder. Default: the current folder, if it has a gateway.yaml',
    },
    key: {
      type: 'string',
      valueHint: 'kind=value',
      description:
        'A customer for the sample, such as email=...; kind=- reads the value from standard input. Default: the customers of the last lines of AUDIT_FILE',
    },
    json: { type: 'boolean', default: false, description: 'Prints the findings as JSON' },
  },
  run: async ({ args: { project, key, json } }) => {
    if (project !== undefined) enterProject(project);
    const report = await examineInstallation(key);
    const text = json ? JSON.stringify(report, null, 2) : linesOf(report).join('\n');
    process.stdout.write(`${text}\n`);
    const severities = new Set(report.findings.map(({ severity }) => severity));
    process.exitCode = severities.has('error') ? 2 : severities.has('warning') ? 1 : 0;
  },
});

interface Report {
  findings: readonly Finding[];
  /** The skipped checks, with the reasons. */
  notChecked: readonly string[];
}

async function examineInstallation(key: string | undefined): Promise<Report> {
  const log = createStartLog();
  let gateway: OwnGateway;
  try {
    gateway = await openOwnGateway(undefined, { logger: log.logger, readsOnly: true, auditSuffix: '' });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return {
      findings: problemFindings(error.problems),
      notChecked: ['All other checks: they need valid settings.'],
    };
  }
  const answers = listenToAnswers();
  try {
    const sample = await sampleOf(gateway, key);
    const { config, settings, parts } = gateway;
    const document = customerQuery(gateway.schema, { why: false });
    const checks = checksOf({ config, settings, parts });
    const sampleChecks = sampleChecksOf({
      ...{ parts, sample },
      queryCustomer: async ({ namespace, value }) => {
        await gateway.query(document, { by: { [namespace]: value } });
        return gateway.failures.recent();
      },
    });
    const count = checks.length + sampleChecks.length;
    let done = 0;
    const report = ({ name, of }: Check, found: readonly Finding[]): void => {
      done += 1;
      const result = found.length === 0 ? 'no finding' : countOf(found);
      process.stderr.write(`${done}/${count} ${of === undefined ? name : `${name} ${of}`}: ${result}\n`);
    };
    const findings = [...(await examine(checks, report)), ...(await examine(sampleChecks, report))];
    const all = [
      ...log.findings(),
      ...findings,
      ...parts.sources.flatMap((source) => answers.findings(source.name, originsOf(gateway, source))),
    ];
    const unique = new Map(all.map((finding) => [JSON.stringify(finding), finding]));
    return {
      findings: [...unique.values()].toSorted((a, b) => rankOf(a) - rankOf(b)),
      notChecked:
        sample.length > 0
          ? []
          : [
              'Identity keys, and the fields of a customer: there is no sample. Add --key email=... of a known customer.',
            ],
    };
  } finally {
    answers.close();
    await gateway.close();
  }
}

const countOf = ({ length }: readonly Finding[]): string =>
  `${length} ${length === 1 ? 'finding' : 'findings'}`;

const rankOf = ({ severity }: Finding): number => (severity === 'error' ? 0 : 1);

async function sampleOf({ config, parts }: OwnGateway, key: string | undefined): Promise<Identifier[]> {
  if (key === undefined) return auditedCustomers(auditFiles(config), parts.ids);
  const { namespace, value } = await readBy(key);
  const identifier = normaliseIn(parts.rules, namespace, value);
  if (identifier !== null) return [identifier];
  const kinds = [...parts.rules.namespaces.keys()].join(', ');
  throw new InvalidInputError(`--key is not an identifier of a customer. The kinds are ${kinds}.`);
}

/** The origins of a system, from its settings with addresses. */
function originsOf(
  { settings, parts }: OwnGateway,
  { connector }: OwnGateway['parts']['sources'][number],
): string[] {
  const variables = connector.settings(parts.settings).map(({ variable }) => variable);
  const origins = variables.flatMap((variable) => {
    const value = settings[variable] ?? '';
    return /^https?:/.test(value) ? [new URL(value).origin] : [];
  });
  return [...new Set(origins)];
}

function linesOf({ findings, notChecked }: Report): string[] {
  return [
    ...findings.flatMap(({ check, severity, where, seen, remedy }) => [
      `${severity} ${check} ${where}`,
      `  ${seen}`,
      `  ${remedy}`,
    ]),
    ...notChecked.map((text) => `not checked: ${text}`),
    findings.length === 0 ? 'No finding.' : `${countOf(findings)}.`,
  ];
}
