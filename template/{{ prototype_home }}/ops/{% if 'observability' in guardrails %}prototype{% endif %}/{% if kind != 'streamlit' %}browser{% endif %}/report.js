// Tells the service of errors and of how fast pages are, and continues the trace in what a page
// asks for. Load it first:  <script src="/report.js" data-sample="0.1"></script>
(() => {
  'use strict';
  const { document, location, navigator, crypto, setTimeout, addEventListener,
    Headers, PerformanceObserver, XMLHttpRequest } = globalThis;
  const { endpoint = '/browser-reports', sample = '0.1' } = document.currentScript?.dataset ?? {};
  const bytes = (n) => crypto.getRandomValues(new Uint8Array(n));
  const hex = (n) => Array.from(bytes(n), (b) => b.toString(16).padStart(2, '0')).join('');
  const trace = hex(16);
  const flags = Math.random() < Number(sample) ? '01' : '00';

  // Queries and fragments hold tokens and names. They stay here.
  const plain = (text, most) =>
    String(text ?? '').replace(/(\b[a-z][a-z+.-]*:\/\/[^\s"'()?#]*)[?#][^\s"'():]*/gi, '$1').slice(0, most);
  let queue = [];
  let left = 20;
  const seen = new Set();

  function send() {
    if (!queue.length) return;
    const report = { trace, page: location.pathname.slice(0, 512), events: queue };
    queue = [];
    navigator.sendBeacon(endpoint, JSON.stringify(report));
  }

  function failed(kind, error, more) {
    const message = plain(error?.message ?? error, 500);
    const event = { kind, name: plain(error?.name, 60), message, stack: plain(error?.stack, 3000), ...more };
    const key = kind + message + event.stack;
    if (left <= 0 || seen.has(key)) return;
    left -= 1;
    seen.add(key);
    queue.push(event);
    setTimeout(send, 1000);
  }

  addEventListener('error', (it) => {
    if (!it.message) return;
    const place = { source: plain(it.filename, 512), line: it.lineno, column: it.colno };
    failed('error', it.error ?? it.message, place);
  });
  addEventListener('unhandledrejection', (it) => failed('rejection', it.reason));

  // web.dev/vitals: the largest paint, the worst window of layout shifts, the slowest interaction.
  const vitals = {};
  let shift = { value: 0, first: 0, last: 0 };
  const slow = new Map();
  const watch = (type, look, options) => {
    if (!PerformanceObserver?.supportedEntryTypes?.includes(type)) return;
    new PerformanceObserver((list) => list.getEntries().forEach(look)).observe({ type, buffered: true, ...options });
  };
  watch('largest-contentful-paint', (it) => (vitals.lcp = it.startTime));
  watch('layout-shift', (it) => {
    if (it.hadRecentInput) return;
    const { startTime: at } = it;
    const goes = shift.value && at - shift.last < 1000 && at - shift.first < 5000;
    shift = goes ? { ...shift, value: shift.value + it.value, last: at } : { value: it.value, first: at, last: at };
    vitals.cls = Math.max(vitals.cls ?? 0, shift.value);
  });
  watch('event', (it) => {
    if (!it.interactionId) return;
    slow.set(it.interactionId, Math.max(slow.get(it.interactionId) ?? 0, it.duration));
    const worst = [...slow.values()].sort((a, b) => b - a);
    vitals.inp = worst[Math.min(worst.length - 1, Math.floor(slow.size / 50))];
  }, { durationThreshold: 40 });

  addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'hidden') return;
    if (Object.keys(vitals).length) queue.push({ kind: 'vitals', ...vitals });
    for (const name in vitals) delete vitals[name];
    send();
  });

  const isOwn = (url) => {
    const link = document.createElement('a');
    link.href = url;
    return link.origin === location.origin;
  };
  const { fetch } = globalThis;
  globalThis.fetch = async function (input, init) {
    if (isOwn(input?.url ?? input)) {
      const headers = new Headers(init?.headers ?? input?.headers);
      if (!headers.has('traceparent')) headers.set('traceparent', `00-${trace}-${hex(8)}-${flags}`);
      init = { ...init, headers };
    }
    return fetch.call(this, input, init);
  };
  const { open } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    open.call(this, method, url, ...rest);
    if (isOwn(url)) this.setRequestHeader('traceparent', `00-${trace}-${hex(8)}-${flags}`);
  };
})();
