// Traces and JSON logs for the prototype's server, without a change to its source:
//
//   node --import ./ops/prototype/node/preload.mjs server.js
//
// It goes before everything else, so that what the server imports is already watched. Nothing here
// may ever stop the prototype: what fails says so in one line, and the rest goes on.

import { resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { takeOverConsole, writeLine } from './logging.mjs';
import { watchRequests } from './requests.mjs';
import { settings } from './settings.mjs';
import { startTracing } from './tracing.mjs';

const STARTED = Symbol.for('prototype-observability');

if (!globalThis[STARTED]) {
  globalThis[STARTED] = true;
  try {
    nameFromAnywhere();
    if (settings.asJson) {
      takeOverConsole();
      watchRequests();
    }
    if (settings.endpoint) startTracing();
  } catch (error) {
    writeLine('warning', `The prototype is not observed: ${error.message}`, {
      logger: 'observability',
    });
  }
}

// A child that the prototype starts in another folder is given these words too, and would not find
// what they name from here.
function nameFromAnywhere() {
  const own = fileURLToPath(import.meta.url);
  const named = /^(?:--import=)?(\.{1,2}[\\/].+)$/;
  const absolute = (word) => {
    const path = named.exec(word)?.[1];
    return path && resolve(path) === own ? word.replace(path, import.meta.url) : word;
  };
  process.execArgv.splice(0, Infinity, ...process.execArgv.map(absolute));
  if (process.env.NODE_OPTIONS) {
    process.env.NODE_OPTIONS = process.env.NODE_OPTIONS.split(' ').map(absolute).join(' ');
  }
}
