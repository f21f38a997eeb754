import { describe, expect, it } from 'vitest';
import { sources } from '../sources/index.js';
import { readGatewayConfig } from '../src/config.js';
import { DEFAULT_BLOCKLISTS } from '../src/blocklists.js';
import { SettingsReader, type Environment } from '../src/settings.js';
import { ConfigError } from '../src/errors.js';
import { createGateway } from '../src/gateway.js';
import { directSettings } from './support/stand-ins.js';

const secret = 'a secret of the tests';

/** The problems that prevent a gateway with these settings from starting. */
function problemsWith(environment: Environment): readonly string[] {
  try {
    createGateway({ sources, environment: { AUTH: 'off', LOG_LEVEL: 'silent', ...environment } });
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).problems;
  }
  return [];
}

function config(environment: Environment) {
  const reader = new SettingsReader({ ID_SECRET: secret, ...environment });
  const values = readGatewayConfig(reader);
  return { values, problems: reader.problems };
}

describe('the settings', () => {
  it('require only a secret, one source, and the admitted callers', () => {
    const { ORDER_SYSTEM_URL } = directSettings();
    expect(problemsWith({ ID_SECRET: secret, ORDER_SYSTEM_URL, AUTH: 'off' })).toEqual([]);
    expect(problemsWith({ ID_SECRET: secret, ORDER_SYSTEM_URL, AUTH: '' })).toEqual([
      expect.stringMatching(
        /^AUTH is on, but no caller can authenticate. Set API_KEYS; or JWT_ISSUER.*; or AUTH=off/,
      ),
    ]);
  });

  it('have defaults that suit one machine', () => {
    const { values, problems } = config({});
    expect(problems).toEqual([]);
    expect(values).toEqual({
      port: 4000,
      host: '127.0.0.1',
      auth: 'on',
      apiKeys: undefined,
      jwtIssuer: undefined,
      jwtAudience: undefined,
      jwtJwksUrl: undefined,
      jwtKey: undefined,
      jwtAlgorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
      jwtClockSkewS: 30,
      jwtRolesClaim: 'roles',
      jwtCustomerClaims: [],
      idSecret: secret,
      deadlineMs: 2_000,
      identityDeadlinePercent: 50,
      defaultRegion: 'NL',
      cacheMaxBytes: 64 * 1024 * 1024,
      answersMaxBytes: 16 * 1024 * 1024,
      redisUrl: undefined,
      cacheSecret: undefined,
      cacheDirectives: 'any',
      priority: 'interactive',
      adminToken: undefined,
      auditFile: undefined,
      suppressionFile: undefined,
      auditRequired: true,
      sourceOrder: [],
      auditSecret: undefined,
      maxInFlight: 1_000,
      identityBlockedValues: DEFAULT_BLOCKLISTS.values,
      identityBlockedDomains: new Set(['invalid', 'localhost']),
      identityRoleMailboxes: DEFAULT_BLOCKLISTS.roleMailboxes,
      identityPatienceMs: 500,
      maxDelayMs: 100,
      drainMs: 0,
      workers: 1,
      maxConnections: 10_000,
      maxConnectionsPerAddress: 500,
      corsOrigins: [],
      httpFront: 'on',
      execution: 'planned',
      allowedHosts: undefined,
      maxBodyBytes: 256 * 1024,
      maxDepth: 20,
      maxAliases: 100,
      maxTokens: 5_000,
      maxDirectives: 100,
      maxCustomers: 1_000,
      bulkJobRetainMs: 24 * 3_600_000,
      bulkJobMaxLines: 1_000_000,
      bulkJobsPerCaller: 10,
      logLevel: 'info',
    });
  });

  it('are read in the units that their names say', () => {
    const { values, problems } = config({
      PORT: '8080',
      HOST: '0.0.0.0',
      DEADLINE_MS: '500',
      CACHE_MAX_MB: '2',
      MAX_BODY_KB: '3',
      DEFAULT_REGION: 'BE',
      JWT_ALGORITHMS: 'ES256, PS256',
      JWT_CUSTOMER_CLAIMS: 'https://example.nl/a=b=customerNumber,mail=email',
      CORS_ORIGINS: 'https://www.example.nl, https://shop.example.nl:8443',
      LOG_LEVEL: 'debug',
    });
    expect(problems).toEqual([]);
    expect(values).toMatchObject({
      port: 8080,
      host: '0.0.0.0',
      deadlineMs: 500,
      cacheMaxBytes: 2 * 1024 * 1024,
      maxBodyBytes: 3 * 1024,
      defaultRegion: 'BE',
      jwtAlgorithms: ['ES256', 'PS256'],
      jwtCustomerClaims: [
        { claim: 'https://example.nl/a=b', namespace: 'customerNumber' },
        { claim: 'mail', namespace: 'email' },
      ],
      corsOrigins: ['https://www.example.nl', 'https://shop.example.nl:8443'],
      logLevel: 'debug',
    });
  });

  it('that are empty count as not set, as in shells and compose files', () => {
    expect(config({ PORT: '', HOST: '' })).toMatchObject({
      values: { port: 4000, host: '127.0.0.1' },
      problems: [],
    });
    expect(problemsWith({ ID_SECRET: '', ...directSettings() })).toEqual([
      expect.stringMatching(/^ID_SECRET is missing: /),
    ]);
  });

  it.each([
    ['PORT', 'four thousand', 'port number'],
    ['PORT', '65536', 'port number'],
    ['PORT', '-1', 'port number'],
    ['PORT', ' ', 'port number'],
    ['PORT', '0x10', 'port number'],
    ['PORT', '80.5', 'port number'],
    ['DEADLINE_MS', '0', 'milliseconds'],
    ['DEADLINE_MS', '2s', 'milliseconds'],
    ['CACHE_MAX_MB', '0', 'megabytes'],
    ['MAX_BODY_KB', 'Infinity', 'kilobytes'],
    ['MAX_DEPTH', '101', 'levels'],
    ['MAX_CUSTOMERS', '1e3', 'number of customers'],
    ['DEFAULT_REGION', 'nl', 'two capitals'],
    ['LOG_LEVEL', 'loud', 'silent, error, warn, info or debug'],
    ['ID_SECRET', 'too short', 'at least 16 characters'],
    ['AUTH', 'none', 'on or off'],
    ['JWT_ALGORITHMS', 'RS256,none', 'RS256'],
    ['JWT_ALGORITHMS', ',', 'RS256'],
    ['JWT_JWKS_URL', 'file:///keys.json', 'http'],
    ['JWT_JWKS_URL', 'https://user:secret@id.example.nl/keys', 'without user name'],
    ['JWT_CLOCK_SKEW_S', '3600', 'seconds'],
    ['JWT_CUSTOMER_CLAIMS', 'customerNumber', 'claim=namespace'],
    ['CORS_ORIGINS', 'https://www.example.nl/', 'without a path'],
    ['CORS_ORIGINS', '*', 'web sites'],
    ['IDENTITY_DEADLINE_PERCENT', '0', 'a percentage'],
    ['IDENTITY_DEADLINE_PERCENT', '101', 'a percentage'],
    ['IDENTITY_BLOCKED_VALUES', 'unknown,,none', 'values with commas between'],
    ['IDENTITY_BLOCKED_VALUES', 'a\u0000b', 'values with commas between'],
    ['IDENTITY_BLOCKED_DOMAINS', '@example.nl', 'domains in ASCII'],
    ['IDENTITY_BLOCKED_DOMAINS', '*.test', 'domains in ASCII'],
    ['IDENTITY_BLOCKED_DOMAINS', 'münchen.de', 'domains in ASCII'],
    ['IDENTITY_ROLE_MAILBOXES', 'info@example.nl', 'mailboxes such as info'],
    ['IDENTITY_ROLE_MAILBOXES', 'info sales', 'mailboxes such as info'],
  ])('refuse %s with the value "%s", and report what is expected', (variable, value, expected) => {
    const { problems } = config({ [variable]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${variable} is invalid: it must be .*${expected}`));
  });

  it('may extend or replace the default lists of blocked values', () => {
    const { values, problems } = config({
      IDENTITY_BLOCKED_VALUES: 'Default, Unbekannt ,kein e-mail',
      IDENTITY_BLOCKED_DOMAINS: 'test,Mail.Example',
      IDENTITY_ROLE_MAILBOXES: 'kontakt',
    });
    expect(problems).toEqual([]);
    expect(values.identityBlockedValues).toEqual(
      new Set([...DEFAULT_BLOCKLISTS.values, 'unbekannt', 'kein e-mail']),
    );
    expect(values.identityBlockedDomains).toEqual(new Set(['test', 'mail.example']));
    expect(values.identityRoleMailboxes).toEqual(new Set(['kontakt']));
  });

  it('report all problems at once, each with its variable, and never a value', () => {
    const values = {
      PORT: 'value-of-port',
      ID_SECRET: 'value-of-id',
      ORDER_SYSTEM_URL: 'value-of-database',
      WEBSHOP_URL: 'value-of-webshop',
      CRM_HUBSPOT_TOKEN: 'value-of-token\n',
    };
    const problems = problemsWith(values);
    const named = problems.map((problem) => problem.split(' ')[0]);
    expect(named).toEqual([
      'PORT',
      'ID_SECRET',
      'ORDER_SYSTEM_URL',
      'WEBSHOP_URL',
      'WEBSHOP_ACCESS_TOKEN',
      'CRM_HUBSPOT_URL',
      'CRM_HUBSPOT_TOKEN',
    ]);
    expect(problems.every((problem) => problem.includes('it must be '))).toBe(true);
    const { message } = new ConfigError(problems);
    expect(message).not.toContain('value-of');
    for (const problem of problems) expect(message).toContain(problem);
  });

  it('that configure a source incompletely are reported with the missing setting', () => {
    expect(problemsWith({ ID_SECRET: secret, WEBSHOP_ACCESS_TOKEN: 'shpat_x' })).toEqual([
      expect.stringMatching(/^WEBSHOP_URL is missing: .*https:\/\/example\.myshopify\.com/),
    ]);
    expect(problemsWith({ ID_SECRET: secret, CONTACT_CENTRE_URL: 'https://x.zendesk.com' })).toHaveLength(1);
    const basic = { CONTACT_CENTRE_URL: 'https://x.zendesk.com', CONTACT_CENTRE_EMAIL: 'a@example.nl' };
    expect(problemsWith({ ID_SECRET: secret, ...basic })).toEqual([
      expect.stringMatching(/^CONTACT_CENTRE_API_TOKEN is missing/),
    ]);
  });

  it('without any source are reported with the variable that plugs in each source', () => {
    const problems = problemsWith({ ID_SECRET: secret });
    expect(problems).toHaveLength(1);
    for (const [source, variable] of [
      ['order-system', 'ORDER_SYSTEM_URL'],
      ['webshop', 'WEBSHOP_URL'],
      ['contact-centre', 'CONTACT_CENTRE_URL'],
      ['crm-hubspot', 'CRM_HUBSPOT_URL'],
    ]) {
      expect(problems[0]).toContain(`${source ?? ''} by ${variable ?? ''}`);
    }
  });

  it.each([
    'not-an-address',
    'ftp://api.hubapi.com',
    'https://user:password@api.hubapi.com',
    'https://api.hubapi.com/?key=1',
    'https://api.hubapi.com/#top',
  ])('refuse the address %s, because a part of it would be ignored silently', (url) => {
    const problems = problemsWith({ ID_SECRET: secret, CRM_HUBSPOT_URL: url, CRM_HUBSPOT_TOKEN: 't' });
    expect(problems).toEqual([
      expect.stringMatching(/^CRM_HUBSPOT_URL is invalid: .*https:\/\/api\.hubapi\.com/),
    ]);
  });

  it.each(['sqlserver://u:p@localhost/shop', 'localhost:5432', 'postgres'])(
    'refuse the database address %s',
    (url) => {
      expect(problemsWith({ ID_SECRET: secret, ORDER_SYSTEM_URL: url })).toEqual([
        expect.stringMatching(/^ORDER_SYSTEM_URL is invalid: .*postgres:\/\/user:password@host:5432\/name/),
      ]);
    },
  );
});
