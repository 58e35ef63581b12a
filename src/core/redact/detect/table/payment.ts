import type { Row } from './row.ts';
import { alnum, hex, rows, word } from './row.ts';

/** Payment and commerce. */
export const paymentRows: readonly Row[] = [
  ...rows('stripe-key', 'sk_live_ sk_test_ rk_live_ rk_test_', `${alnum}{10,}`, true),
  ...rows('stripe-key', 'sk_org_', `(?:live_|test_)?${alnum}{20,}`),
  ...rows('stripe-webhook-secret', 'whsec_', `[A-Za-z0-9+/]{24,}={0,2}`),
  ...rows('square-token', 'sq0atp- sq0csp-', `${word}{20,}`),
  ...rows('square-token', 'EAAA', `${word}{56,}`),
  ...rows('facebook-token', 'EAAB EAAC EAAD EAAE EAAF EAAG EAAH EAAI EAAJ EAAM EAAQ EAAW', `${alnum}{60,}`),
  ...rows('paypal-token', 'access_token$production$', `[a-z0-9]{10,}\\$${hex}{24,}`),
  ...rows('paypal-token', 'access_token$sandbox$', `[a-z0-9]{10,}\\$${hex}{24,}`),
  ...rows('paypal-token', 'A21AA', `${word}{60,}`),
  ...rows('shopify-token', 'shpat_ shpca_ shppa_ shpss_ shpua_ shptka_', `${alnum}{30,}`),
  ...rows('razorpay-key', 'rzp_live_ rzp_test_', `${alnum}{14,}`),
  ...rows('plaid-token', 'access-sandbox- access-development- access-production-', `${hex}{8}-[0-9a-f-]{27}`),
  ...rows('flutterwave-key', 'FLWSECK-', `${alnum}{12,}-X`),
  ...rows('flutterwave-key', 'FLWSECK_TEST-', `${alnum}{12,}-X`),
  ...rows('adyen-key', 'AQE', `${alnum}{3,10}[A-Za-z0-9+/-]{50,}`),
  ...rows('coinbase-key', 'organizations/', `${hex}{8}-[0-9a-f-]{27}/apiKeys/${hex}{8}-[0-9a-f-]{27}`),
  ...rows('shippo-token', 'shippo_live_ shippo_test_', `${hex}{32,}`),
  ...rows('easypost-key', 'EZAK EZTK', `${alnum}{50,}`),
  ...rows('paddle-key', 'pdl_live_apikey_ pdl_sdbx_apikey_', `[A-Za-z0-9_]{30,}`),
  ...rows('checkout-key', 'sk_sbox_', `[a-z0-9=*#$-]{20,}`),
];
