// Reports errors and web vitals, and continues the trace in what a page asks for. Load it first:
//  <script src="/report.js" data-sample="0.1"></script>
(() => {
  'use strict';
  const once = Symbol.for('report.js');
  if (globalThis[once]) return;
  globalThis[once] = true;
  const { document, location, navigator, crypto, setTimeout, addEventListener,
    Headers, PerformanceObserver, XMLHttpRequest } = globalThis;
  const { endpoint = '/browser-reports', sample = '0.1' } = document.currentScript?.dataset ?? {};
  const hex = (n) =>
    crypto.getRandomValues(new Uint8Array(n)).reduce((text, b) => text + (b + 256).toString(16).slice(1), '');
  const trace = hex(16);
  const flags = Math.random() < Number(sample) ? '01' : '00';
  const parent = () => `00-${trace}-${hex(8)}-${flags}`;

  // Queries and fragments hold tokens and names: they stay here. Half a character is no JSON.
  const plain = (text, most) =>
    String(text ?? '').replace(/(\b[a-z][a-z+.-]*:\/\/[^\s"'()?#]*)[?#][^\s"'():]*/gi, '$1').slice(0, most)
      .replace(/[\ud800-\udfff]/gu, '');
  let queue = [];
  const seen = new Set();

  const post = (events) =>
    navigator.sendBeacon(endpoint, JSON.stringify({ trace, page: location.pathname.slice(0, 512), events }));
  function send() {
    const events = queue;
    queue = [];
    // All at once may be too much.
    if (events[0] && !post(events)) events.forEach((it) => post([it]));
  }

  function failed(kind, error, more) {
    const message = plain(error?.message ?? error, 500);
    const event = { kind, name: plain(error?.name, 60), message, stack: plain(error?.stack, 3000), ...more };
    const key = kind + message + event.stack;
    if (seen.size > 19 || seen.has(key)) return;
    seen.add(key);
    queue.push(event);
    setTimeout(send, 1000);
  }

  addEventListener('error', (it) => {
    if (!it.message) return;
    const { lineno: line, colno: column } = it;
    failed('error', it.error ?? it.message, { source: plain(it.filename, 512), line, column });
  });
  addEventListener('unhandledrejection', (it) => failed('rejection', it.reason));

  // web.dev/vitals: the largest paint, the worst window of layout shifts, the slowest interaction.
  let vitals = {};
  let shift = {};
  const slow = new Map();
  const watch = (type, look, options) => {
    if (!PerformanceObserver?.supportedEntryTypes?.includes(type)) return;
    new PerformanceObserver((list) => list.getEntries().forEach(look)).observe({ type, buffered: true, ...options });
  };
  watch('largest-contentful-paint', (it) => (vitals.lcp = it.startTime));
  watch('layout-shift', (it) => {
    if (it.hadRecentInput) return;
    const { startTime: at } = it;
    if (!(at - shift.last < 1000 && at - shift.first < 5000)) shift = { value: 0, first: at };
    shift.value += it.value;
    shift.last = at;
    vitals.cls = Math.max(vitals.cls ?? 0, shift.value);
  });
  watch('event', (it) => {
    if (!it.interactionId) return;
    slow.set(it.interactionId, Math.max(slow.get(it.interactionId) ?? 0, it.duration));
    const worst = [...slow.values()].sort((a, b) => b - a);
    vitals.inp = worst[Math.floor(slow.size / 50)];
  }, { durationThreshold: 40 });

  addEventListener('visibilitychange', () => {
    if (!document.hidden) return;
    if (Object.keys(vitals).length) queue.push({ kind: 'vitals', ...vitals });
    vitals = {};
    send();
  });

  const isOwn = (url) =>
    Object.assign(document.createElement('a'), { href: url }).origin === location.origin;
  const { fetch } = globalThis;
  globalThis.fetch = async function (input, init) {
    if (isOwn(input?.url ?? input)) {
      const headers = new Headers(init?.headers ?? input?.headers);
      if (!headers.has('traceparent')) headers.set('traceparent', parent());
      init = { ...init, headers };
    }
    return fetch.call(this, input, init);
  };
  const { open } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    open.call(this, method, url, ...rest);
    if (isOwn(url)) this.setRequestHeader('traceparent', parent());
  };
})();
