// Traces and JSON logs for the prototype's server, without a change to its source:
//
//   node --import ./ops/prototype/node/preload.mjs server.js
//
// It goes before everything else, so that what the server imports is already watched. Nothing here
// may ever stop the prototype: what fails says so in one line, and the rest goes on.

import { takeOverConsole, writeLine } from './logging.mjs';
import { watchRequests } from './requests.mjs';
import { settings } from './settings.mjs';
import { startTracing } from './tracing.mjs';

const STARTED = Symbol.for('prototype-observability');

if (!globalThis[STARTED]) {
  globalThis[STARTED] = true;
  try {
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
