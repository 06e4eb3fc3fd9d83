// One JSON line for each line of the console, with the ids of the request that it belongs to.
// Lines go to standard error, as the service's do.

import { AsyncLocalStorage } from 'node:async_hooks';
import console from 'node:console';
import process from 'node:process';
import { formatWithOptions } from 'node:util';
import { describeError, isError, redactText, redactValue } from './redaction.mjs';
import { settings } from './settings.mjs';

const LEVELS = { debug: 'debug', trace: 'debug', log: 'info', info: 'info', dir: 'info', warn: 'warning', error: 'error' };
const FORMAT = { depth: 8, breakLength: Infinity, compact: true, maxArrayLength: 100 };

// Whom the lines of one request belong to: { request_id, trace_id, span_id }.
export const context = new AsyncLocalStorage();

let writing = false;

export function writeLine(level, event, more = {}) {
  const line = {
    timestamp: new Date().toISOString(),
    level,
    event,
    service: settings.service,
    ...context.getStore(),
    ...more,
  };
  // Escapes of JSON leave no line break and no control character in a line (ASVS 5.0 16.4.1).
  const text = JSON.stringify(line).replace(/[\u007f-\u009f\u2028\u2029]/g, escaped);
  process.stderr.write(`${text}\n`, ignore);
}

export function takeOverConsole() {
  // A reader that has gone away is no reason to fall over.
  process.stderr.on('error', ignore);
  for (const [method, level] of Object.entries(LEVELS)) {
    const before = console[method];
    console[method] = function (...args) {
      // What is said while a line is being written must not make another one, and so on.
      if (writing) return before.apply(this, args);
      writing = true;
      try {
        writeLine(level, message(args), { logger: 'console', ...exception(args, method) });
      } catch {
        before.apply(this, args);
      } finally {
        writing = false;
      }
    };
  }
  process.on('uncaughtExceptionMonitor', (error) => {
    try {
      writeLine('critical', 'uncaught_exception', { logger: 'uncaught', ...exception([error]) });
    } catch {
      // It can't be looked at; the server ends as it would have.
    }
  });
}

function message(args) {
  if (args.length === 1 && isError(args[0])) return redactText(args[0].message);
  const shown = args.map((arg) => {
    if (isError(arg)) return `${arg.name}: ${arg.message}`;
    return typeof arg === 'object' && arg !== null ? redactValue(arg) : arg;
  });
  return redactText(formatWithOptions(FORMAT, ...shown));
}

function exception(args, method) {
  const error = args.find(isError) ?? (method === 'trace' && new Error('trace'));
  if (!error) return {};
  return {
    exception: {
      ...describeError(error),
      stack: redactText(String(error.stack ?? '')).split('\n').slice(1, 31).map((it) => it.trim()),
    },
  };
}

function escaped(character) {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function ignore() {}
