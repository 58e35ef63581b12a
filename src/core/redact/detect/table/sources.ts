import type { Row } from './row.ts';
import { alnum, base64, hex, rows, word } from './row.ts';

/** Source hosts, package registries and builders. */
export const sourceRows: readonly Row[] = [
  ...rows(
    'github-token',
    'ghp_ gho_ ghu_ ghs_ ghr_',
    '(?:[A-Za-z0-9_]{30,}|\\d{1,20}_[A-Za-z0-9_-]{8,})(?:\\.[A-Za-z0-9_-]{8,}){0,2}',
    true,
  ),
  ...rows('github-token', 'github_pat_', '[A-Za-z0-9_]{22,}', true),
  ...rows(
    'gitlab-token',
    'glpat- gldt- glrt- glrtr- glcbt- glptt- glft- glimt- glagent- glsoat- glffct- gloas- glwt-',
    `${word}{16,}(?:\\.[0-9a-z.]{6,})?`,
    true,
  ),
  ...rows('gitlab-token', 'GR1348941', `${word}{20,}`),
  ...rows('bitbucket-token', 'ATBB', `${alnum}{28,}`),
  ...rows('atlassian-token', 'ATATT3 ATCTT3 ATSTT3', `[A-Za-z0-9_=-]{40,}`),
  ...rows('gitea-token', 'gto_', `${alnum}{40,}`),
  ...rows('npm-token', 'npm_', '[A-Za-z0-9_]{36,}'),
  ...rows('npm-token', '_authToken=', `[A-Za-z0-9_.=+/-]{8,}`, true),
  ...rows('pypi-token', 'pypi-', `${word}{50,}`),
  ...rows('rubygems-key', 'rubygems_', `${hex}{40,}`),
  ...rows('crates-token', 'cio', `${alnum}{32}(?![A-Za-z0-9])`),
  ...rows('nuget-key', 'oy2', '[a-z0-9]{43}(?![A-Za-z0-9])'),
  ...rows('docker-token', 'dckr_pat_ dckr_oat_', `${word}{20,}`),
  ...rows('jfrog-key', 'AKCp', `${alnum}{60,}`),
  ...rows('jfrog-key', 'cmVmdGtu', `${alnum}{50,}`),
  ...rows('sonar-token', 'sqp_ squ_ sqa_', `${hex}{40,}`),
  ...rows('circleci-token', 'CCIPAT_ CCIPRJ_', `${word}{30,}`),
  ...rows('buildkite-token', 'bkua_ bkaj_ bkat_', `${alnum}{30,}`),
  ...rows('terraform-token', '.atlasv1.', `[A-Za-z0-9_=-]{50,}`, true),
  ...rows('prefect-key', 'pnu_ pnb_', `${alnum}{30,}`),
  ...rows('snyk-token', 'snyk_uat. snyk_sat.', `[A-Za-z0-9_.-]{20,}`),
  ...rows('vault-token', 'hvs. hvb. hvr.', `${word}{24,}`),
  ...rows('doppler-token', 'dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.', `(?:[a-z0-9_-]{2,35}\\.)?${alnum}{30,}`),
  ...rows('1password-token', 'ops_ey', `${base64}{40,}={0,3}`),
  ...rows(
    '1password-key',
    'A3-',
    `[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}`,
  ),
  ...rows('age-key', 'AGE-SECRET-KEY-1', '[0-9A-Z]{50,}'),
];
