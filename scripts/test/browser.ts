import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { aptGet, canInstall } from './apt.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

const elsewhere = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** Path of a Chromium on this machine, or null. `TACHOGRAPH_CHROMIUM` names one that stands elsewhere. */
export function findBrowser(): string | null {
  const named = process.env.TACHOGRAPH_CHROMIUM;
  if (named !== undefined && named !== '') return existsSync(named) ? named : null;
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = [...folders.flatMap((folder) => names.map((name) => join(folder, name))), ...elsewhere];
  return candidates.find((file) => existsSync(file)) ?? null;
}

/** Finds a browser, or installs one where that is possible without asking; answers its path or null, and says what it did. */
export function provideBrowser(): string | null {
  const found = findBrowser();
  if (found !== null) return found;
  if (!canInstall()) return null;
  console.log('test: no Chromium here, installing it with apt-get');
  aptGet(['update', '-qq']);
  return aptGet(['install', '-y', '-qq', '--no-install-recommends', 'chromium']) ? findBrowser() : null;
}
