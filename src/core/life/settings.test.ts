import { describe, expect, it } from 'vitest';
import { defaultSettings, parseSettings, retentionCutMs, retentionDaysOf, withVariables } from './settings.ts';

const parse = (value: unknown) => parseSettings(JSON.stringify(value), 'settings.json');

describe('settings', () => {
  it('are the defaults where nothing is said', () => {
    expect(parse({})).toEqual(defaultSettings);
    expect(defaultSettings.retentionDays).toBe(30);
  });

  it('are read whole', () => {
    const settings = parse({
      retentionDays: 0,
      quotaBytes: 1000,
      recording: 'on',
      requireOptIn: true,
      sampling: { keep: 0.1, slowMs: 1000 },
      projects: { shop: { retentionDays: 7, recording: 'off', callers: { ada: { optIn: true } } } },
    });
    expect(settings).toMatchObject({ retentionDays: 0, quotaBytes: 1000, recording: 'on', requireOptIn: true });
    expect(settings.sampling).toEqual({ keep: 0.1, slowMs: 1000, costUsd: null, afterHours: 24 });
    expect(retentionDaysOf(settings, 'shop')).toBe(7);
    expect(retentionDaysOf(settings, 'other')).toBe(0);
    expect(settings.projectById.get('shop')?.callerById.get('ada')).toEqual({ recording: null, optIn: true });
  });

  it.each([
    ['[]', /settings\.json is \[\]; it must be an object/],
    ['{', /no valid JSON/],
    ['{"retention":3}', /retention in settings\.json is not known; known are retentionDays/],
    ['{"retentionDays":3651}', /retentionDays in settings\.json is 3651; it must be a whole number of days from 0/],
    ['{"retentionDays":-1}', /retentionDays/],
    ['{"retentionDays":"30"}', /retentionDays in settings\.json is "30"/],
    ['{"retentionDays":1.5}', /retentionDays/],
    ['{"quotaBytes":"1GB"}', /quotaBytes/],
    ['{"recording":true}', /recording in settings\.json is true; it must be "on", "off" or null/],
    ['{"requireOptIn":"yes"}', /requireOptIn/],
    ['{"sampling":{"keep":2}}', /sampling\.keep in settings\.json is 2/],
    ['{"sampling":{"keeps":1}}', /sampling\.keeps in settings\.json is not known/],
    ['{"projects":{"a":{"retentionDays":9999}}}', /projects\.a\.retentionDays/],
    ['{"projects":{"a":{"callers":{"b":{"optIn":1}}}}}', /projects\.a\.callers\.b\.optIn/],
    ['{"constructor":1}', /constructor in settings\.json is not known/],
  ])('refuse %s with the field, its value and what it may be', (text, message) => {
    expect(() => parseSettings(text, 'settings.json')).toThrow(message);
    expect(() => parseSettings(text, 'settings.json')).toThrow(expect.objectContaining({ code: 'bad-argument' }));
  });

  it('give way to the environment, which is read as strictly', () => {
    const settings = parse({ retentionDays: 7, projects: { shop: { retentionDays: 8, recording: 'off' } } });
    const variables = {
      TACHOGRAPH_RETENTION_DAYS: '90',
      TACHOGRAPH_QUOTA_BYTES: '5',
      TACHOGRAPH_RECORDING: 'off',
      TACHOGRAPH_REQUIRE_OPT_IN: '1',
    };
    const changed = withVariables(settings, variables);
    expect(changed).toMatchObject({ retentionDays: 90, quotaBytes: 5, recording: 'off', requireOptIn: true });
    expect(retentionDaysOf(changed, 'shop')).toBe(90);
    expect(changed.projectById.get('shop')?.recording).toBe('off');
    expect(withVariables(settings, { TACHOGRAPH_RETENTION_DAYS: '' })).toEqual(settings);
    expect(() => withVariables(settings, { TACHOGRAPH_RETENTION_DAYS: 'soon' })).toThrow(
      /TACHOGRAPH_RETENTION_DAYS is "soon"/,
    );
    expect(() => withVariables(settings, { TACHOGRAPH_RECORDING: 'yes' })).toThrow(/TACHOGRAPH_RECORDING/);
  });

  it('keep runs for ever at 0 days', () => {
    expect(retentionCutMs(0, 1e12)).toBe(null);
    expect(retentionCutMs(1, 1e12)).toBe(1e12 - 86_400_000);
  });
});
