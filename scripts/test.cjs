'use strict';
// npm test: installs what the tests need, then runs everything. What follows `--` goes to vitest.
const path = require('node:path');
const { become, ensureInstalled, root } = require('./bootstrap.cjs');

ensureInstalled({ withTests: true });
become([path.join(root, 'scripts', 'test.ts')].concat(process.argv.slice(2)));
