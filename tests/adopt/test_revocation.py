"""What leaked is revoked in the order of what it opens, at the right provider."""

import re

import pytest
from guardrails.engine.guards import load_guards
from guardrails.engine.runner import run_guards
from guardrails.engine.tree import walk
from stamping import commit_all, git

from roadworthy.inspection.guardrails import catalogue
from roadworthy.inspection.issues import issues_of
from roadworthy.inspection.model import Issue, Place, Severity
from roadworthy.planning.revocation import Revocation, in_words, revocations

# In pieces, so that no scanner of this repository takes them for real ones.
_PASSWORD = "Tq7wRz81" + "pLm2"
_STRIPE = "sk_li" + "ve_9fKq2LmWx7RtYv3BnZc8"
_SUPABASE = "sb_sec" + "ret_Lq8vT2mYx4KdRw9ZpBn6"
_RESEND = "re_" + "8hGtK2vQ_9sXcWq4LmZpRt7VbYd"
_VOICE = "Zr8Kq2vLm" + "Wx7RtYv3BnZc8Hq5Td2Gs9Jf4Pw"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Revocation, ...]:
    """Of a prototype with five secrets and a public key, as its inspection sees them."""
    tree = tmp_path_factory.mktemp("leaky")
    git(tree, "init", "--quiet")
    (tree / "old.ts").write_text(f"const stripe = new Stripe('{_STRIPE}')\n")
    commit_all(tree, "Pay")
    (tree / "old.ts").unlink()
    (tree / ".env").write_text(
        f"DATABASE_URL=postgresql://app:{_PASSWORD}@ep-cool-1.eu.neon.tech/app\n"
        f"RESEND_API_KEY={_RESEND}\n"
        f"VITE_ELEVENLABS_API_KEY={_VOICE}\n"
        "VITE_SUPABASE_PUBLISHABLE_KEY=sb_publi" + "shable_Lq8vT2mYx4KdRw9ZpBn6Ab\n"
    )
    (tree / "admin.ts").write_text(f"const db = createClient(url, '{_SUPABASE}')\n")
    commit_all(tree, "More")
    guards = [guard for guard in load_guards() if guard.name == "secrets"]
    document = run_guards(walk(tree), guards)
    return revocations(issues_of(document, catalogue()))


def test_what_opens_all_goes_first_and_public_keys_are_none(
    found: tuple[Revocation, ...],
) -> None:
    providers = [one.provider for one in found]
    assert set(providers[:2]) == {"Supabase", "Neon"}
    assert set(providers[2:]) == {"Stripe", "ElevenLabs", "Resend"}
    assert [one.severity for one in found] == sorted((one.severity for one in found), reverse=True)
    assert all(one.where and one.how and one.breaks for one in found)


def test_who_has_it_already_is_said(found: tuple[Revocation, ...]) -> None:
    known = {one.provider: one.known_to for one in found}
    assert known["ElevenLabs"] == "Every visitor of the page has it since the first deployment."
    assert re.fullmatch(r".* since \d{4}-\d\d-\d\d, in its history\.", known["Stripe"])
    assert known["Supabase"].endswith("it stays in its history.")


def test_the_list_names_places_and_no_secret(found: tuple[Revocation, ...]) -> None:
    said = in_words(found)
    assert said.startswith("Revoke these, in this order.")
    assert [line[0] for line in said.splitlines() if line[1:3] == ". "] == list("12345")
    assert ".env:1" in said
    assert "https://dashboard.stripe.com/apikeys" in said
    for secret in (_PASSWORD, _STRIPE, _SUPABASE, _RESEND, _VOICE):
        assert secret not in said
    assert in_words(()) == ""


def _issue(kind: str, rule: str = "secret.committed", path: str = ".env") -> Issue:
    return Issue(
        key=kind,
        rule=rule,
        area="secrets",
        severity=Severity.HIGH,
        evidence="exact",
        message="",
        places=(Place(path, 1),),
        count=1,
        guard="secrets",
        detail={"kind": kind, "masked": f"{kind[:2]}…(9)"},
    )


@pytest.mark.parametrize(
    ("kind", "provider"),
    [
        ("Supabase service_role key", "Supabase"),
        ("SUPABASE_JWT_SECRET", "Supabase"),
        ("SUPABASE_DB_PASSWORD", "Supabase"),
        ("mongodb connection string with its password", "MongoDB Atlas"),
        ("DB_PASSWORD", "The database's host"),
        ("JWT_SECRET", "Your own server"),
        ("NEXTAUTH_SECRET", "Your own server"),
        ("STRIPE_WEBHOOK_SECRET", "Stripe, or who sends the webhook"),
        ("STRIPE_SECRET_KEY", "Stripe"),
        ("Stripe test key", "Stripe"),
        ("aws access token", "AWS"),
        ("AWS_SECRET_ACCESS_KEY", "AWS"),
        ("GEMINI_API_KEY", "Google"),
        ("VITE_ANTHROPIC_API_KEY", "Anthropic"),
        ("GitHub token", "GitHub"),
        ("Telegram bot token", "Telegram"),
        ("private key", "Whoever trusts the key"),
        ("token (JWT) that has no expiry", "Whoever issued the token"),
        ("SMTP_PASSWORD", "The mail provider"),
        ("ADMIN_PASSWORD", "Whatever asks for the password"),
        ("ACME_WIDGET_KEY", "Whoever issued it"),
    ],
)
def test_each_kind_has_its_provider(kind: str, provider: str) -> None:
    assert [one.provider for one in revocations([_issue(kind)])] == [provider]


def test_a_name_that_commands_a_terminal_is_told_without_the_command() -> None:
    said = in_words(revocations([_issue("RESEND_API_KEY", path="a\x1b[2J\n2. b/.env")]))
    assert "a\ufffd[2J\ufffd2. b/.env:1" in said


def test_one_secret_in_two_issues_is_revoked_once() -> None:
    first = _issue("OPENAI_API_KEY")
    second = _issue("OPENAI_API_KEY", "secret.in-bundle", "src/a.ts")
    (one,) = revocations([first, second])
    assert [str(place) for place in one.places] == [".env:1", "src/a.ts:1"]
    assert one.known_to.startswith("Every visitor")


def test_of_equals_the_published_one_goes_first() -> None:
    names = ["RESEND_API_KEY", "SENDGRID_API_KEY", "SLACK_TOKEN"]
    rules = ["secret.in-history", "secret.committed", "secret.in-bundle"]
    ordered = revocations(_issue(name, rule) for name, rule in zip(names, rules, strict=True))
    assert [one.provider for one in ordered] == ["Slack", "SendGrid", "Resend"]
