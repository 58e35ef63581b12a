#!/usr/bin/env node
// Old syntax on purpose: on a Node that is too old this must still parse, and say so.
var found = process.versions.node;
var parts = found.split('.');
var major = Number(parts[0]);
var minor = Number(parts[1]);

if (major > 22 || (major === 22 && minor >= 16)) {
  require('./open.cjs');
} else {
  process.stderr.write('tachograph needs Node 22.16 or newer; this is Node ' + found + '. See https://nodejs.org\n');
  process.exitCode = 2;
}
