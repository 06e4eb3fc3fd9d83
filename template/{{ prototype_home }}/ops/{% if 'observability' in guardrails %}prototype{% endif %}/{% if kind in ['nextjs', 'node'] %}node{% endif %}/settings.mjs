// What can be set from outside, under the names that the service uses too.

import { env, stderr } from 'node:process';

function ratio(text) {
  const value = Number.parseFloat(text ?? '');
  return value >= 0 && value <= 1 ? value : 0.1;
}

export const settings = {
  // An OTLP/HTTP collector; without one nothing is exported, and nothing of the SDK is loaded.
  endpoint: (env.OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT || '').replace(/\/+$/, ''),
  service: env.OTEL_SERVICE_NAME || env.PROTOTYPE_NAME || 'prototype',
  version: env.SERVICE_VERSION || '0.0.0',
  environment: env.ENVIRONMENT || env.NODE_ENV || 'development',
  // The share of requests that are traced, unless the caller has decided, as the facade has.
  sampleRatio: ratio(env.TRACE_SAMPLE_RATIO),
  // Lines for eyes on a terminal, JSON everywhere else.
  asJson: env.LOG_FORMAT === 'json' || (env.LOG_FORMAT !== 'console' && !stderr.isTTY),
  secretKeys: (env.LOG_REDACT_KEYS || '').split(',').filter(Boolean),
};
