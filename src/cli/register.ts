// Loaded by `node --import` in front of a program that is recorded. Nothing here may harm that program (I1): an old
// Node is left alone, and whatever fails is one line on standard error.
//
// This file must parse and run on any Node that knows `--import`; what is newer is imported after the check.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major > 22 || (major === 22 && minor >= 16)) {
  const { preload } = await import('./preload.ts');
  await preload(process.env);
} else if (process.env['TACHOGRAPH_QUIET'] === undefined) {
  process.stderr.write(`tachograph: Node ${process.versions.node} is not recorded; 22.16 or newer is needed.\n`);
}

export {};
