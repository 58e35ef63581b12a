import type { Row } from './row.ts';
import { alnum, hex, rows, word } from './row.ts';

const apps = '(?:services|workflows|triggers)';

/** Chat, mail and telephony. Webhook addresses are credentials: who knows one can write. */
export const messagingRows: readonly Row[] = [
  ...rows('slack-token', 'xoxb- xoxp- xoxa- xoxo- xoxr- xoxs- xoxd- xoxc- xoxe- xoxe.', '[A-Za-z0-9%.+/-]{10,}', true),
  ...rows('slack-token', 'xapp-', '[A-Za-z0-9-]{10,}', true),
  ...rows('slack-webhook', 'hooks.slack.com/', `${apps}/[A-Za-z0-9_/+-]{20,}`),
  ...rows('slack-webhook', 'hooks.slack-gov.com/', `${apps}/[A-Za-z0-9_/+-]{20,}`),
  ...rows('discord-webhook', 'discord.com/api/ discordapp.com/api/', `(?:v\\d{1,2}/)?webhooks/\\d{10,}/${word}{20,}`),
  ...rows('teams-webhook', '.webhook.office.com/', '[A-Za-z0-9]{4,}/[A-Za-z0-9@./_-]{20,}', true),
  ...rows('zapier-webhook', 'hooks.zapier.com/hooks/', '[A-Za-z0-9/_-]{10,}'),
  ...rows('sendgrid-key', 'SG.', `${word}{10,}\\.${word}{10,}`),
  ...rows('sendinblue-key', 'xkeysib- xsmtpsib-', `${hex}{40,}(?:-${alnum}{8,})?`),
  ...rows('mailgun-key', 'key-', `${hex}{32}(?![0-9a-f])`),
  ...rows('mailgun-key', 'pubkey-', `${hex}{32}(?![0-9a-f])`),
  ...rows('resend-key', 're_', `(?=[A-Za-z0-9]*\\d)${alnum}{8,}_${alnum}{20,}`),
  ...rows('mandrill-key', 'md-', `(?=[A-Za-z0-9_-]*\\d)${word}{22}(?![A-Za-z0-9_-])`),
  ...rows('loops-key', 'pk_live_loops_', `${alnum}{20,}`),
  ...rows('intercom-token', 'dG9rO', `${alnum}{50,}={0,2}`),
];
