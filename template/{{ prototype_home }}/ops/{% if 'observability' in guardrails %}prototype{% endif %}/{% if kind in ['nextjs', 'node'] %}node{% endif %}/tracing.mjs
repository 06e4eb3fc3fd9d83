// OpenTelemetry: the facade's trace goes on in the prototype and in what the prototype calls.

import { createRequire } from 'node:module';
import process from 'node:process';
import { clearTimeout, setTimeout } from 'node:timers';
import { URL } from 'node:url';
import { context as lines, writeLine } from './logging.mjs';
import { redactText } from './redaction.mjs';
import { contextOf, routeOf } from './requests.mjs';
import { settings } from './settings.mjs';

const require = createRequire(import.meta.url);

// What a collector has not taken by then is dropped; no request ever waits for one.
const EXPORT_MILLISECONDS = 3000;
const PATIENCE_MILLISECONDS = 2000;
// A script that has done its work is kept no longer for a collector that does not answer.
const LAST_MILLISECONDS = 1000;
const HELD_URLS = ['url.full', 'url.path', 'url.query', 'http.url', 'http.target'];

export function startTracing() {
  const packages = load();
  if (packages === undefined) return;
  const exporter = new PatientExporter(packages);
  const provider = startProvider(packages, exporter);
  watchHttp(packages, provider);
  flushAtTheEnd(provider, exporter);
}

function load() {
  try {
    return {
      ...require('@opentelemetry/core'),
      ...require('@opentelemetry/sdk-trace-node'),
      ...require('@opentelemetry/resources'),
      ...require('@opentelemetry/exporter-trace-otlp-proto'),
      ...require('@opentelemetry/instrumentation-http'),
      ...require('@opentelemetry/instrumentation-undici'),
      api: require('@opentelemetry/api'),
    };
  } catch (error) {
    writeLine('warning', 'Nothing is traced: the packages of the preload are not installed', {
      logger: 'observability',
      remedy: `npm ci --ignore-scripts --prefix ${import.meta.dirname ?? new URL('.', import.meta.url).pathname}`,
      reason: redactText(String(error.message).split('\n', 1)[0]),
    });
    return undefined;
  }
}

// Exports over connections that keep no process alive, and can be told to wait no longer.
class PatientExporter {
  constructor(packages) {
    this.failed = { code: packages.ExportResultCode.FAILED };
    this.waiting = new Set();
    this.exporter = new packages.OTLPTraceExporter({
      url: `${settings.endpoint}/v1/traces`,
      timeoutMillis: EXPORT_MILLISECONDS,
      httpAgentOptions: agentThatKeepsNothingAlive,
    });
  }

  export(spans, done) {
    const end = (result) => this.waiting.delete(end) && done(result);
    this.waiting.add(end);
    this.exporter.export(spans, end);
  }

  giveUp() {
    for (const end of this.waiting) end(this.failed);
  }

  forceFlush() {
    return this.exporter.forceFlush();
  }

  shutdown() {
    return this.exporter.shutdown();
  }
}

function agentThatKeepsNothingAlive(protocol) {
  const { Agent } = require(protocol === 'https:' ? 'node:https' : 'node:http');
  return new (class extends Agent {
    createConnection(...given) {
      const socket = super.createConnection(...given);
      socket?.unref();
      return socket;
    }

    reuseSocket(socket, request) {
      super.reuseSocket(socket, request);
      socket.unref();
    }
  })({ keepAlive: true });
}

function startProvider(packages, exporter) {
  const provider = new packages.NodeTracerProvider({
    resource: packages.resourceFromAttributes({
      'service.name': settings.service,
      'service.version': settings.version,
      'deployment.environment.name': settings.environment,
    }),
    sampler: new packages.ParentBasedSampler({
      root: new packages.TraceIdRatioBasedSampler(settings.sampleRatio),
    }),
    spanProcessors: [
      new RedactedUrls(),
      new packages.BatchSpanProcessor(exporter, {
        maxQueueSize: 4096,
        scheduledDelayMillis: 2000,
        exportTimeoutMillis: EXPORT_MILLISECONDS,
      }),
    ],
  });
  // Trace context only. Baggage is whatever a caller wrote; it must not travel on.
  provider.register({ propagator: new packages.W3CTraceContextPropagator() });
  return provider;
}

function watchHttp(packages, provider) {
  // The names of today's conventions; read once, when an instrumentation is made.
  const before = process.env.OTEL_SEMCONV_STABILITY_OPT_IN;
  process.env.OTEL_SEMCONV_STABILITY_OPT_IN = 'http';
  const { trace, context } = packages.api;
  const instrumentations = [
    new packages.HttpInstrumentation({
      requestHook: (span, request) => noteIds(span.spanContext(), contextOf(request)),
      applyCustomAttributesOnSpan: (span, request) => nameAfterRoute(span, request),
    }),
    new packages.UndiciInstrumentation({
      // A span for a call within a request; of its own it would be a trace of noise.
      ignoreRequestHook: () => trace.getSpan(context.active()) === undefined,
    }),
  ];
  if (before === undefined) delete process.env.OTEL_SEMCONV_STABILITY_OPT_IN;
  else process.env.OTEL_SEMCONV_STABILITY_OPT_IN = before;
  for (const instrumentation of instrumentations) instrumentation.setTracerProvider(provider);
  // They patch what is required, and an ESM server imports these without ever requiring them.
  require('node:http');
  require('node:https');
}

function noteIds({ traceId, spanId }, ids) {
  if (ids === undefined) return;
  ids.trace_id = traceId;
  ids.span_id = spanId;
  if (lines.getStore() === undefined) lines.enterWith(ids);
}

function nameAfterRoute(span, request) {
  const route = routeOf(request);
  if (route === undefined) return;
  span.setAttribute('http.route', route);
  span.updateName(`${request.method} ${route}`);
}

// Takes secrets out of URLs before a span goes anywhere: a query may hold a token.
class RedactedUrls {
  onStart(span) {
    for (const name of HELD_URLS) {
      const value = span.attributes[name];
      if (typeof value === 'string') span.setAttribute(name, redactText(value, 1024));
    }
  }

  onEnd() {}

  async forceFlush() {}

  async shutdown() {}
}

// A server that is told to end would take the last spans with it.
function flushAtTheEnd(provider, exporter) {
  const flush = () => Promise.race([provider.forceFlush(), patience()]).catch(() => {});
  process.once('beforeExit', () => {
    const waiting = setTimeout(() => exporter.giveUp(), LAST_MILLISECONDS);
    void flush().then(() => clearTimeout(waiting));
  });
  for (const signal of ['SIGTERM', 'SIGINT']) {
    // A listener for one time that was put before ours is gone by the time that ours is asked.
    let gone = false;
    const end = () => {
      process.removeListener(signal, end);
      // With no other listener the signal would have ended the process, and so it does now.
      const last = !gone && process.listenerCount(signal) === 0;
      void flush().then(() => last && process.kill(process.pid, signal));
    };
    process.on('removeListener', (name, listener) => {
      if (name !== signal || listener === end) return;
      gone = true;
      process.nextTick(() => {
        gone = false;
      });
    });
    process.on(signal, end);
  }
}

function patience() {
  return new Promise((resolve) => {
    setTimeout(resolve, PATIENCE_MILLISECONDS).unref();
  });
}
