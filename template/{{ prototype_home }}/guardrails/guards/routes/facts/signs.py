"""The words by which code shows what it does: asks who calls, refuses, writes, sends, pays."""

import re

_I = re.IGNORECASE

ASKS_CALLER = re.compile(
    r"/auth/v1/user\b|\bauth\.(?:getUser|getClaims|getSession|protect|api\.getSession|verifyIdToken|authenticate)\("
    r"|\b(?:getServerSession|unstable_getServerSession|currentUser|getAuth|getIronSession"
    r"|getSession"
    r"|getCurrentUser|getSessionUser|requireUser|getKindeServerSession|verifyIdToken|verifySession"
    r"|getCurrent(?:Employee|Member|Customer|Admin|Account|Teacher|Student|Staff|Profile|Session)"
    r"|getAuthUser|getAuthenticatedUser|getUserFromToken|getUserFromRequest|withAuth|clerkClient"
    r"|authenticateRequest|jwtVerify|verifyAccessToken|verifyAuthToken|jwtDecrypt"
    r"|validateSession)\w*(?:<[^()]{0,160}>)?\("
    r"|\b(?:await\s+)auth\(|(?<![\w.])auth\(\)|\b(?:jwt|jose|JWT|jsonwebtoken)\.verify\("
    r"|\bverify(?:Jwt|JWT|Token|Auth|User|Admin|Session)\w*\("
    r"|(?:\b(?:\w{0,20}[rR]eq(?:uest)?|socket|ctx\.req|this\.req)|\(\s*req(?:uest)?\s+as\s+\w+\s*\))"
    r"\??\.(?:user|\w{0,20}[uU]serId|userID|user_id|auth"
    r"|currentUser|uid"
    r"|(?:tenant|org(?:ani[sz]ation)?|company|gym|club|team|salon|hotel|agency|shop|store|restaurant|clinic|school|workspace|branch"
    r"|business|merchant|vendor|seller|driver|customer|member|doctor|patient|student|employee)_?[iI]d\b"
    r"|account|admin|isAuthenticated|session\??\.[\w]+|session\b(?!\.))"
    r"|\bcontext\.auth\b|\bctx\.(?:state\.user|session|auth|user)\b|\bc\.(?:var\.\w*[uU]ser\w*"
    r"|get\(['\"]\w*(?:user|auth|session|jwt)\w*)"
    r"|\bgetToken\(\s*\{|\bstackServerApp\.getUser|\blocals\.(?:user|session)|\bauth0\.getSession"
)
"""Not `getUser` of a store: a user that is looked up by a given id is nobody's identity."""

REJECTS = re.compile(
    r"\b40[13]\b|\bUnauthori[sz]ed|UNAUTHORI[SZ]ED|\bUnauthenticated|not (?:authenticated"
    r"|authori[sz]ed"
    r"|logged in)|\bForbidden|FORBIDDEN|\bredirect\([^)]{0,60}(?:login|sign-?in|auth)"
    r"|\bauthentication required|Access denied|\bthrow\b|sendStatus\(40[13]\)|\bloggedOut"
    r"|\bdenied\b",
    _I,
)
TURNED_AWAY = re.compile(
    r"\bif\s*\([^{};]{0,60}!\s*(?:(?:\w+\??\.)*user|session|isAdmin|userId|currentUser|admin)\b"
    r"[^{};]{0,60}\)\s*\{?[^{}]{0,200}?\breturn\s*(?:\{|null|false|\w*Response)"
)
"""Whatever the language is in which they are told."""
REFUSES = re.compile(
    r"\b40[13]\b|\b(?:Un|Not[ -]?)authori[sz]ed|\bUnauthenticated|\bForbidden"
    r"|\bredirect\([^)]{0,60}(?:login|sign)"
    r"|sendStatus\(40[13]\)|\bcreateError\(40[13]|UNAUTHORI[SZ]ED|FORBIDDEN",
    _I,
)
ANSWERS_ITSELF = re.compile(r"\breturn\s+res\.(?:json|send|redirect)\((?s:.*)\bnext\(\)")
"""`return res.json({ success: false })`, with the status of a success."""
OF_A_ROLE = re.compile(r"role|admin|permission|polic|moderator|staff|owner|manager", _I)
GUARD_NAME = re.compile(
    r"auth|protect|logged|signed|verify|jwt|session|guard|admin|role|permission|secure|private"
    r"|require|authoriz|access|member|restrict|check\w*(?:user|token|key)|token|api-?key"
    r"|owner|only",
    _I,
)
NO_GUARD_NAME = re.compile(
    r"limit|throttl|cors|helmet|csrf|parser|json\(|urlencoded|static|passport\.(?:initialize"
    r"|session)"
    r"|^session\(|^session_?(?:Middleware|Config|Parser|Handler|Store|Options|Set_?up)?$"
    r"|getSession\(\)|express\.|multer|upload|valid|schema|logger|morgan|compress|cache"
    r"|slow|optional|cookie|sanitiz|ThrottlerGuard|error",
    _I,
)
ROLE = re.compile(
    r"\badmin|\brole\b|\broles\b|is_?admin|isAdmin|has_?role|permission|superuser|\bowner\b|staff",
    _I,
)
ROLE_TEST = re.compile(
    r"\b(?:is_?admin(?:Request|User|Session)?|is_?super\w*|is_?staff|is_?owner|has_?role|has_?permission|can_\w+|(?-i:can[A-Z])\w+|user_?role"
    r"|require_?(?:admin|role|permission|owner|staff|manager)\w*|check_?(?:admin|role|permission|access|owner)\w*"
    r"|check\w*(?:Admin|Role|Permission|Access|Owner)\w*"
    r"|(?:assert|ensure)_?\w*(?:admin|role|permission|permitted|access|owner|staff|manager|member|allowed"
    r"|authori[sz]|can|may|right)\w*"
    r"|verify_?(?:admin|owner|access)\w*)\b"
    r"|\b(?:\w{0,20}role\w*|user_?type|account_?type)['\"]?\]?\s*(?:\)|\?)?\s*[!=]==?\s*|\.(?:includes|has)\(\s*[\w.?!]*role"
    r"|\b\w{0,20}(?:privilege|clearance|permission|access)_?(?:level|rank)\b"
    r"|\b(?:session|req(?:uest)?)\??\.(?:admin|staff|superuser|superAdmin)\w*"
    r"|user_?roles(?!['\"`]\s*\)\s*\.(?:insert|upsert|update|delete)\()"
    r"|\.from\(\s*['\"](?:\w+_)?(?:admins?|administrators?|admin_users?|moderators?)['\"]"
    r"(?!\s*\)\s*\.(?:insert|upsert|update|delete)\()"
    r"|\.eq\(\s*['\"]role['\"]|\broles?\.(?:includes|some|find)\(|\[['\"]role['\"]\]",
    _I,
)
BODY = re.compile(
    r"\b(?:req|request|_req|c\.req|event)\.(?:json|text|formData|body|parseBody)\b"
    r"|\bJSON\.parse\(|readJson"
)
SIGNED = re.compile(
    r"\bconstruct(?:Webhook)?Event(?:Async)?\(|\bwebhooks?\.(?:verify|unwrap|receive"
    r"|constructEvent)"
    r"|\b(?:wh|webhook|svix)\.verify\(|\b(?:verify|validate|check|isValid)\w*(?:Signature"
    r"|Webhook|Hmac|HMAC|Sig)\w*\("
    r"|\bvalidateRequest\(|\bdetached\.verify\(|\bverifyKey\(|\bvalidateEvent\(|\bnew\s+Webhook\("
    r"|\b(?:validate|verify)Twilio\w*\("
)
HASHED = re.compile(
    r"\btimingSafeEqual\(|\bsubtle\.(?:verify|sign)\(|\bcreateHmac\(|\bcreateVerify\(|\bhmac\w*\("
    r"|\bCryptoJS\.Hmac|\bcreateHash\(|\bmd5\(|\bsha(?:256|512)\("
)
SIGNATURE_HEADER = re.compile(
    r"['\"`][\w-]*(?:signature|hmac|x-hub|x-sign|sha256|svix|hottok|verif-hash)[\w-]*['\"`]\s*[\])]"
    r"|\bheaders?\b[^\n]{0,60}(?:signature|hmac)|signature\w*\s*=[^\n]*\bheaders?\b",
    _I,
)
OWN_CHECK = re.compile(
    r"\b40[13]\b|\bverify\w*\(|getUser\(|isAuthenticated\(\)|getSession|getAuth"
    r"|currentUser\(|Unauthor",
    _I,
)
TESTED = re.compile(
    r"!\s*req\.(?:user|userId|session|auth)|if\s*\(\s*req\.(?:user|session)|req\.user\s*(?:&&|\?\s)"
)
SERVICE = re.compile(
    r"SERVICE_ROLE|SERVICE_KEY|SUPABASE_SECRET|service_role|[sS]erviceRole|SB_SECRET"
)
CALLER_HEADER = re.compile(r"['\"]?[Aa]uthorization['\"]?\s*:")
ENV = re.compile(
    r"(?:Deno\.env\.get\(\s*['\"](\w+)|process\.env(?:\.|\[['\"])(\w+)|import\.meta\.env\.(\w+))"
)
SECRET_ENV = re.compile(r"SECRET|TOKEN|KEY|PASSWORD|PASSPHRASE|SIGN")

WRITES = re.compile(
    r"\.(?:insert|upsert|update|delete|create|save|insertOne|insertMany|updateOne|updateMany"
    r"|deleteOne|deleteMany|findByIdAnd\w+|findOneAnd\w+|bulkWrite|createMany|destroy|remove"
    r"|replaceOne"
    r"|bulkCreate|increment|decrement|createUser|deleteUser|updateUserById|inviteUserByEmail)\("
    r"|(?i:\b(?:INSERT\s+INTO|UPDATE\s+[\w\".]+\s+SET|DELETE\s+FROM)\b)"
    r"|\b(?:storage|db|repo\w*|store|service|\w+(?:Service|Repository|Store|Model|Storage|Db|DB))\."
    r"(?:\w+\.)?(?:create|update|delete|remove|insert|upsert|add|save|set|mark|cancel"
    r"|approve|reject|record|bulk"
    r"|clear|reset|import|assign)\w*\(|\bkv\.m?set\(",
)
NO_WRITE = re.compile(
    r"^(?:(?:crypto\.)?create(?:Hash|Hmac|Client|Transport|Cipher\w*)|headers|url|params|res"
    r"|response|map|set|cache|(?:this\.|req(?:uest)?\.)?session(?=\??\.(?:destroy|save|regenerate)\b)"
    r"|(?:\w*[mM]ail\w*|resend|transporter)\.set\w*|cookies|searchParams|formData|Object|stripe|localStorage|hash|hmac|cipher|decipher)\b"
)
DELETES = re.compile(
    r"\.(?:delete|deleteOne|deleteMany|destroy|remove|findByIdAndDelete|deleteUser"
    r"|findOneAndDelete)\("
    r"|(?i:\bDELETE\s+FROM\b)|\.(?:\w+\.)?(?:delete|remove|clear)[A-Z]\w*\(|\bdel\("
)
READS = re.compile(
    r"\.(?:select|find|findOne|findMany|findFirst|findUnique|findById|findAll|aggregate"
    r"|query|all)\("
    r"|(?i:\bSELECT\s[\s\S]{1,400}?\bFROM\b)|\b(?:storage|db|\w+(?:Service|Repository|Store"
    r"|Storage))\.(?:\w+\.)?"
    r"(?:get|find|list|fetch|search|load)\w*\(|\bkv\.(?:m?get|getByPrefix)\(",
)
MAIL = re.compile(
    r"\bemails?\.send\(|\.sendMail\(|\bsgMail\.send|api\.resend\.com|/mail/send\b|api\.mailgun"
    r"|api\.brevo\.com|api\.postmarkapp|api\.mailjet|SendEmailCommand|\bsmtp\w*\.send"
    r"|client\.send\(\s*\{"
    r"|\bsend\w*(?:E[mM]ail|Mail)\w*\(|emailjs",
)
MESSAGE = re.compile(
    r"api\.twilio\.com|messages\.create\(|api\.telegram\.org[\s\S]{0,80}send"
    r"|graph\.facebook\.com[\s\S]{0,60}messages"
    r"|\bsend\w*(?:Sms|SMS|WhatsApp|Whatsapp)\w*\("
    r"|\b(?:client|sock|wa\w*|whatsapp\w*)\.sendMessage\(",
)
LLM = re.compile(
    r"api\.openai\.com|api\.anthropic\.com|api\.groq\.com|generativelanguage\.googleapis"
    r"|ai\.gateway\.lovable"
    r"|openrouter\.ai|api\.x\.ai|api\.deepseek|chat\.completions\.create\("
    r"|messages\.stream\(|generateText\(|generateObject\(|streamObject\("
    r"|streamText\(|generateContent\(|\binvokeLLM\(|api\.perplexity|api-inference\.huggingface",
)
MONEY = re.compile(
    r"balance|wallet|payout|withdraw|transfers?\.create|refunds?\.create|\bcredits?\b|escrow"
    r"|security_reserve"
    r"|commission|\bpaid\b",
    _I,
)
PEOPLE = re.compile(
    r"(?:from|table|FROM|INTO|UPDATE|JOIN)\s*\(?\s*['\"`]?(?:public\.)?(?:users?|profiles?"
    r"|customers?|clients?|patients?|members?"
    r"|employees?|attendees?|orders?|bookings?|messages?|contacts?|leads?|sales?|invoices?"
    r"|payments?|donations?"
    r"|appointments?|students?|subscribers?|accounts?|sessions?|chats?\w*|conversations?"
    r"|addresses|staff"
    r"|drivers?|tenants?|transactions?|ledgers?\w*|companies|documents?|registrations?"
    r"|applications?)\b"
    r"|\b(?:prisma|db|storage|\w*[sS]ervice|\w*[rR]epo\w*)\.\w*(?:user|customer|client"
    r"|patient|member|employee|order|booking|message"
    r"|contact|lead|invoice|payment|appointment|student|subscriber|account|conversation"
    r"|profile|transaction|driver)\w*"
    r"|\b(?:User|Customer|Client|Patient|Member|Employee|Order|Booking|Message|Contact|Lead"
    r"|Invoice|Payment"
    r"|Appointment|Student|Account|Profile|Transaction|Ledger\w*|Cashbook\w*|Supplier|Party"
    r"|Driver|Bank\w*)"
    r"\.(?:find|aggregate|count)\w*\(",
    _I,
)
PERSONAL = re.compile(
    r"\b(?:\w*email\w*|\w*phone\w*|first_?name|last_?name|full_?name|owner_?name|address"
    r"|date_of_birth|dob|ssn|cpf)\b",
    _I,
)
PUBLIC_PATH = re.compile(
    r"health|ping|status\b|version|log-?in|sign-?(?:in|up|out)|log-?out|register"
    r"|registration|\bauth\b(?!.*(?:role|admin|user))"
    r"|forgot|reset|verif|otp|callback|oauth|csrf|refresh|contact|newsletter|subscri"
    r"|unsubscribe|track|click|\b2fa\b|\bmfa\b|send-(?:\w+-)?code\b"
    r"|pixel|feedback|waitlist|inquir|enquir|\bdemo\b|public|sitemap|robots|openapi|swagger"
    r"|docs|redirect|(?<!:)slug|analytics"
    r"|view|error-?log|log-?error|report-?error|captcha|lead|quote|apply|application|rsvp"
    r"|vote|survey|quiz|donat|consent|telemetry|metrics|seo|og\b"
    r"|checkout|guest|cart|(?:create|place|submit|online)[-_/]?\w*order|orders?/create"
    r"|payment|paystack|m-?pesa|stripe|razorpay|paypal|flutterwave|shorten|share|embed|webhook|notify-?me|invite|invitation|token|magic|validate"
    r"|\bsupport\b|\bhelp\b|submission|\bsubmit|(?<!chat-)(?<!ai-)\bresponses?\b|complaint|(?:^|/)check-|geocod|\bmaps?\b|password|welcome|locale|track|^/?$",
    _I,
)
_ENTRANCE = (
    r"health|ping|version|log-?in|sign-?(?:in|up|out)|log-?out|register|registration"
    r"|\bauth\b(?!.*(?:role|admin|user))|forgot|reset|verif|otp|callback|oauth|csrf|refresh"
    r"|unsubscri|click|pixel|\bdemo\b|public|redirect|\btrack|\bviews?\b|view-?count"
    r"|captcha|rsvp|survey|consent|guest|\bcart|checkout|share|embed|webhook|invite|invitation"
    r"|token|magic|password|\bby-|look-?up|confirm"
)
OPEN_CHANGE = re.compile(_ENTRANCE, _I)
"""What a stranger may change: what they hold a token for, or count."""
OPEN_READ = re.compile(_ENTRANCE + r"|docs|sitemap|slug|feedback|\bstats?\b|count|analytics", _I)
LOGIN_PATH = re.compile(r"log-?in|sign-?in|/auth/?$|authenticate|/token$|/session$", _I)
WEBHOOK_NAME = re.compile(r"web-?hooks?|\bhook\b|/hooks?/|inbound|ipn\b|postback|-hook\b", _I)
BATCH_NAME = re.compile(
    r"cron|schedul|nightly|daily|weekly|monthly|hourly|reminder|process-|cleanup|clean-up"
    r"|sync-?|release|"
    r"check-\w*(?:deadline|expir|due|overdue)|expire|generate-\w*(?:report|task|invoice"
    r"|offer)s|batch|run-|purge|dispatch|recurring|materiali|auto-|"
    r"backup|digest|notify-|renew|refresh-"
    r"|(?:send|process)-[\w-]*(?:emails|reminders?|notifications|alerts|newsletters?)$",
    _I,
)
TAKES_PART = re.compile(
    r"/(?:submit|attempts?|answers?|join|enrol\w*|apply|book|vote)/?$", re.IGNORECASE
)
ADMIN_PATH = re.compile(r"(?:^|[/_-])(?:admin|superadmin|backoffice)(?:$|[/_-])", _I)
HEALTH_PATH = re.compile(
    r"health|/ping\b|/status\b|/live(?:z|ness)?\b|/ready|/readyz|/up$|/_?alive", _I
)
LIMITS = re.compile(
    r"rate-?_?limit|limiter|throttl|slow-?down|brute|upstash/ratelimit|Ratelimit|attempts"
    r"|lockout|turnstile|captcha",
    _I,
)
TOKEN_LOOKUP = re.compile(
    r"\.eq\(\s*['\"]\w*(?:token|secret|invite_code|access_code|api_key|key_hash|code|hash"
    r"|slug)['\"]|token_hash|"
    r"where:\s*\{[^}]*token|WHERE\s+\w*(?:token|api_key|secret)\w*\s*=|By\w*Token\(|ByToken",
    _I,
)
OPTIONAL_PASSWORD = re.compile(
    r"bcrypt|argon2|scrypt|comparePassword|verifyPassword|signInWithPassword"
    r"|passport\.authenticate\(",
    _I,
)
STORES = re.compile(
    r"\.(?:create|insert|insertOne|upsert|update|updateOne|findByIdAndUpdate"
    r"|findOneAndUpdate|save|values|set|createUser|updateUserById|signUp|run|query|register"
    r"|(?:create|update|upsert|insert|add|set(?![eE]x$|Header$|Timeout$)|register)\w*)$"
)
TENANT_ID = (
    r"(?:org(?:ani[sz]ation)?|tenant|company|workspace|restaurant|salon|clinic|hospital|school|store"
    r"|shop|business|agency|hotel|gym|club|branch|property|account|team|household)_?[iI]d"
)
SET_BEFORE = re.compile(
    rf"\b(?:\w{{0,20}}[rR]eq(?:uest)?|\(\s*req(?:uest)?\s+as\s+\w+\s*\))\??\.{TENANT_ID}\b"
)
"""No client sets a field of the request itself: a middleware has found out whose it is."""
