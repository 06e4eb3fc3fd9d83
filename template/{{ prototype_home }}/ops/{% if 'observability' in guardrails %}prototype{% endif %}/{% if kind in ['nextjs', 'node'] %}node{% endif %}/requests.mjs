// One line for each request when it is over, and its ids on every line that is written meanwhile.

import { subscribe } from 'node:diagnostics_channel';
import process from 'node:process';
import { context, writeLine } from './logging.mjs';
import { redactText } from './redaction.mjs';

const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-[\da-f]{2}/;
const REQUEST_ID = /^[A-Za-z0-9-]{8,64}$/;
const LONGEST_PATH = 1024;

const contexts = new WeakMap();

export function contextOf(request) {
  return contexts.get(request);
}

export function watchRequests() {
  subscribe('http.server.request.start', ({ request, response }) => {
    const began = process.hrtime.bigint();
    const ids = idsFrom(request.headers);
    contexts.set(request, ids);
    // Until this request's part of the loop is over, and in all that it starts.
    context.enterWith(ids);
    response.once('close', () => {
      const milliseconds = Number(process.hrtime.bigint() - began) / 1e6;
      context.run(ids, () => writeRequest(request, response, milliseconds));
    });
  });
}

// The route as Express knows it: '/orders/:id', not '/orders/17'.
export function routeOf(request) {
  const path = request.route?.path;
  return typeof path === 'string' ? `${request.baseUrl ?? ''}${path}` : undefined;
}

function idsFrom(headers) {
  const caller = TRACEPARENT.exec(headers.traceparent ?? '');
  const id = headers['x-request-id'];
  return {
    ...(REQUEST_ID.test(id ?? '') && { request_id: id }),
    ...(caller && { trace_id: caller[1], span_id: caller[2] }),
  };
}

function writeRequest(request, response, milliseconds) {
  const status = response.headersSent ? response.statusCode : null;
  writeLine(status >= 500 ? 'error' : 'info', 'request', {
    logger: 'requests',
    method: redactText(String(request.method), 64),
    // Express cuts `url` short for a mounted router. The query may hold anything, and stays away.
    path: redactText((request.originalUrl ?? request.url).split('?', 1)[0], LONGEST_PATH),
    route: routeOf(request) ?? null,
    status,
    duration_ms: Math.round(milliseconds * 100) / 100,
    ...(!response.writableFinished && { aborted: true }),
  });
}
