"""Which guardrails are wanted, and what an earlier adoption has answered."""

import re
from dataclasses import dataclass
from pathlib import Path

from roadworthy.questions import ANSWERS_FILE, Answers, recorded
from roadworthy.refusal import BadAnswer, Refusal

from .guardrails import NAMES


@dataclass(frozen=True)
class Choice:
    """`only` these, or all that fit but those that were `declined`."""

    only: tuple[str, ...] = ()
    declined: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for option, names in (("--only", self.only), ("--decline", self.declined)):
            for name in names:
                if name not in NAMES:
                    raise BadAnswer(f"{option} {name}: there are {', '.join(NAMES)}.")
        if both := set(self.only) & set(self.declined):
            raise BadAnswer(f"{min(both)} is both asked for and declined.")


def choose(choice: Choice, kind: str, fitted: tuple[str, ...]) -> list[str]:
    """The guardrails to fit: what was fitted before stays, whatever is asked for now."""
    usual = ("ci", "secrets") if kind == "streamlit" else NAMES
    wanted = choice.only or tuple(name for name in usual if name not in choice.declined)
    return [name for name in NAMES if name in wanted or name in fitted]


def earlier_adoption(root: Path) -> Answers | None:
    """The answers of an adoption before; None when there was none.

    Raises:
        Refusal: the tree is a stamped service, or another template's.

    """
    answers = recorded(root)
    if answers is None or (answers.get("mode") == "adopt" and "guardrails" in answers):
        return answers
    if "mode" not in answers:
        other = f".copier-answers.{_name(str(answers.get('_src_path', '')))}.yml"
        raise Refusal(
            f"{root / ANSWERS_FILE} is of another template ({answers.get('_src_path')}), and the "
            f"answers given here are to be kept under that name. `git mv {ANSWERS_FILE} {other}`, "
            f"commit it, and run this again; `copier update --answers-file {other}` is how that "
            "template is kept up with from then on."
        )
    raise Refusal(
        f"{root / ANSWERS_FILE} says that this is stamped from a template already: `roadworthy "
        "update` is how it keeps up."
    )


def _name(source: str) -> str:
    """Of the template's repository, as a part of a file's name."""
    last = source.rstrip("/").removesuffix(".git").rpartition("/")[2]
    return re.sub(r"[^\w-]+", "-", last).strip("-") or "other"
