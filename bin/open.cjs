'use strict';
// Loaded only by a Node that is new enough. Node 22 warns once that its SQLite is experimental; the command line knows.
const emitWarning = process.emitWarning;
process.emitWarning = function quiet(warning, ...rest) {
  if (!String(warning).startsWith('SQLite is an experimental feature')) emitWarning.call(process, warning, ...rest);
};

import('../dist/cli/main.js').catch((error) => {
  const unbuilt = error.code === 'ERR_MODULE_NOT_FOUND' && error.message.includes('main.js');
  process.stderr.write(unbuilt ? 'tachograph is not built yet: run npm run build\n' : `${error.stack}\n`);
  process.exitCode = 2;
});
