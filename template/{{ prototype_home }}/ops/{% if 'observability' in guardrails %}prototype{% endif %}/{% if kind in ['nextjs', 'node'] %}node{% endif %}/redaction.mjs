// Keeps secrets and personal data out of the log and of spans, by key and by shape, as the
// service's own redaction does (ASVS 5.0 16.2.5, CWE-532). Two nets, and each has holes: a secret
// with neither a telling key nor a telling shape passes both. Don't log it.

import { URL } from 'node:url';
import { types } from 'node:util';

import { settings } from './settings.mjs';

export const REDACTED = '[redacted]';

const LONGEST = 8192;
const MARGIN = 1024;
const MAX_ITEMS = 200;
const MAX_DEPTH = 8;

// Keys are compared in lower case without punctuation: X-API-Key and xApiKey are the same.
const SECRET_PARTS = [
  'password', 'passwd', 'passphrase', 'pwd', 'secret', 'token', 'apikey', 'accesskey',
  'privatekey', 'signingkey', 'encryptionkey', 'authorization', 'cookie', 'credential', 'jwt',
  'bearer', 'totp', 'mfacode', 'authcode', 'recoverycode', 'verificationcode',
  'connectionstring', 'cardnumber', 'securitycode', 'socialsecurity', 'passport', 'birth',
  'phonenumber', 'taxid',
];
const SECRET_KEYS = new Set(['auth', 'session', 'sid', ...settings.secretKeys.map(plain)]);
// The last word of a key says what its value is: userPhone is a phone, phoneModel a model. What
// ends in `phone` or in a kind of name needs no word of its own, for many write `lastname`.
const SECRET_WORDS = new Set([
  'pin', 'otp', 'pass', 'cvv', 'cvc', 'ssn', 'iban', 'pan', 'dsn', 'dob',
  'phones', 'tel', 'mobile', 'msisdn', 'fax', 'street',
]);
const SECRET_ENDING = /(?:phone|firstname|lastname|fullname|surname|givenname|familyname)$/;
// What may come after it: otpCode, telNo, phoneHome, street1.
const DETAILS = new Set([
  'code', 'number', 'no', 'nr', 'num', 'value', 'digits', 'raw', 'home', 'work', 'private',
  'address', 'e',
]);
const WORD = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g;
// Headers, form fields and settings as lists of objects.
const NAMED_VALUES = [
  ['name', 'value'], ['key', 'value'], ['header', 'value'], ['Name', 'Value'], ['Key', 'Value'],
];
// What is said about a secret: token_type, passwordChangedAt, cookieCount.
const HARMLESS_ENDING = /(?:type|at|count|name|length|expiry|ttl)$/;

const NAMES =
  '(?:passw(?:or)?d|passphrase|secret|token|credential|authorization' +
  '|(?:api|access|private|signing|encryption)[_ -]?key' +
  '|(?<![A-Za-z])(?:pass|pwd|jwt|otp|session|sid|cvv|cvc|ssn|iban))';
const PERSONAL =
  '(?:(?:first|last|full|given|family)[_ -]?name|surname|(?<![A-Za-z])dob' +
  '|birth[_ -]?(?:date|day)|date[_ -]?of[_ -]?birth' +
  '|(?:auth|authentication|verification|recovery|backup|security)[_ -]?code)';
// Of these only what looks like a value, for `mobile: yes` and `pin: 3` are said of many things.
const NUMBERED =
  '(?:(?:phone|(?<![A-Za-z])(?:tel|mobile|fax|pin))(?:[_ -]?(?:number|no|nr|code))?)';
const QUOTED = `"(?:[^"\\\\]|\\\\.)*"?|'(?:[^'\\\\]|\\\\.)*'?`;
const SEPARATOR = `\\\\{0,4}(?:["']?\\s{0,8}(?:=>|[:=])\\s{0,8}|["']\\s{0,8},\\s{0,8}(?=["']))`;
const WHOLE = `\\\\+".*?(?:\\\\+"|$)|${QUOTED}`;
const VALUE = `${WHOLE}|[^\\s,;&)}\\]"']+`;
const NUMBER = `${WHOLE}|(?:\\+|%2[bB])?\\(?\\d[\\d ()./-]{2,24}\\d`;
const NOT_SAID =
  '(?:and|or|for|from|in|on|is|was|has|had|failed|succeeded|auth\\w*|hash\\w*|resets?|login' +
  '|policy|protection|rotation|changed?)\\b';

// In this order, for what takes most must come first: a later shape would leave a part behind.
const SHAPES = [
  [/-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[^]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)/g, REDACTED],
  [/AGE-SECRET-KEY-[0-9A-Za-z]{10,}/g, REDACTED],
  [/(Failing row contains )\([^]*?(?:\)(?=\.|\s)|$)/g, `$1${REDACTED}`],
  [/(Key \([^()]{1,200}\)=)\([^]*?(?:\)(?= )|$)/g, `$1${REDACTED}`],
  // A name that is itself a value: {"name": "Authorization", "value": "…"}.
  [
    new RegExp(
      `((?:${NAMES}|cookie)[\\w-]{0,32}\\\\{0,4}["']\\s{0,8},\\s{0,8}\\\\{0,4}["']?` +
        `value\\\\{0,4}["']?\\s{0,8}[:=]\\s{0,8})(?:${VALUE})`,
      'gis',
    ),
    `$1${REDACTED}`,
  ],
  [
    new RegExp(
      `\\b((?:set-)?cookie|(?:proxy-)?authorization)(["']?\\s{0,8}[:=]\\s{0,8}|["']\\s{0,8},\\s{0,8})(?:${QUOTED}|[^\\r\\n"']+)`,
      'gis',
    ),
    `$1$2${REDACTED}`,
  ],
  [/(__(?:Host|Secure)-[\w-]{1,64})=[^;\s,"']+/g, `$1=${REDACTED}`],
  [/:\/\/[^\s/?#:@"']{0,256}:(?!\d{1,5}(?:[/?#\s"']|$))[^\s"'<>]{1,512}@/g, `://${REDACTED}@`],
  [/:\/\/[^\s/?#@"']{1,512}@/g, `://${REDACTED}@`],
  [/\b(bearer|basic|digest|negotiate)\s{1,8}(?![a-z]+\b)[\w.~+/=-]{6,}/gi, `$1 ${REDACTED}`],
  [/\beyJ[\w-]{4,}\.[\w-]{2,}(?:\.[\w-]*){0,3}/g, REDACTED],
  [/\b(?:[spr]k_(?:live|test)|whsec|sb_secret)_[\w+/=-]{8,}/g, REDACTED],
  [/\bsk-[\w-]{16,}/g, REDACTED],
  [/\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b/g, REDACTED],
  [/\b(?:gh[opsur]|github_pat|npm|hf|dop_v1|shpat|shpss)_\w{16,}/g, REDACTED],
  [/\b(?:gl[a-z]{2,5}|pypi|xox[abeoprs])-[\w-]{10,}/g, REDACTED],
  [/\bAIza[\w-]{30,}/g, REDACTED],
  [/\bya29\.[\w-]{16,}/g, REDACTED],
  [/\bSG\.[\w-]{16,}\.[\w-]{16,}/g, REDACTED],
  [/\$(?:argon2(?:id|i|d)|2[aby]|scrypt|pbkdf2[\w-]*)\$[\w$./+=,-]{10,}/g, REDACTED],
  [new RegExp(`(${NAMES}[\\w-]{0,32})(${SEPARATOR})(?:${VALUE})`, 'gis'), `$1$2${REDACTED}`],
  [new RegExp(`(${PERSONAL})(${SEPARATOR})(?:${VALUE})`, 'gis'), `$1$2${REDACTED}`],
  [new RegExp(`(${NUMBERED})(${SEPARATOR})(?:${NUMBER})`, 'gis'), `$1$2${REDACTED}`],
  [new RegExp(`(passw(?:or)?d|passphrase)( (?:is|was) )(?:${VALUE})`, 'gis'), `$1$2${REDACTED}`],
  [
    new RegExp(
      `(\\b(?:with|using) (?:the )?(?:passw(?:or)?d|passphrase) )(?!${NOT_SAID})(?:${VALUE})`,
      'gis',
    ),
    `$1${REDACTED}`,
  ],
  [new RegExp(`((?:passw(?:or)?d|passphrase) )(?:${QUOTED})`, 'gis'), `$1${REDACTED}`],
  [
    new RegExp(
      `(<[\\w:.-]{0,32}${NAMES}[\\w.-]{0,32}(?:\\s[^<>]{0,256})?>)(?:<!\\[CDATA\\[.*?\\]\\]>|[^<]+)(?=</)`,
      'gis',
    ),
    `$1${REDACTED}`,
  ],
  // Phone numbers in their international form, but no decimal with its sign.
  [/(?<![\w.+-])(?:\+|%2[bB])(?!\d+\.\d+(?![\d.]))[1-9](?:[ ./()-]{0,3}\d){7,14}(?!\d)/g, REDACTED],
  // Social security numbers of the United States, of the ranges that are given out.
  [/(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])/g, REDACTED],
  [/(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{43}(?![\w-])/g, REDACTED],
];
const NOT_LOCAL = `\\s@<>"'(),:;\\[\\]\\\\=/?&{}|%`;
const EMAIL = new RegExp(
  `([^${NOT_LOCAL}])[^${NOT_LOCAL}]{0,63}(@|%40)([\\w-]{1,63}(?:\\.[\\w-]{1,63}){1,8})`,
  'g',
);
const NUMBERS = /(?<![\w.-])\d(?:[ -]?\d){12,}(?![\w-])/g;
// Who issues account numbers, by their length (ISO 13616, the registry that SWIFT keeps).
const IBAN_LENGTHS = {
  15: 'NO', 16: 'BE', 18: 'DK FI FK FO GL NL SD', 19: 'MK SI', 20: 'AT BA EE KZ LT LU MN XK',
  21: 'CH HR LI LV', 22: 'BG BH CR DE GB GE IE ME RS VA', 23: 'AE GI IL IQ OM SO TL',
  24: 'AD CZ ES MD PK RO SA SE SK TN VG', 25: 'LY PT ST', 26: 'IS TR',
  27: 'BI DJ FR GR IT MC MR SM', 28: 'AL AZ BY CY DO GT HN HU LB NI PL SV',
  29: 'BR EG PS QA UA', 30: 'JO KW MU YE', 31: 'MT SC', 32: 'LC', 33: 'RU',
};
const IBANS = Object.entries(IBAN_LENGTHS).map(
  ([length, countries]) =>
    `(?:${countries.replaceAll(' ', '|')})\\d\\d(?:[ -]?[A-Z\\d]){${length - 4}}(?!\\w)`,
);
const IBAN = new RegExp(`(?<![\\w-])(?:${IBANS.join('|')})`, 'g');
const MOST_GROUPS = 19; // the digits of the longest card, each by itself
const CARD = /^(?:[3-6]|2[2-7])(?:[ -]?\d){12,18}$/;

export function redactText(text, longest = LONGEST) {
  if (text.length <= longest) return redacted(text);
  // A secret may straddle the cut: one that is shorter than the margin is still seen whole.
  const shown = redacted(text.slice(0, longest + MARGIN)).slice(0, longest);
  return `${shown}… [${text.length} characters]`;
}

export function isSecret(key) {
  const name = plain(key);
  if (SECRET_KEYS.has(name) || endsInSecret(key)) return true;
  return SECRET_PARTS.some((part) => name.includes(part)) && !HARMLESS_ENDING.test(name);
}

// A value as JSON can hold it, without secrets; it never throws.
export function redactValue(value, depth = 0) {
  try {
    return redactedValue(value, depth);
  } catch (error) {
    return `[unprintable: ${error?.name}]`;
  }
}

// Those of another realm are none of ours, and what frameworks run apart has such.
export function isError(value) {
  return types.isNativeError(value) || value instanceof Error;
}

// With what it came from: of `fetch failed` the cause is all that one wants to know.
export function describeError(error, depth = 0) {
  const { name, message, code, cause, errors } = error;
  const isCode = typeof code === 'string' || typeof code === 'number';
  return {
    type: redactText(String(name)),
    message: redactText(String(message)),
    ...(isCode && { code: redactText(String(code)) }),
    ...(cause !== undefined && { cause: redactValue(cause, depth + 1) }),
    ...(Array.isArray(errors) && { errors: redactValue(errors, depth + 1) }),
  };
}

function redactedValue(value, depth) {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return redactText(String(value));
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`;
  if (typeof value === 'number') return REDACTED === redactText(String(value)) ? REDACTED : value;
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof URL) return redactText(value.href);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= MAX_DEPTH) return `[${value.constructor?.name ?? 'object'}]`;
  if (isError(value)) return describeError(value, depth);
  if (value instanceof Map) return redactedEntries([...value], depth);
  if (value instanceof Set) return redactedItems([...value], depth);
  return Array.isArray(value) ? redactedItems(value, depth) : redactedEntries(Object.entries(value), depth);
}

function redactedItems(items, depth) {
  // A pair such as ['password', '…'], of which lists of headers and of form fields are made.
  if (items.length === 2 && typeof items[0] === 'string' && isSecret(items[0])) {
    return [items[0], REDACTED];
  }
  const shown = items.slice(0, MAX_ITEMS).map((item) => redactValue(item, depth + 1));
  return items.length > MAX_ITEMS ? [...shown, `[${items.length} items]`] : shown;
}

function redactedEntries(entries, depth) {
  const shown = entries.slice(0, MAX_ITEMS).map(([key, value]) => {
    const isSaid = typeof value === 'boolean' || value === null || value === undefined;
    const secret = !isSaid && (isSecret(String(key)) || isNamed(key, entries));
    return [redactText(String(key)), secret ? REDACTED : redactValue(value, depth + 1)];
  });
  if (entries.length > MAX_ITEMS) shown.push(['…', `[${entries.length} items]`]);
  return Object.fromEntries(shown);
}

// What a secret's name stands beside: { name: 'Cookie', value: '…' }.
function isNamed(key, entries) {
  return NAMED_VALUES.some(
    ([name, value]) =>
      key === value && entries.some(([it, said]) => it === name && typeof said === 'string' && isSecret(said)),
  );
}

function endsInSecret(key) {
  const words = (key.match(WORD) ?? []).map((word) => word.toLowerCase());
  while (words.length > 1 && DETAILS.has(words.at(-1))) words.pop();
  return SECRET_WORDS.has(words.at(-1)) || SECRET_ENDING.test(words.join(''));
}

function plain(key) {
  return key.toLowerCase().replace(/[^a-z0-9]/g, '');
}

function redacted(text) {
  for (const [shape, replacement] of SHAPES) text = text.replace(shape, replacement);
  text = text.replace(EMAIL, '$1***$2$3');
  return text.replace(IBAN, withoutIban).replace(NUMBERS, withoutCards);
}

// ISO 7064, mod 97-10: a checksum tells an account number from any other capital letters.
function withoutIban(text) {
  const signs = text.replace(/[ -]/g, '');
  const digits = (signs.slice(4) + signs.slice(0, 4)).replace(/[A-Z]/g, (sign) => parseInt(sign, 36));
  return BigInt(digits) % 97n === 1n ? REDACTED : text;
}

// A card is whole groups of digits: "3 4242…" is a number and a card.
function withoutCards(text) {
  let shown = '';
  let at = 0;
  const groups = [...text.matchAll(/\d+/g)].map((it) => [it.index, it.index + it[0].length]);
  groups.forEach(([start], first) => {
    const ends = groups.slice(first, first + MOST_GROUPS).map(([, end]) => end).reverse();
    const end = ends.find((it) => it > at && isCard(text.slice(start, it)));
    if (end === undefined) return;
    if (start >= at) shown += text.slice(at, start) + REDACTED;
    at = end;
  });
  return shown + text.slice(at);
}

// ISO/IEC 7812-1: a checksum tells a card from any other long number.
function isCard(text) {
  if (!CARD.test(text)) return false;
  const digits = text.replace(/\D/g, '').split('').reverse().map(Number);
  const sum = digits.reduce((total, digit, at) => {
    const doubled = at % 2 ? digit * 2 : digit;
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}
