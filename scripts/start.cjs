'use strict';
// npm start: installs and builds what changed, then serves. What follows `--` goes to `tachograph serve`.
const path = require('node:path');
const { become, ensureInstalled, root, runToEnd } = require('./bootstrap.cjs');

ensureInstalled({ withTests: false });
const built = runToEnd([path.join(root, 'scripts', 'build.ts'), '--if-stale', '--parts=code,web']);
if (built !== 0) process.exit(built);
become([path.join(root, 'dist', 'cli', 'main.js'), 'serve'].concat(process.argv.slice(2)));
