"""The same questions in semgrep's words: as many rules as the guard `patterns` has, as alike as
its syntax lets them be. What they find is not compared, only what looking costs.
"""

import json
from pathlib import Path

_EITHER: tuple[tuple[str, ...], ...] = (
    ("function $NAME(...) {...}", "const $NAME = (...) => {...}"),
    ("$P === '...'", "$P == '...'", "$P !== '...'"),
    ("$A === $B", "$A == $B"),
    ("$A === $B", "$A == $B", "$A !== $B", "$A != $B"),
    ("process.env.$VAR || '...'", "process.env.$VAR ?? '...'"),
    ("jwt.sign($PAYLOAD, '...')", "jwt.sign($PAYLOAD, '...', ...)"),
    ("const $NAME = '...'", "let $NAME = '...'"),
    ("{..., secret: '...', ...}",),
    ("{..., password: '...', ...}", "{..., adminPassword: '...', ...}"),
    ("$B.hash('...', ...)", "$B.hashSync('...', ...)", "hash('...', ...)"),
    ("$P === '...'", "$P == '...'"),
    ("console.log('...')",),
    ("localStorage.setItem($KEY, $VALUE)", "localStorage.getItem($KEY)"),
    ("res.cookie($NAME, $VALUE)", "res.cookie($NAME, $VALUE, ...)"),
    ("document.cookie = $VALUE",),
    ("{..., origin: true, ..., credentials: true, ...}",),
    ("{..., origin: '*', ..., credentials: true, ...}",),
    ("$RES.header('Access-Control-Allow-Origin', $X)", "$RES.setHeader('Access-Control', $X)"),
    ("'=~/^https?:\\/\\/localhost/'",),
    ("{..., 'Access-Control-Allow-Origin': '*', ...}",),
    ("cors()",),
    ("Math.random()",),
    ("$C.createHash($ALGORITHM)", "createHash($ALGORITHM)"),
    ("btoa($DATA)",),
    ("function $NAME($KEY, $COUNTER) {...}",),
    ("const $NAME = async (...) => {...}",),
    ("$A === $B", "$A !== $B", "$A == $B", "$A != $B"),
    ("$DB.from($TABLE).select(...)",),
    ("$DB.select().from($TABLE)", "$DB.select(...).from($TABLE)"),
    ("$TABLE.find()", "$TABLE.find({})"),
    ("sql(...)", "$DB.query(...)", "$DB.all(...)"),
    ("$DB.from($TABLE).insert(...)", "$DB.from($TABLE).update(...)"),
    ("{..., $KEY: $A + $B, ...}", "{..., $KEY: Math.max(...), ...}"),
    ("export async function GET(...) {...}",),
    ("app.get($PATH, ..., $HANDLER)", "router.get($PATH, ..., $HANDLER)"),
    ("try {...} catch ($E) {}",),
    ("try {...} catch ($E) {...}",),
    ("if ($E) {...}",),
    ("new Response(...)", "$R.json(...)", "$R.send(...)"),
    ("$DB.query(`...${$X}...`)", "$DB.execute(`...${$X}...`)"),
    ("$Q.or($FILTER)", "$Q.or($FILTER, ...)"),
    ("exec($COMMAND)", "exec($COMMAND, ...)", "execSync($COMMAND)"),
    ("eval($CODE)", "new Function($CODE)"),
    ("{..., role: 'system', ...}",),
    ("console.log(...)",),
    ("parseFloat($VALUE)", "Number.parseFloat($VALUE)", "Number($VALUE)"),
    ("{..., $KEY: Number, ...}", "{..., type: Number, ...}"),
    ("console.$LEVEL(..., $SECRET, ...)",),
    ("console.$LEVEL($BODY)",),
    ("$LINE += $BODY",),
    ("console.$LEVEL(..., $CARD, ...)", "logger.$LEVEL(..., $CARD, ...)"),
    ("{..., $FIELD: $VALUE, ...}",),
    ("$S.paymentIntents.create(...)", "$S.checkout.sessions.create(...)"),
    ("'checkout.session.completed'", "'payment_intent.succeeded'"),
    ("$S.checkout.sessions.retrieve($ID)", "$S.checkout.sessions.retrieve($ID, ...)"),
    ("for (...) { ... await $CALL(...); ... }", "while (...) { ... await $CALL(...); ... }"),
    ("import.meta.env.$NAME", "process.env.$NAME"),
    ("$DATE.toISOString().split('T')[0]", "$DATE.toISOString().slice(0, 10)"),
    ("$X as any",),
    ("put($NAME, $FILE, ...)",),
    ("$BUCKET.upload(...)",),
    ("multer(...)",),
    ("const $X = await $R.json()", "const $X = $R.body"),
    ("fetch($URL)", "fetch($URL, ...)", "axios.get($URL)"),
    ("<$EL dangerouslySetInnerHTML={$X} />",),
    ("$EL.innerHTML = $HTML", "$EL.innerHTML += $HTML", "$EL.outerHTML = $HTML"),
    ("$WINDOW.write($HTML)",),
)


def write(file: Path, count: int) -> None:
    """As many rules as asked for; where ours have grown, the last ones are said again."""
    rules = [
        {
            "id": f"rule-{number}",
            "message": "found",
            "severity": "INFO",
            "languages": ["typescript", "javascript"],
            "pattern-either": [{"pattern": form} for form in _EITHER[number % len(_EITHER)]],
        }
        for number in range(count)
    ]
    file.write_text(json.dumps({"rules": rules}), encoding="utf-8")
